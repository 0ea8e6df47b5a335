"""The CloudFormation template deploys what `infra/policies`, `infra/rules` and `infra/spec.json` say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import infra_stacks
import pytest
from cfnlint.api import lint_file
from chela_bed.aws import policies, sameness
from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import RefusedError, Resolved, Template
from chela_bed.aws.cloudformation.reading import read
from chela_bed.paths import CHECKOUT
from infra_stacks import ACCOUNT, BOTH, ELSEWHERE, FOLDER, SAMPLES, VARIANTS, chela, names, normative


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("role", "policy"), [("TriggerRole", "trigger"), ("ReportRole", "report")])
def test_a_functions_role_may_what_its_policy_says_and_nothing_else(
    variant: str, role: str, policy: str
) -> None:
    stack = chela(VARIANTS[variant])
    assert sameness.policy(stack.statements(role)) == normative(policy, stack)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_caller_may_call_the_front_door_and_nothing_else(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    policy = "caller-http-api" if stack.values["FrontDoor"] == "http-api" else "caller"
    caller = "pagure" if stack.values["CallerArn"] else "Caller"
    assert sameness.policy(stack.statements(caller)) == normative(policy, stack)


def test_the_samples_roles_have_the_policies_that_such_roles_need() -> None:
    stack = chela(SAMPLES | BOTH)
    assert sameness.policy(stack.statements("BuildRole")) == normative("build", stack)
    found = stack.statements("PipelineRole", without=("PipelineStagesPolicy",))
    assert sameness.policy(found) == normative("pipeline", stack)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_every_arn_is_of_the_partition(partition: str) -> None:
    account = Account("123456789012", partition=partition)
    stack = chela({**SAMPLES, **BOTH, "KmsKey": "new"}, account)
    told = json.dumps([one.properties for one in stack.resources.values()])
    assert {*re.findall(r"arn:([a-z-]+):", told)} == {partition}
    assert sameness.policy(stack.statements("TriggerRole")) == normative("trigger", stack)


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


def spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHECKOUT / "infra" / "spec.json").read_text())
    return found


@pytest.mark.parametrize("logical", spec())
def test_a_resource_is_set_as_the_specification_says(logical: str) -> None:
    stack, wanted = chela(), spec()[logical]
    made = stack[logical]
    assert made.type == wanted["type"]
    filled = _filled(wanted["properties"], stack)
    found = {name: made.properties.get(name) for name in filled}
    assert sameness.settings(found) == sameness.settings(filled)
    assert not set(wanted.get("absent", [])) & set(made.properties)
    if "variables" in wanted:
        assert sorted(made.properties["Environment"]["Variables"]) == sorted(wanted["variables"])


def _filled(value: Any, stack: Resolved) -> Any:
    """`${Logical}` is the ARN of what is called so."""
    if isinstance(value, dict):
        return {name: _filled(member, stack) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(each, stack) for each in value]
    if not isinstance(value, str):
        return value
    return re.sub(
        r"\$\{(\w+)\}", lambda found: str(stack.functions.value({"Fn::GetAtt": [found[1], "Arn"]})), value
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_map_of_callers_says_what_may_be_started(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    variables = stack["TriggerFunction"].properties["Environment"]["Variables"]
    if stack.values["ConfigPlace"] == "object":
        bucket = stack["LedgerBucket"].properties["BucketName"]
        assert variables["CHELA_CONFIG"] == f"s3://{bucket}/config.json"
        return
    known = names(stack)
    jobs = [f"codebuild/{name}" for name in known["CodeBuildProjectNames"]]
    jobs += [f"codepipeline/{name}" for name in known["PipelineNames"]]
    caller = stack.values["CallerArn"] or ACCOUNT.user(f"{stack.values['NamePrefix']}-pagure-demo-hello")
    project = {"strangers": "hold", "jobs": {job: {} for job in jobs}}
    assert json.loads(variables["CHELA_CONFIG"]) == {"callers": {caller: {"demo/hello": project}}}


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "Pagure without a scheme": ({**BOTH, "PagureUrl": "pagure.example.org"}, "Pagure's address"),
    "Pagure with a user": ({**BOTH, "PagureUrl": "https://me@pagure.example.org"}, "Pagure's address"),
    "Pagure with a query": ({**BOTH, "PagureUrl": "https://pagure.example.org/?a"}, "Pagure's address"),
    "Pagure over ssh": ({**BOTH, "PagureUrl": "ssh://pagure.example.org"}, "Pagure's address"),
    "no job": ({}, "There is no job"),
    "an engine in a project": ({"CodeBuildProjects": "jenkins/hello"}, "names of CodeBuild projects"),
    "an engine in a pipeline": ({"Pipelines": "codepipeline/release"}, "names of pipelines"),
    "eleven projects": ({"CodeBuildProjects": ",".join(["ab"] * 11)}, "up to ten"),
    "a wildcard": ({"CodeBuildProjects": "team-*"}, "names of CodeBuild projects"),
    "a project with a slash": ({**BOTH, "PagureProject": "/demo/hello"}, "demo/hello"),
    "a role as caller": ({**BOTH, "CallerArn": "arn:aws:iam::123456789012:role/pagure"}, "IAM user"),
    "two tokens": ({**BOTH, "Token": "t"}, "one place"),
    "no token": ({**BOTH, "TokenSecret": "none"}, "one place"),
    "half a secret": ({**BOTH, "TokenSecret": "team/token"}, "whole ARN"),
    "subnets alone": ({**BOTH, "SubnetIds": "subnet-0123abcd"}, "SecurityGroupIds"),
    "groups alone": ({**BOTH, "SecurityGroupIds": "sg-0123abcd"}, "SubnetIds"),
    "a sample without a name": ({"Pipelines": "a", "MakeFirstProject": "yes"}, "CodeBuildProjects"),
    "a sample pipeline without a name": (
        {"CodeBuildProjects": "ab", "MakeFirstPipeline": "yes"},
        "Pipelines",
    ),
    "too little concurrency": ({**BOTH, "MaximumConcurrency": "1"}, "MaximumConcurrency"),
    "a source with a wildcard": ({**BOTH, "PipelineSources": "arn:aws:s3:::bucket/*"}, "wildcards"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_before_anything_is_made(case: str) -> None:
    more, told = WRONG[case]
    with pytest.raises(RefusedError) as caught:
        chela(more)
    assert told in str(caught.value)


def test_a_region_without_function_urls_gets_an_http_api_or_a_sentence() -> None:
    zurich = Account("123456789012", region="eu-central-2")
    with pytest.raises(RefusedError, match="Set FrontDoor to http-api"):
        chela(BOTH, zurich)
    stack = chela({**BOTH, "FrontDoor": "http-api"}, zurich)
    assert "TriggerUrl" not in stack.resources
    route = stack["TriggerApiRoute"].properties
    assert (route["RouteKey"], route["AuthorizationType"]) == ("POST /", "AWS_IAM")
    assert stack["TriggerApiIntegration"].properties["PayloadFormatVersion"] == "2.0"
    form = stack.outputs["PagureForm"]
    assert form == "https+sigv4://TriggerApi.execute-api.eu-central-2.amazonaws.com/"


def test_a_caller_of_another_account_is_let_in_by_the_function_itself() -> None:
    stack = chela({**BOTH, "CallerArn": ELSEWHERE})
    assert "CallerPolicy" not in stack.resources
    found = [one.properties for one in stack.of_type("AWS::Lambda::Permission").values()]
    function = ACCOUNT.function("chela-trigger")
    base = {"FunctionName": function, "Principal": ELSEWHERE}
    assert found == [
        {**base, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"},
        {**base, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    ]


@pytest.mark.parametrize("door", ["function-url", "http-api"])
def test_a_further_project_gets_a_caller_with_the_same_rights(door: str) -> None:
    stack = chela({**BOTH, "FrontDoor": door})
    second = {"PagureProject": "demo/other", "FrontDoor": door}
    made = infra_stacks.template("caller.yaml").resolve(second, ACCOUNT, "other", stack.exports)
    policy = "caller-http-api" if door == "http-api" else "caller"
    assert sameness.policy(made.statements("Caller")) == normative(policy, stack)
    assert made.outputs["CallerArn"] == ACCOUNT.user("chela-pagure-demo-other")


def test_the_key_is_for_those_who_use_it() -> None:
    stack = chela({**BOTH, "KmsKey": "new"})
    statements = {one["Sid"]: one for one in stack["Key"].properties["KeyPolicy"]["Statement"]}
    events = statements["EventsGoIntoTheQueue"]
    assert events["Principal"] == {"Service": "events.amazonaws.com"}
    assert events["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    key = ACCOUNT.arn("kms", "key/Key")
    for queue in stack.of_type("AWS::SQS::Queue").values():
        assert queue.properties["KmsMasterKeyId"] == key
        assert "SqsManagedSseEnabled" not in queue.properties
    for bucket in stack.of_type("AWS::S3::Bucket").values():
        (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        wanted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        assert rule["ServerSideEncryptionByDefault"] == wanted


def test_a_role_in_a_vpc_may_make_interfaces_but_not_from_inside_the_function() -> None:
    more = {**BOTH, "SubnetIds": "subnet-0123abcd", "SecurityGroupIds": "sg-0123abcd"}
    stack = chela(more)
    for function, role, policy in (
        ("TriggerFunction", "TriggerRole", "trigger"),
        ("ReportFunction", "ReportRole", "report"),
    ):
        assert stack[function].properties["VpcConfig"]["SubnetIds"] == ["subnet-0123abcd"]
        own = stack.statements(role, without=("VpcPolicy",))
        assert sameness.policy(own) == normative(policy, stack)
    allow, deny = stack["VpcPolicy"].properties["PolicyDocument"]["Statement"]
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert allow["Action"] == deny["Action"]
    inside = deny["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
    assert inside == [ACCOUNT.function("chela-trigger"), ACCOUNT.function("chela-report")]


def test_the_sample_pipeline_is_one_that_a_job_can_use() -> None:
    made = chela(SAMPLES | BOTH)["SamplePipeline"].properties
    assert (made["PipelineType"], made["ExecutionMode"]) == ("V2", "PARALLEL")
    (source,) = made["Stages"][0]["Actions"]
    assert source["Configuration"]["PollForSourceChanges"] == "false"
    assert source["Configuration"]["AllowOverrideForS3ObjectKey"] == "true"
    (build,) = made["Stages"][1]["Actions"]
    given = build["Configuration"]["EnvironmentVariables"]
    # "CodePipeline User Guide", quotas: a configuration value.
    assert len(given) <= 1000
    declared = {variable["Name"] for variable in made["Variables"]}
    assert {variable["name"] for variable in json.loads(given)} == declared
    assert len(declared) <= 7


def test_no_secret_is_in_the_stack() -> None:
    stack = chela()
    assert "SecretString" not in stack["NewTokenSecret"].properties
    assert not stack.of_type("AWS::IAM::AccessKey")
    token = {**BOTH, "TokenSecret": "none", "Token": "geheim"}
    assert "geheim" not in json.dumps(chela(token).outputs)
    assert stack.content["Parameters"]["Token"]["NoEcho"] is True


@pytest.mark.parametrize("name", ["chela.yaml", "caller.yaml"])
def test_cfn_lint_has_nothing_to_say(name: str) -> None:
    found = lint_file(FOLDER / name)
    assert not found, "\n".join(map(str, found))


# What is changed in the template, and the check that has to notice.
Check = tuple[Callable[..., None], tuple[str, ...]]
TRIGGER: Check = (
    test_a_functions_role_may_what_its_policy_says_and_nothing_else,
    ("both", "TriggerRole", "trigger"),
)
REPORT: Check = (
    test_a_functions_role_may_what_its_policy_says_and_nothing_else,
    ("both", "ReportRole", "report"),
)
EVENTS: Check = (test_the_rules_take_the_events_of_what_may_be_started, ("both",))
CALLER: Check = (test_a_caller_may_call_the_front_door_and_nothing_else, ("both",))
PIPELINE: Check = (test_the_sample_pipeline_is_one_that_a_job_can_use, ())


def setting(logical: str) -> Check:
    return test_a_resource_is_set_as_the_specification_says, (logical,)


PLANTED: dict[str, tuple[str, str, Check]] = {
    "a wildcard of a resource": ("Resource: !Sub ${LedgerBucket.Arn}/executions/*", "Resource: '*'", TRIGGER),
    "a wildcard of an action": ("Action: [s3:PutObject, s3:DeleteObject]", "Action: 's3:*'", REPORT),
    "a missing permission": ("sqs:DeleteMessage, sqs:ChangeMessageVisibility,", "sqs:DeleteMessage,", REPORT),
    "a role that builds may swap": ('                  codebuild:serviceRole: "true"\n', "", TRIGGER),
    "a source from elsewhere": (
        "codebuild:source.location: !Sub ${SourcesBucket}/sources/*",
        "codebuild:source.location: '*'",
        TRIGGER,
    ),
    "a token that trigger may read": (
        "Action: codepipeline:GetPipelineExecution",
        "Action: secretsmanager:GetSecretValue",
        REPORT,
    ),
    "a wrong event pattern": ("CodeBuild Build Phase Change", "CodeBuild Build Phases Change", EVENTS),
    "events of all pipelines": (
        '          pipeline: !Split [",", !Ref Pipelines]',
        "          pipeline: ['*']",
        EVENTS,
    ),
    "polling left on": ('PollForSourceChanges: "false"', 'PollForSourceChanges: "true"', PIPELINE),
    "mode SUPERSEDED": ("ExecutionMode: PARALLEL", "ExecutionMode: SUPERSEDED", PIPELINE),
    "an unencrypted queue": (
        "SqsManagedSseEnabled: !If [HasKey, !Ref AWS::NoValue, true]",
        "SqsManagedSseEnabled: false",
        setting("RequestsQueue"),
    ),
    "the second action of the URL missing": (
        "Sid: AndThroughItAlone\n              Effect: Allow\n              Action: lambda:InvokeFunction\n",
        "Sid: AndThroughItAlone\n              Effect: Allow\n              Action: lambda:GetFunction\n",
        CALLER,
    ),
    "a plain invoke": (
        '              Condition: { Bool: { lambda:InvokedViaFunctionUrl: "true" } }\n',
        "",
        CALLER,
    ),
    "a URL for everybody": (
        "AuthType: AWS_IAM\n\n  TriggerApi",
        "AuthType: NONE\n\n  TriggerApi",
        setting("TriggerUrl"),
    ),
    "no events principal in the queue": (
        "Principal: { Service: events.amazonaws.com }\n            Action: sqs",
        "Principal: { Service: sns.amazonaws.com }\n            Action: sqs",
        setting("ReportsQueuePolicy"),
    ),
    "anybody's rule in the queue": (
        "              ArnEquals:\n                aws:SourceArn:\n                  - !If [HasProjects",
        "              ArnLike:\n                aws:SourceArn:\n                  - !If [HasProjects",
        setting("ReportsQueuePolicy"),
    ),
    "visibility below the time-out": (
        "VisibilityTimeout: 360",
        "VisibilityTimeout: 299",
        setting("RequestsQueue"),
    ),
    "noncurrent versions for ever": (
        "            NoncurrentVersionExpiration: { NoncurrentDays: 7 }\n",
        "",
        setting("SourcesBucket"),
    ),
    "uploads without an end": (
        "            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }\n",
        "",
        setting("SourcesBucket"),
    ),
    "a ledger that forgets open builds": ("Prefix: builds/", "Prefix: open/", setting("LedgerBucket")),
    "plain HTTP": (
        'aws:SecureTransport: "false"',
        'aws:SecureTransport: "true"',
        setting("LedgerBucketPolicy"),
    ),
    "a public bucket": (
        "RestrictPublicBuckets: true",
        "RestrictPublicBuckets: false",
        setting("SourcesBucket"),
    ),
    "batches that fail as a whole": (
        "FunctionResponseTypes: [ReportBatchItemFailures]",
        "FunctionResponseTypes: []",
        setting("ReportsMapping"),
    ),
    "no sweep": ("rate(15 minutes)", "rate(15 days)", setting("SweepSchedule")),
    "a key that events may not use": (
        "Principal: { Service: events.amazonaws.com }\n            Action: [kms",
        "Principal: { Service: sns.amazonaws.com }\n            Action: [kms",
        (test_the_key_is_for_those_who_use_it, ()),
    ),
    "a partition that is written out": (
        "arn:${AWS::Partition}:codebuild",
        "arn:aws:codebuild",
        (test_every_arn_is_of_the_partition, ("aws-cn",)),
    ),
    "an alarm about nothing": (
        "MetricName: ApproximateAgeOfOldestMessage",
        "MetricName: NumberOfMessagesSent",
        setting("ReportsAgeAlarm"),
    ),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, (check, arguments) = PLANTED[mistake]
    text = (FOLDER / "chela.yaml").read_text()
    assert old in text, "the template no longer says so; plant the mistake elsewhere"
    wrong = Template(read(text.replace(old, new)))
    check(*arguments)
    monkeypatch.setattr(infra_stacks, "template", lambda _name: wrong)
    with pytest.raises(AssertionError):
        check(*arguments)
