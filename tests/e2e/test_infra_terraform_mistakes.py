"""Mistakes planted in the module: the side by side of the dialects notices each, at the place named here.

Several are planted in one copy, where they do not touch the same place, and all copies are planned at
once; so what is noticed must be exactly what was planted.
"""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import infra_module
import pytest
import rights_designs
import rights_settings
import test_infra_side_by_side as side_by_side
from chela_bed.aws import sameness
from chela_bed.aws.dialects import Design, Terraform
from chela_bed.aws.dialects.terraform import MODULE
from chela_bed.aws.dialects.terraform_command import LITTER
from rights_differences import EXCUSES

WISH = "whole"
# Settings that are rights.
OF_RIGHTS = ("PolicyDocument", "KeyPolicy")


@dataclass(frozen=True)
class Mistake:
    """What a file says, what it would say, and where that is noticed: whose rights, or which settings."""

    file: str
    old: str
    new: str
    noticed: Sequence[str]

    def covers(self, place: str) -> bool:
        """Whether that is where."""
        return any(_is_at(place, each) for each in self.noticed)


def _is_at(place: str, where: str) -> bool:
    return f"{place}.".startswith(f"{where}.")


def rights(file: str, old: str, new: str, *whose: str) -> Mistake:
    """One in a policy."""
    return Mistake(f"policies/{file}.json", old, new, [f"rights of {each}" for each in whose])


SECOND_URL_ACTION = """    },
    {
      "Sid": "AndThroughItAlone",
      "Effect": "Allow",
      "Action": "lambda:InvokeFunction",
      "Resource": "${TriggerFunction}",
      "Condition": { "Bool": { "lambda:InvokedViaFunctionUrl": "true" } }
    }
"""
COPIES: Sequence[Mapping[str, Mistake]] = (
    {
        "a wildcard of a resource": rights(
            "trigger", '"Resource": "${LedgerBucket}/executions/*"', '"Resource": "*"', "TriggerRole"
        ),
        "a missing permission": rights("report", '"sqs:ChangeMessageVisibility",', "", "ReportRole"),
        "the second URL action missing": rights("caller", SECOND_URL_ACTION, "    }\n", "Caller"),
        "the events principal missing in the queue's policy": rights(
            "reports-queue", "events.amazonaws.com", "sns.amazonaws.com", "ReportsQueuePolicy"
        ),
        "a key that events may not use": rights("key", "events.amazonaws.com", "sns.amazonaws.com", "Key"),
        "a wrong event pattern": Mistake(
            "rules/codebuild.json",
            ', "CodeBuild Build Phase Change"',
            "",
            ["CodeBuildRule.EventPattern.detail-type"],
        ),
        "polling left on": Mistake(
            "sample.tf",
            'PollForSourceChanges = "false"',
            'PollForSourceChanges = "true"',
            ["SamplePipeline.Stages.Source.Actions.Source.Configuration.PollForSourceChanges"],
        ),
        "execution mode SUPERSEDED": Mistake(
            "sample.tf", '"PARALLEL"', '"SUPERSEDED"', ["SamplePipeline.ExecutionMode"]
        ),
        "an unencrypted queue": Mistake(
            "queues.tf",
            "  kms_master_key_id         = local.kms_key\n",
            "",
            ["RequestsDeadLetters.KmsMasterKeyId", "ReportsDeadLetters.KmsMasterKeyId"],
        ),
        "visibility below the function's time-out": Mistake(
            "queues.tf", "= 360", "= 60", ["RequestsQueue.VisibilityTimeout"]
        ),
        "noncurrent versions that never expire": Mistake(
            "storage.tf",
            "    noncurrent_version_expiration {\n      noncurrent_days = 7\n    }\n",
            "",
            ["SourcesBucket.LifecycleConfiguration.Rules.sources.NoncurrentVersionExpiration"],
        ),
        "a ledger that expires open/": Mistake(
            "storage.tf",
            '["builds", "executions"]',
            '["builds", "executions", "open"]',
            ["LedgerBucket.LifecycleConfiguration.Rules.open"],
        ),
    },
    {
        "a wildcard of an action": rights(
            "report", '["s3:PutObject", "s3:DeleteObject"]', '"s3:*"', "ReportRole"
        ),
        "a role that builds may swap": rights(
            "trigger", '"codebuild:serviceRole": "true",', "", "TriggerRole"
        ),
        "plain HTTP": rights("bucket", '"false"', '"true"', "SourcesBucketPolicy", "LedgerBucketPolicy"),
        "a role for any project": rights(
            "trust-build",
            '"ArnEquals": { "aws:SourceArn": "${BuildProject}" }',
            '"Null": {}',
            "trust of BuildRole",
        ),
        "a queue without its policy": Mistake(
            "queues.tf",
            '  policy         = local.policies["reports-queue"]\n',
            "",
            ["rights of ReportsQueuePolicy", "ReportsQueuePolicy"],
        ),
        "events that go astray": Mistake(
            "events.tf",
            "= aws_sqs_queue.reports.arn",
            "= aws_sqs_queue.requests.arn",
            ["CodeBuildRule.Targets.reports.Arn", "CodePipelineRule.Targets.reports.Arn"],
        ),
        "sources without versions": Mistake(
            "storage.tf",
            '"Enabled"\n  }',
            '"Suspended"\n  }',
            ["SourcesBucket.VersioningConfiguration.Status"],
        ),
        "a door for everybody": Mistake("front.tf", '"AWS_IAM"', '"NONE"', ["TriggerUrl.AuthType"]),
        "the other function's role": Mistake(
            "functions.tf",
            "aws_iam_role.this[each.key]",
            'aws_iam_role.this["trigger"]',
            ["ReportFunction.Role"],
        ),
        "logs that are kept for ever": Mistake(
            "functions.tf",
            "= var.log_retention_days",
            "= 0",
            ["TriggerLogGroup.RetentionInDays", "ReportLogGroup.RetentionInDays"],
        ),
        "builds without a limit": Mistake(
            "sample.tf",
            "  concurrent_build_limit = 2\n",
            "",
            ["SampleProject.ConcurrentBuildLimit", "PipelineBuildProject.ConcurrentBuildLimit"],
        ),
    },
)


