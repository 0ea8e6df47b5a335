"""cfn-guard finds nothing in what the template comes to, and finds what is planted there."""

from __future__ import annotations

import copy
import json
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from chela_bed.aws.cloudformation import Resolved, guard
from chela_bed.aws.cloudformation.guard import broken
from chela_bed.aws.dialects import SAMPLES as JOBS
from chela_bed.aws.dialects import Wish
from chela_bed.aws.dialects.cdk import Cdk
from infra_stacks import ACCOUNT, BOTH, FOLDER, SAMPLES, VARIANTS, chela

KEPT = ("DeletionPolicy", "UpdateReplacePolicy")

Content = dict[str, Any]
Plant = Callable[[Content], None]


@pytest.fixture(scope="module", autouse=True)
def _there() -> None:
    _skip_loudly(guard.missing())


def _skip_loudly(lacking: str | None) -> None:
    if lacking:
        warnings.warn(f"NOT RUN: {lacking}", stacklevel=2)
        pytest.skip(f"NOT RUN: {lacking}")


def content(stack: Resolved) -> Content:
    """The stack as a template without parameters."""
    declared = stack.content["Resources"]
    return {
        "Resources": {
            name: {
                "Type": one.type,
                "Properties": copy.deepcopy(one.properties),
                **{policy: declared[name][policy] for policy in KEPT if policy in declared[name]},
            }
            for name, one in stack.resources.items()
        }
    }


def test_no_rule_is_broken_by_what_the_template_comes_to() -> None:
    stacks = {name: json.dumps(content(chela(more))) for name, more in VARIANTS.items()}
    assert dict(zip(stacks, broken([*stacks.values()]), strict=True)) == {name: set() for name in stacks}


def test_no_rule_is_broken_by_the_templates_themselves() -> None:
    files = [FOLDER / name for name in ("chela.yaml", "caller.yaml")]
    assert broken([file.read_text() for file in files]) == [set(), set()]


def test_no_rule_is_broken_by_the_cdks_template(tmp_path: Path) -> None:
    _skip_loudly(Cdk.missing())
    dialect = Cdk(tmp_path)
    wishes = [Wish(), Wish(jobs=JOBS, samples=True, key="new"), Wish(http_api=True)]
    templates = [json.dumps(dialect.synthesise(wish, ACCOUNT)["template"]) for wish in wishes]
    assert broken(templates) == [set(), set(), set()]


def put(logical: str, path: str, value: Any) -> Plant:
    """Set a property that lies there, such as `Rules.0.Prefix`."""

    def planted(found: Content) -> None:
        *way, last = path.split(".")
        at: Any = found["Resources"][logical]["Properties"]
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[last] = value

    return planted


def drop(logical: str, name: str) -> Plant:
    """Take a property away."""
    return lambda found: found["Resources"][logical]["Properties"].pop(name)


def keep_no_more(found: Content) -> None:
    found["Resources"]["LedgerBucket"]["DeletionPolicy"] = "Delete"


