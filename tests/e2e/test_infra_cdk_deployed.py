"""The CDK's template deployed on moto as it comes out, and taken away again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chela_bed.aws import sameness
from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.deployment import Deployment, empty_zip
from chela_bed.aws.dialects import SAMPLES
from chela_bed.aws.dialects.cdk import Cdk, CdkDeployed
from chela_bed.aws.dialects.cdk_program import SOURCE, compiled
from chela_bed.aws.moto import Moto
from rights_designs import MANY, WHOLE
from test_documentation import blocks
from test_infra_documentation import typed

PAGE = "infra/cdk/README.md"
ACCOUNT = Account("700000000001")
# moto knows no network; and the map of callers is to be a file.
WISH = dataclasses.replace(WHOLE, jobs={**SAMPLES, **MANY}, subnets=(), security_groups=())


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    made = Moto(tmp_path_factory.mktemp("moto"), stacks=True)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def deployed(cdk: Cdk, moto: Moto) -> CdkDeployed:
    return cdk.deploy(WISH, moto, ACCOUNT)


def test_everything_is_made(cdk: Cdk, deployed: CdkDeployed) -> None:
    design = cdk.design(WISH, ACCOUNT)
    assert len(deployed.deployment.resources) == len(design.resources)


def test_the_roles_that_are_made_have_the_policies_of_the_design(cdk: Cdk, deployed: CdkDeployed) -> None:
    design, iam = cdk.design(WISH, ACCOUNT), deployed.clients("iam")
    roles = {name: one for name, one in design.resources.items() if one.type == "AWS::IAM::Role"}
    assert len(roles) == 6
    for logical, role in roles.items():
        name = role.properties["RoleName"]
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        found = [iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies]
        said = [statement for document in found for statement in document["Statement"]]
        assert [each["Sid"] for each in said] == [each["Sid"] for each in design.statements(logical)]
        assert _without_ids(said) == _without_ids(design.statements(logical))
        assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]


def _without_ids(statements: list[Any]) -> Any:
    """What AWS chooses differs: a key's id, and the end of a secret's name."""
    ours = [each for each in statements if each["Sid"] not in ("UseTheKey", "ReadTheCiToken")]
    return sameness.policy(ours)


def test_the_map_of_callers_lies_where_trigger_looks_for_it(deployed: CdkDeployed) -> None:
    found = deployed.clients("lambda").get_function_configuration(FunctionName="chela-trigger")
    scheme, _, place = found["Environment"]["Variables"]["CHELA_CONFIG"].partition("://")
    bucket, _, key = place.partition("/")
    assert scheme == "s3"
    body = deployed.clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    user = deployed.clients("iam").get_user(UserName="chela-pagure-demo-hello")["User"]["Arn"]
    jobs = {job: dict(said) for job, said in WISH.jobs.items()}
    assert json.loads(body) == {"callers": {user: {"demo/hello": {"strangers": "hold", "jobs": jobs}}}}


def test_what_the_outputs_say_is_true(deployed: CdkDeployed) -> None:
    told = {name[len("Chela") : -8]: value for name, value in deployed.deployment.outputs.items()}
    url = deployed.clients("lambda").get_function_url_config(FunctionName="chela-trigger")["FunctionUrl"]
    assert told["PagureForm"].rstrip("/") == url.rstrip("/").replace("https://", "https+sigv4://")
    assert deployed.form == told["PagureForm"]
    assert told["Jobs"].split() == list(WISH.jobs)
    (secret,) = deployed.clients("secretsmanager").list_secrets()["SecretList"]
    assert f"--secret-id {secret['ARN']} " in told["FillInTheSecret"]
    (key,) = deployed.clients("kms").list_keys()["Keys"]
    assert told["KeyArn"] == key["KeyArn"]
    statement = json.loads(told["KeyStatement"])
    answer = deployed.clients("kms").get_key_policy(KeyId=key["KeyId"], PolicyName="default")
    assert statement in json.loads(answer["Policy"])["Statement"]


@pytest.fixture
def package(cdk: Cdk, tmp_path: Path) -> Path:
    """The package as `npm run build` leaves it, with zips where its example looks for them."""
    made = compiled(SOURCE, tmp_path)
    zips = made.parent / "zips"
    zips.mkdir()
    for name in ("trigger", "report"):
        (zips / f"{name}-x86_64.zip").write_bytes(empty_zip())
    _change(made / "example" / "chela.json", zips="../../zips")
    # Nobody is there to be asked whether these rights may be given, or to be told of news.
    _change(made / "cdk.json", requireApproval="never", notices=False)
    return made


def _change(file: Path, **members: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **members}))


def test_the_page_leads_from_nothing_to_a_stack_and_back(package: Path, moto: Moto) -> None:
    # moto's own account, where the command line has no other.
    made = Deployment("chela", Clients(moto.url, Account("123456789012")))
    _, deploy, *_, remove, _ = blocks(PAGE, "sh")
    typed(deploy, package, moto)
    told = {name[len("Chela") : -8]: value for name, value in made.outputs.items()}
    key = typed(told["MakeTheKeydemohello"], package, moto).split()[0]
    typed(f"printf 'the token\\n' | {{ {told['FillInTheSecret']}; }}", package, moto)
    secret = made.clients("secretsmanager").get_secret_value(SecretId="chela/ci-token")
    assert secret["SecretString"] == "the token"
    for body in (b"one", b"two"):
        made.clients("s3").put_object(Bucket=told["SourcesBucketName"], Key="sources/1.zip", Body=body)

    # Nor whether the stack may be taken away.
    remove = remove.replace("npx cdk destroy", "npx cdk destroy --force")
    for name, value in {"id": key, **told}.items():
        remove = remove.replace(f"<{name}>", value)
    typed(remove, package, moto)
    left = [each for each in _left(made.clients) if "cdk-hnb659fds" not in each]
    assert not left


def _left(aws: Clients) -> list[str]:
    """The names of all that is still in the account."""
    iam, logs = aws("iam"), aws("logs").describe_log_groups()["logGroups"]
    return [
        *[each["Name"] for each in aws("s3").list_buckets()["Buckets"]],
        *aws("sqs").list_queues().get("QueueUrls", []),
        *[each["FunctionName"] for each in aws("lambda").list_functions()["Functions"]],
        *[each["UserName"] for each in iam.list_users()["Users"]],
        *[each["RoleName"] for each in iam.list_roles()["Roles"]],
        *[each["Name"] for each in aws("events").list_rules()["Rules"]],
        *[each["Name"] for each in aws("scheduler").list_schedules()["Schedules"]],
        *[each["Name"] for each in aws("secretsmanager").list_secrets()["SecretList"]],
        *[each["AlarmName"] for each in aws("cloudwatch").describe_alarms()["MetricAlarms"]],
        *[each["logGroupName"] for each in logs],
        *aws("codebuild").list_projects()["projects"],
        *[each["name"] for each in aws("codepipeline").list_pipelines()["pipelines"]],
    ]
