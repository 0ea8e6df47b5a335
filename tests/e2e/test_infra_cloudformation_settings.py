"""What the CloudFormation template makes is set as `infra/spec.json` says, whatever its parameters are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint.api import lint_file
from chela_bed.aws import sameness
from chela_bed.aws.cloudformation import Resource
from infra_stacks import ACCOUNT, BOTH, FOLDER, KEY, SAMPLES, VARIANTS, VPC, chela, filled, names, spec

# The stack that a resource of the specification stands in.
WHEN: dict[str | None, dict[str, str]] = {
    None: BOTH,
    "function-url": BOTH,
    "http-api": {**BOTH, "FrontDoor": "http-api"},
    "samples": SAMPLES,
    "key": {**BOTH, "KmsKey": "new"},
}
# Policies are held against infra/policies.
OF_POLICIES = {"AWS::IAM::Policy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"}
# CloudFormation cannot put a region and an account before each name of a list by itself.
OWN = {"CodeBuildProjectArns", "PipelineArns"}
ALARMS = [name for name, wanted in spec().items() if wanted["type"] == "AWS::CloudWatch::Alarm"]


def look(made: Resource, properties: Any, absent: Any) -> None:
    """The properties that are named have these values, and the absent ones none."""
    found = {name: _parsed(made.properties.get(name)) for name in properties}
    assert sameness.settings(found) == sameness.settings(_parsed(properties))
    assert not set(absent) & set(made.properties)


def _parsed(value: Any) -> Any:
    """A text that is JSON says what that says."""
    if isinstance(value, Mapping):
        return {name: _parsed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_parsed(each) for each in value]
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


@pytest.mark.parametrize("logical", spec())
def test_a_resource_is_set_as_the_specification_says(logical: str) -> None:
    wanted = spec()[logical]
    stack = chela(WHEN[wanted.get("when")])
    made = stack[logical]
    assert made.type == wanted["type"]
    look(made, filled(wanted["properties"], stack), wanted.get("absent", ()))
    if "variables" in wanted:
        variables = made.properties["Environment"]["Variables"]
        named = {name: value for name, value in wanted["variables"].items() if value is not None}
        assert set(variables) == set(wanted["variables"])
        assert {name: variables[name] for name in named} == filled(named, stack)


@pytest.mark.parametrize("key", ["new", KEY])
@pytest.mark.parametrize("logical", [name for name, wanted in spec().items() if "with-key" in wanted])
def test_a_resource_is_encrypted_with_the_key(logical: str, key: str) -> None:
    stack, wanted = chela({**SAMPLES, "KmsKey": key}), spec()[logical]["with-key"]
    look(stack[logical], filled(wanted["properties"], stack), wanted.get("absent", ()))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_specification_knows_every_resource(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    made = {name for name, one in stack.resources.items() if one.type not in OF_POLICIES}
    assert made - OWN <= set(spec())


def test_a_key_of_theirs_is_used_and_no_other_is_made() -> None:
    stack = chela({**SAMPLES, "KmsKey": KEY})
    assert not {"Key", "KeyAlias"} & set(stack.resources)
    assert stack.outputs["KeyArn"] == KEY


def test_functions_of_a_vpc_are_in_its_subnets() -> None:
    stack = chela({**BOTH, **VPC})
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function.properties["VpcConfig"] == {
            "SubnetIds": ["subnet-0123abcd", "subnet-4567cdef"],
            "SecurityGroupIds": ["sg-0123abcd"],
        }


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_is_told_to_the_topic(alarm: str) -> None:
    topic = ACCOUNT.arn("sns", "operators")
    assert "AlarmActions" not in chela()[alarm].properties
    assert chela({**BOTH, "AlarmTopicArn": topic})[alarm].properties["AlarmActions"] == [topic]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_queue_hides_a_message_for_longer_than_its_function_runs(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    for queue, function in (("RequestsQueue", "TriggerFunction"), ("ReportsQueue", "ReportFunction")):
        assert stack[queue].properties["VisibilityTimeout"] > stack[function].properties["Timeout"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_map_of_callers_says_what_may_be_started(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    variables = stack["TriggerFunction"].properties["Environment"]["Variables"]
    known = names(stack)
    if stack.values["ConfigPlace"] == "object":
        assert variables["CHELA_CONFIG"] == f"s3://{known['LedgerBucketName']}/config.json"
        return
    jobs = [f"codebuild/{name}" for name in known["CodeBuildProjectNames"]]
    jobs += [f"codepipeline/{name}" for name in known["PipelineNames"]]
    new = f"{stack.values['NamePrefix']}-pagure-demo-hello"
    caller = stack.values["CallerArn"] or ACCOUNT.user(stack.values["CallerName"] or new)
    assert caller == stack.outputs["CallerOfTheFirstProject"]
    project = {"strangers": "hold", "jobs": {job: {} for job in jobs}}
    assert json.loads(variables["CHELA_CONFIG"]) == {"callers": {caller: {"demo/hello": project}}}


def test_the_sample_pipeline_gives_its_build_what_it_declares_and_has_room_for() -> None:
    made = chela(SAMPLES)["SamplePipeline"].properties
    (build,) = made["Stages"][1]["Actions"]
    given = build["Configuration"]["EnvironmentVariables"]
    # "CodePipeline User Guide", quotas: a configuration value.
    assert len(given) <= 1000
    declared = {variable["Name"] for variable in made["Variables"]}
    assert {variable["name"] for variable in json.loads(given)} == declared
    assert len(declared) <= 7


def test_the_longest_lists_fit_into_what_aws_takes() -> None:
    ten = {name: ",".join(f"{name:x<39.39}{n}" for n in range(10)) for name in ("builds", "lines")}
    most = {"CodeBuildProjects": ten["builds"], "Pipelines": ten["lines"], "NamePrefix": "p" * 20}
    stack = chela({**SAMPLES, **VPC, **most, "KmsKey": "new"})
    # "IAM quotas": a role's inline policies, and a user's.
    for role, room in (("TriggerRole", 10_240), ("ReportRole", 10_240), ("Caller", 2_048)):
        assert len(json.dumps(stack.statements(role))) < room
    # "Lambda quotas": environment variables.
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert len(json.dumps(function.properties["Environment"]["Variables"])) < 4_096
    # "Amazon EventBridge quotas": an event pattern.
    for rule in stack.of_type("AWS::Events::Rule").values():
        assert len(json.dumps(rule.properties["EventPattern"])) < 2_048


def test_no_secret_is_in_the_stack() -> None:
    assert not chela().of_type("AWS::IAM::AccessKey")
    stack = chela({**BOTH, "TokenSecret": "none", "Token": "geheim"})
    assert "geheim" not in json.dumps(stack.outputs)
    assert stack.content["Parameters"]["Token"]["NoEcho"] is True


@pytest.mark.parametrize("name", ["chela.yaml", "caller.yaml"])
def test_cfn_lint_has_nothing_to_say(name: str) -> None:
    found = lint_file(FOLDER / name)
    assert not found, "\n".join(map(str, found))