def add_access_key(found: Content) -> None:
    found["Resources"]["Oops"] = {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": "a"}}


# The rule, and what breaks it.
PLANTED: Sequence[tuple[str, Plant]] = [
    ("queues_are_encrypted", put("ReportsQueue", "SqsManagedSseEnabled", value=False)),
    ("queues_are_encrypted", drop("RequestsDeadLetters", "SqsManagedSseEnabled")),
    ("queues_that_are_read_have_dead_letters", drop("RequestsQueue", "RedrivePolicy")),
    ("messages_are_kept", put("RequestsQueue", "MessageRetentionPeriod", 3600)),
    ("messages_are_kept", put("ReportsDeadLetters", "MessageRetentionPeriod", 345600)),
    ("mappings_report_each_message", put("ReportsMapping", "FunctionResponseTypes", [])),
    ("mappings_report_each_message", drop("RequestsMapping", "ScalingConfig")),
    ("buckets_are_encrypted", drop("LedgerBucket", "BucketEncryption")),
    (
        "buckets_are_not_public",
        put("SourcesBucket", "PublicAccessBlockConfiguration.BlockPublicPolicy", value=False),
    ),
    ("buckets_are_not_public", drop("LedgerBucket", "PublicAccessBlockConfiguration")),
    ("buckets_survive_their_stack", keep_no_more),
    ("buckets_expire_what_they_keep", drop("LedgerBucket", "LifecycleConfiguration")),
    ("buckets_expire_what_they_keep", put("LedgerBucket", "LifecycleConfiguration.Rules.0.Prefix", "open/")),
    ("buckets_expire_what_they_keep", put("SourcesBucket", "LifecycleConfiguration.Rules", [{"Id": "a"}])),
    ("buckets_refuse_plain_http", put("LedgerBucketPolicy", "PolicyDocument.Statement.0.Effect", "Allow")),
    ("front_doors_ask_who_is_there", put("TriggerUrl", "AuthType", "NONE")),
    ("functions_log_where_logs_end", drop("ReportFunction", "LoggingConfig")),
    ("logs_end", drop("TriggerLogGroup", "RetentionInDays")),
    ("no_secret_is_in_a_template", put("NewTokenSecret", "SecretString", "geheim")),
    ("no_secret_is_in_a_template", add_access_key),
    (
        "policies_have_no_wildcard_actions",
        put("SweepPolicy", "PolicyDocument.Statement.0.Action", "lambda:*"),
    ),
    (
        "policies_have_no_wildcard_actions",
        put("TriggerPolicy", "PolicyDocument.Statement.0.Action", ["sqs:SendMessage", "*"]),
    ),
    ("policies_name_their_resources", put("SweepPolicy", "PolicyDocument.Statement.0.Resource", "*")),
    (
        "policies_name_their_resources",
        put("TriggerPolicy", "PolicyDocument.Statement.0.Resource", ["arn:aws:sqs:::a", "*"]),
    ),
    ("pipelines_keep_pull_requests_apart", put("SamplePipeline", "ExecutionMode", "SUPERSEDED")),
    ("pipelines_keep_pull_requests_apart", put("SamplePipeline", "PipelineType", "V1")),
    (
        "pipelines_keep_pull_requests_apart",
        put("SamplePipeline", "Stages.0.Actions.0.Configuration.PollForSourceChanges", "true"),
    ),
]


def test_what_is_planted_breaks_its_rule() -> None:
    bad = []
    for _, plant in PLANTED:
        found = content(chela(SAMPLES))
        plant(found)
        bad.append(json.dumps(found))
    unnoticed = [rule for (rule, _), found in zip(PLANTED, broken(bad), strict=True) if rule not in found]
    assert not unnoticed


def test_a_key_that_never_turns_breaks_its_rule() -> None:
    found = content(chela({**BOTH, "KmsKey": "new"}))
    put("Key", "EnableKeyRotation", value=False)(found)
    assert broken([json.dumps(found)]) == [{"keys_turn"}]


@pytest.mark.parametrize(("policy", "value"), [*zip(KEPT, ("Delete", "Snapshot"), strict=True)])
def test_a_key_that_goes_with_its_stack_breaks_its_rule(policy: str, value: str) -> None:
    found = content(chela({**BOTH, "KmsKey": "new"}))
    found["Resources"]["Key"][policy] = value
    assert broken([json.dumps(found)]) == [{"keys_survive_their_stack"}]


def test_an_api_for_everybody_breaks_the_rule_of_front_doors() -> None:
    found = content(chela({**BOTH, "FrontDoor": "http-api"}))
    put("TriggerApiRoute", "AuthorizationType", "NONE")(found)
    assert broken([json.dumps(found)]) == [{"front_doors_ask_who_is_there"}]


def test_every_rule_has_something_that_breaks_it() -> None:
    assert {*re.findall(r"^rule (\w+)", guard.RULES.read_text(), re.MULTILINE)} == {
        rule for rule, _ in PLANTED
    } | {"keys_turn", "keys_survive_their_stack"}
