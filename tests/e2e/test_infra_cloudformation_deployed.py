"""The CloudFormation template deployed on moto: what is there then is what the template comes to."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chela_bed.aws import sameness
from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import Resolved
from chela_bed.aws.deployment import Deployment
from chela_bed.aws.dialects import SAMPLES as DIALECT_SAMPLES
from chela_bed.aws.dialects import CloudFormation, Wish
from chela_bed.aws.moto import Moto
from infra_stacks import BOTH, FOLDER, KEY, LEAST, SAMPLES, VPC, chela, normative, template

NUMBERS = itertools.count(1)
QUEUES = ["RequestsQueue", "ReportsQueue", "RequestsDeadLetters", "ReportsDeadLetters"]
VARIANTS = {
    "both": BOTH,
    "one project": {"CodeBuildProjects": "hello"},
    "samples with a key": {**SAMPLES, "KmsKey": "new"},
    "http api": {**BOTH, "FrontDoor": "http-api"},
    "a key of theirs in a vpc": {**SAMPLES, **VPC, "KmsKey": KEY},
}


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    made = Moto(tmp_path_factory.mktemp("moto"), stacks=True)
    yield made
    made.stop()


@pytest.fixture(scope="module", params=VARIANTS)
def deployed(request: pytest.FixtureRequest, moto: Moto) -> tuple[Deployment, Resolved]:
    """What moto has made, and what the template comes to."""
    account = Account(f"5{next(NUMBERS):011}")
    parameters = VARIANTS[request.param]
    made = Deployment.create(moto, account, "chela", FOLDER / "chela.yaml", {**LEAST, **parameters})
    return made, chela(parameters, account)


Both = tuple[Deployment, Resolved]


def test_everything_is_made(deployed: Both) -> None:
    made, stack = deployed
    assert set(made.resources) == set(stack.resources)


def test_the_roles_have_their_policies_and_are_taken_by_their_services(deployed: Both) -> None:
    made, stack = deployed
    for role in stack.of_type("AWS::IAM::Role"):
        name = made.resources[role]
        assert _as_designed(made, _role_statements(made, name)) == sameness.policy(stack.statements(role))
        trust = made.clients("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        assert trust == stack[role].properties["AssumeRolePolicyDocument"]


def test_a_new_key_has_its_policy(deployed: Both) -> None:
    made, stack = deployed
    if stack.values["KmsKey"] == "new":
        kms, key = made.clients("kms"), made.resources["Key"]
        found = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        assert found == stack["Key"].properties["KeyPolicy"]
        assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_the_caller_has_its_policy(deployed: Both) -> None:
    made, stack = deployed
    iam, name = made.clients("iam"), made.resources["Caller"]
    (policy,) = iam.list_user_policies(UserName=name)["PolicyNames"]
    found = iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]
    if stack.values["FrontDoor"] == "http-api":
        (ask,) = found["Statement"]
        api = made.clients.account.arn("execute-api", made.resources["TriggerApi"])
        assert (ask["Action"], ask["Resource"]) == ("execute-api:Invoke", f"{api}/$default/POST/*")
    else:
        assert sameness.policy(found["Statement"]) == normative("caller", stack)


@pytest.mark.parametrize("logical", QUEUES)
def test_a_queue_is_as_the_template_says(deployed: Both, logical: str) -> None:
    made, stack = deployed
    wanted = stack[logical].properties
    answer = made.clients("sqs").get_queue_attributes(
        QueueUrl=made.resources[logical], AttributeNames=["All"]
    )
    found = answer["Attributes"]
    for name in ("VisibilityTimeout", "MessageRetentionPeriod"):
        if name in wanted:
            assert found[name] == str(wanted[name])
    if stack.values["KmsKey"] != "none":
        assert found["KmsMasterKeyId"] == made.outputs["KeyArn"]
    if "RedrivePolicy" in wanted:
        redrive = json.loads(found["RedrivePolicy"])
        assert sameness.settings(redrive) == sameness.settings(wanted["RedrivePolicy"])
    if logical == "ReportsQueue":
        policy = json.loads(found["Policy"])
        assert policy == stack["ReportsQueuePolicy"].properties["PolicyDocument"]


def test_the_buckets_are_as_the_template_says(deployed: Both) -> None:
    made, stack = deployed
    s3 = made.clients("s3")
    sources, ledger = made.resources["SourcesBucket"], made.resources["LedgerBucket"]
    assert s3.get_bucket_versioning(Bucket=sources)["Status"] == "Enabled"
    assert "Status" not in s3.get_bucket_versioning(Bucket=ledger)
    for name in (sources, ledger):
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert all(block.values())
        (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        assert algorithm == ("AES256" if stack.values["KmsKey"] == "none" else "aws:kms")
        assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=name)["Policy"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=ledger)["Rules"]
    assert {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules} == {
        "builds/": 45,
        "executions/": 45,
    }
    rules = s3.get_bucket_lifecycle_configuration(Bucket=sources)["Rules"]
    expiry = next(rule for rule in rules if rule["ID"] == "sources")
    assert expiry["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    assert expiry["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1


def test_the_functions_are_set_and_fed(deployed: Both) -> None:
    made, stack = deployed
    functions = made.clients("lambda")
    for logical in ("TriggerFunction", "ReportFunction"):
        wanted = stack[logical].properties
        found = functions.get_function_configuration(FunctionName=made.resources[logical])
        for name in ("Runtime", "Handler", "Timeout", "MemorySize", "Architectures", "Role"):
            assert found[name] == wanted[name]
        assert set(found["Environment"]["Variables"]) == set(wanted["Environment"]["Variables"])
    for logical, function in (("RequestsMapping", "chela-trigger"), ("ReportsMapping", "chela-report")):
        (found,) = functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        wanted = stack[logical].properties
        assert found["EventSourceArn"] == wanted["EventSourceArn"]
        assert found["BatchSize"] == wanted["BatchSize"]


def test_the_map_of_callers_names_the_user_that_is_made(deployed: Both) -> None:
    made, _ = deployed
    found = made.clients("lambda").get_function_configuration(FunctionName="chela-trigger")
    config = json.loads(found["Environment"]["Variables"]["CHELA_CONFIG"])
    user = made.clients("iam").get_user(UserName=made.resources["Caller"])["User"]["Arn"]
    assert list(config["callers"]) == [user]


def test_events_go_into_the_queue_of_reports(deployed: Both) -> None:
    made, stack = deployed
    events, sqs, queue = made.clients("events"), made.clients("sqs"), made.resources["ReportsQueue"]
    for rule in stack.of_type("AWS::Events::Rule").values():
        name = made.resources[rule.logical]
        pattern = json.loads(events.describe_rule(Name=name)["EventPattern"])
        assert pattern == rule.properties["EventPattern"]
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"] == made.clients.account.arn("sqs", "chela-reports")
        source, watched = pattern["source"][0], next(iter(pattern["detail"].items()))
        entry = {
            "Source": source,
            "DetailType": pattern["detail-type"][0],
            "Detail": json.dumps({watched[0]: watched[1][0]}),
        }
        assert not events.put_events(Entries=[entry])["FailedEntryCount"]
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        assert {json.loads(message["Body"])["source"] for message in messages} == {source}
        # moto gives them to the function by itself, and puts back what that does not take.
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_the_sweep_is_scheduled(deployed: Both) -> None:
    made, stack = deployed
    found = made.clients("scheduler").get_schedule(Name=made.resources["SweepSchedule"])
    wanted = stack["SweepSchedule"].properties
    assert found["ScheduleExpression"] == wanted["ScheduleExpression"]
    assert found["Target"]["Arn"] == made.clients.account.function("chela-report")
    assert json.loads(found["Target"]["Input"]) == {"type": "sweep"}


def test_the_address_for_pagure_is_the_front_doors(deployed: Both) -> None:
    made, stack = deployed
    form = made.outputs["PagureForm"]
    if stack.values["FrontDoor"] == "http-api":
        (api,) = made.clients("apigatewayv2").get_apis()["Items"]
        assert form == f"https+sigv4://{api['ApiId']}.execute-api.eu-west-1.amazonaws.com/"
    else:
        url = made.clients("lambda").get_function_url_config(FunctionName="chela-trigger")
        assert form == url["FunctionUrl"].rstrip("/").replace("https:", "https+sigv4:") + "/"
        assert url["AuthType"] == "AWS_IAM"


def test_the_samples_are_made(deployed: Both) -> None:
    made, stack = deployed
    if stack.values["MakeFirstPipeline"] != "yes":
        return
    found = made.clients("codepipeline").get_pipeline(name="chela-release")["pipeline"]
    assert found["executionMode"] == "PARALLEL"
    assert found["artifactStore"]["encryptionKey"] == {"type": "KMS", "id": made.outputs["KeyArn"]}
    (source,) = found["stages"][0]["actions"]
    assert source["configuration"]["PollForSourceChanges"] == "false"
    names = ["chela-hello", "chela-release-build"]
    projects = made.clients("codebuild").batch_get_projects(names=names)["projects"]
    assert [one["source"]["type"] for one in projects] == ["S3", "CODEPIPELINE"]


def test_a_further_projects_caller_is_deployed_beside_it(deployed: Both, moto: Moto) -> None:
    made, stack = deployed
    account = made.clients.account
    more = {"PagureProject": "demo/other", "FrontDoor": stack.values["FrontDoor"]}
    second = Deployment.create(moto, account, "other", FOLDER / "caller.yaml", more)
    assert second.outputs["CallerArn"] == account.user("chela-pagure-demo-other")
    wanted = template("caller.yaml").resolve(more, account, "other", stack.exports)
    assert set(second.resources) == set(wanted.resources)
    second.delete()
    users = [user["UserName"] for user in made.clients("iam").list_users()["Users"]]
    assert users == ["chela-pagure-demo-hello"]


def test_the_stack_is_taken_away_without_a_trace(moto: Moto, tmp_path: Path) -> None:
    wish = Wish(jobs={**DIALECT_SAMPLES, "codebuild/other": {"name": "team"}}, samples=True, key="new")
    made = CloudFormation(tmp_path).deploy(wish, moto, Account(f"6{next(NUMBERS):011}"))
    s3 = made.clients("s3")
    ledger = f"chela-ledger-{made.clients.account.number}-eu-west-1"
    config = json.load(s3.get_object(Bucket=ledger, Key="config.json")["Body"])
    user = made.clients.account.user("chela-pagure-demo-hello")
    assert config == {"callers": {user: {"demo/hello": {"strangers": "hold", "jobs": wish.jobs}}}}
    made.clients("iam").create_access_key(UserName="chela-pagure-demo-hello")
    s3.put_object(Bucket=ledger.replace("ledger", "sources"), Key="sources/a.zip", Body=b"")
    made.destroy()
    left = {
        "sqs": made.clients("sqs").list_queues().get("QueueUrls", []),
        "lambda": made.clients("lambda").list_functions()["Functions"],
        "users": made.clients("iam").list_users()["Users"],
        "roles": made.clients("iam").list_roles()["Roles"],
        "projects": made.clients("codebuild").list_projects()["projects"],
        "logs": made.clients("logs").describe_log_groups()["logGroups"],
        "schedules": made.clients("scheduler").list_schedules()["Schedules"],
        "rules": made.clients("events").list_rules()["Rules"],
        "buckets": [each["Name"] for each in s3.list_buckets()["Buckets"] if "zips-" not in each["Name"]],
    }
    assert left == {name: [] for name in left}


def _role_statements(made: Deployment, role: str) -> list[Any]:
    iam = made.clients("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [statement for document in found for statement in document["Statement"]]


def _as_designed(made: Deployment, statements: list[Any]) -> Any:
    """AWS chooses the end of a secret's ARN, and the id of a key."""
    text = json.dumps(statements)
    for logical, chosen in (("NewTokenSecret", r"(?<=/ci-token-)\w{6}"), ("Key", made.resources.get("Key"))):
        if logical in made.resources:
            text = re.sub(str(chosen), {"NewTokenSecret": "AbCdEf", "Key": "Key"}[logical], text)
    return sameness.policy(json.loads(text))
