"""The CloudFormation template comes to what `infra/policies` and `infra/rules` say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import infra_stacks
import pytest
from chela_bed.aws import policies, sameness
from chela_bed.aws.account import Account
from chela_bed.aws.dialects.cloudformation import CloudFormationDesign
from infra_stacks import ACCOUNT, BOTH, ELSEWHERE, SAMPLES, VARIANTS, chela, names, normative

ROLES = {"TriggerRole": "trigger", "ReportRole": "report", "SweepRole": "sweep"}
SAMPLE_ROLES = {"BuildRole": "build", "PipelineRole": "pipeline", "PipelineBuildRole": "pipeline-build"}
TRUSTS = {
    "TriggerRole": "trust-function",
    "ReportRole": "trust-function",
    "SweepRole": "trust-sweep",
    "BuildRole": "trust-build",
    "PipelineRole": "trust-pipeline",
    "PipelineBuildRole": "trust-pipeline-build",
}
CALLERS = {"function-url": "caller", "http-api": "caller-http-api"}
RESOURCES = {"reports-queue", "bucket", "key"}


def roles_of(variant: Mapping[str, str]) -> dict[str, str]:
    """Which there are, and their policies."""
    return ROLES | (SAMPLE_ROLES if "MakeFirstProject" in variant else {})


EACH = [(variant, role) for variant, more in VARIANTS.items() for role in roles_of(more)]


def test_every_policy_is_held_against_the_template() -> None:
    held = {*ROLES.values(), *SAMPLE_ROLES.values(), *TRUSTS.values(), *CALLERS.values(), *RESOURCES}
    assert {path.stem for path in (policies.INFRA / "policies").glob("*.json")} == held


@pytest.mark.parametrize(("variant", "role"), EACH)
def test_a_role_may_what_its_policy_says_and_nothing_else(variant: str, role: str) -> None:
    stack = chela(VARIANTS[variant])
    policy = roles_of(VARIANTS[variant])[role]
    assert sameness.policy(stack.statements(role)) == normative(policy, stack)


@pytest.mark.parametrize(("variant", "role"), EACH)
def test_a_role_is_taken_by_its_own_service_only(variant: str, role: str) -> None:
    stack = chela(VARIANTS[variant])
    trust = stack[role].properties["AssumeRolePolicyDocument"]["Statement"]
    assert sameness.policy(trust) == normative(TRUSTS[role], stack)


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_is_no_role_beside_these(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    assert set(stack.of_type("AWS::IAM::Role")) == set(roles_of(VARIANTS[variant]))
    assert not stack.of_type("AWS::IAM::ManagedPolicy")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_caller_may_call_the_front_door_and_nothing_else(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    found = CloudFormationDesign(stack).statements("Caller")
    assert sameness.policy(found) == normative(CALLERS[stack.values["FrontDoor"]], stack)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_queue_of_reports_takes_the_rules_events_only(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    policy = stack["ReportsQueuePolicy"].properties
    assert policy["Queues"] == [names(stack)["ReportsQueueUrl"]]
    assert sameness.policy(policy["PolicyDocument"]["Statement"]) == normative("reports-queue", stack)


@pytest.mark.parametrize("bucket", ["SourcesBucket", "LedgerBucket"])
def test_a_bucket_refuses_plain_http(bucket: str) -> None:
    stack = chela()
    known, policy = names(stack), stack[f"{bucket}Policy"].properties
    assert policy["Bucket"] == known[f"{bucket}Name"]
    found = sameness.policy(policy["PolicyDocument"]["Statement"])
    assert found == normative("bucket", stack, Bucket=known[bucket])


@pytest.mark.parametrize("variant", [name for name, more in VARIANTS.items() if more.get("KmsKey") == "new"])
def test_a_new_key_is_for_the_account_and_for_the_rules(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    policy = stack["Key"].properties["KeyPolicy"]["Statement"]
    assert sameness.policy(policy) == normative("key", stack)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_every_arn_is_of_the_partition(partition: str) -> None:
    account = Account("123456789012", partition=partition)
    stack = chela({**SAMPLES, "KmsKey": "new"}, account)
    told = json.dumps([one.properties for one in stack.resources.values()])
    assert {*re.findall(r"arn:([a-z-]+):", told)} == {partition}
    for role, policy in (ROLES | SAMPLE_ROLES).items():
        assert sameness.policy(stack.statements(role)) == normative(policy, stack)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_rules_take_the_events_of_what_may_be_started(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    known = names(stack)
    for logical, rule, watched in (
        ("CodeBuildRule", "codebuild", "CodeBuildProjectNames"),
        ("CodePipelineRule", "codepipeline", "PipelineNames"),
    ):
        # EventBridge takes no pattern with an empty list.
        assert (logical in stack.resources) == bool(known[watched])
        if known[watched]:
            made = stack[logical].properties
            assert sameness.pattern(made["EventPattern"]) == sameness.pattern(policies.rule(rule, known))
            assert [target["Arn"] for target in made["Targets"]] == [known["ReportsQueue"]]


@pytest.mark.parametrize("name", ["chela.yaml", "caller.yaml"])
def test_a_caller_of_another_account_is_let_in_by_the_function_itself(name: str) -> None:
    stack = chela({**BOTH, "CallerArn": ELSEWHERE})
    if name == "caller.yaml":
        second = {"PagureProject": "demo/other", "CallerArn": ELSEWHERE}
        stack = infra_stacks.template(name).resolve(second, ACCOUNT, "other", stack.exports)
        assert stack.outputs["CallerArn"] == ELSEWHERE
    assert "CallerPolicy" not in stack.resources
    found = [one.properties for one in stack.of_type("AWS::Lambda::Permission").values()]
    function = ACCOUNT.function("chela-trigger")
    base = {"FunctionName": function, "Principal": ELSEWHERE}
    assert found == [
        {**base, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"},
        {**base, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]


@pytest.mark.parametrize("variant", [name for name, more in VARIANTS.items() if "CodeBuildProjects" in more])
def test_the_stack_tells_what_the_role_of_a_project_of_theirs_needs(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    told = json.loads(stack.outputs["BuildPolicy"])
    assert told["Version"] == "2012-10-17"
    assert sameness.policy(told["Statement"]) == normative("build", stack)


def test_a_further_project_may_have_a_user_that_there_is() -> None:
    stack = chela({**BOTH, "FrontDoor": "http-api"})
    second = {"PagureProject": "demo/other", "FrontDoor": "http-api", "CallerName": "pagure"}
    made = infra_stacks.template("caller.yaml").resolve(second, ACCOUNT, "other", stack.exports)
    assert sameness.policy(made.statements("pagure")) == normative("caller-http-api", stack)
    assert made.outputs["CallerArn"] == ACCOUNT.user("pagure")


def test_a_further_project_may_be_of_a_stack_of_another_name_and_prefix() -> None:
    more = {**infra_stacks.LEAST, **BOTH, "NamePrefix": "ci"}
    stack = infra_stacks.template("chela.yaml").resolve(more, ACCOUNT, "team")
    second = {"PagureProject": "demo/other", "NamePrefix": "ci", "Stack": "team"}
    made = infra_stacks.template("caller.yaml").resolve(second, ACCOUNT, "other", stack.exports)
    assert sameness.policy(made.statements("Caller")) == normative("caller", stack)
    assert made.outputs["CallerArn"] == ACCOUNT.user("ci-pagure-demo-other")


@pytest.mark.parametrize("door", CALLERS)
def test_a_further_project_gets_a_caller_with_the_same_rights(door: str) -> None:
    stack = chela({**BOTH, "FrontDoor": door})
    second = {"PagureProject": "demo/other", "FrontDoor": door}
    made = infra_stacks.template("caller.yaml").resolve(second, ACCOUNT, "other", stack.exports)
    assert sameness.policy(made.statements("Caller")) == normative(CALLERS[door], stack)
    assert made.outputs["CallerArn"] == ACCOUNT.user("chela-pagure-demo-other")