@functools.cache
def planned() -> Mapping[str, Design]:
    """The copies of the module, all in one plan."""
    with tempfile.TemporaryDirectory(prefix="chela-mistakes-") as scratch:
        folders = {}
        for n, mistakes in enumerate(COPIES):
            folders[str(n)] = Path(scratch) / f"copy{n}"
            shutil.copytree(MODULE, folders[str(n)], ignore=LITTER)
            for mistake in mistakes.values():
                plant(folders[str(n)], mistake)
        wish = rights_designs.WISHES[WISH]
        asked = {name: (wish, folder) for name, folder in folders.items()}
        return Terraform(Path(scratch)).compare(asked, rights_designs.ACCOUNT)


def plant(folder: Path, mistake: Mistake) -> None:
    path = folder / mistake.file
    text = path.read_text()
    assert mistake.old in text, f"{mistake.file} no longer says {mistake.old}; plant the mistake elsewhere"
    path.write_text(text.replace(mistake.old, mistake.new, 1))


@functools.cache
def noticed(copy: str) -> set[str]:
    """Where a copy is not as it has to be: whose rights, by infra/policies, and which settings."""
    bad = planned()[copy]
    rights = json.loads(json.dumps(rights_designs.said(bad)).replace("ci-token-??????", "ci-token-AbCdEf"))
    wanted = rights_designs.wanted(rights_designs.WISHES[WISH], bad)
    # Which is held against infra/rules and infra/spec.json itself.
    there = rights_settings.flat(rights_designs.design(side_by_side.FIRST, WISH))
    here = rights_settings.flat(bad)
    return {
        f"rights of {about}"
        for about in rights.keys() | wanted.keys()
        if sameness.policy(rights.get(about, [])) != sameness.policy(wanted.get(about, []))
    } | {
        path
        for path in here.keys() | there.keys()
        if here.get(path) != there.get(path)
        and not any(each in path for each in OF_RIGHTS)
        and not any(each.covers(Terraform.name, path) for each in EXCUSES)
    }


ALL = [(str(n), name) for n, mistakes in enumerate(COPIES) for name in mistakes]


@pytest.mark.parametrize(("copy", "mistake"), ALL)
def test_a_planted_mistake_is_noticed_where_it_is(copy: str, mistake: str) -> None:
    infra_module.need()
    for place in COPIES[int(copy)][mistake].noticed:
        assert any(_is_at(found, place) for found in noticed(copy)), place


@pytest.mark.parametrize("copy", [str(n) for n, _ in enumerate(COPIES)])
def test_nothing_is_noticed_that_was_not_planted(copy: str) -> None:
    infra_module.need()
    planted = COPIES[int(copy)].values()
    assert not [place for place in noticed(copy) if sum(each.covers(place) for each in planted) != 1]


@pytest.mark.parametrize("copy", [str(n) for n, _ in enumerate(COPIES)])
@pytest.mark.parametrize(
    "check",
    [
        side_by_side.test_a_stack_has_the_policies_of_infra_and_no_other,
        side_by_side.test_a_stack_is_the_same_in_every_dialect,
    ],
)
def test_the_side_by_side_fails_for_it(
    copy: str, check: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    infra_module.need()
    whole = rights_designs.design
    side_by_side.differences.cache_clear()
    monkeypatch.setattr(
        rights_designs,
        "design",
        lambda dialect, wish: planned()[copy] if dialect == Terraform.name else whole(dialect, wish),
    )
    with pytest.raises(AssertionError):
        check(Terraform.name, WISH)
    side_by_side.differences.cache_clear()
