"""The module of OpenTofu and Terraform: its texts, its own tests, and what its examples leave behind."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import infra_module
import pytest
from chela_bed.aws.clients import Clients
from chela_bed.aws.dialects.terraform import MODULE
from chela_bed.aws.dialects.terraform_command import Command
from chela_bed.aws.moto import Moto
from chela_bed.paths import CHECKOUT
from infra_module import ACCOUNT
from infra_terraform_page import PAGE, REMOVE_THE_REST, ROLE, TOKEN_AGAIN, WATCH, Reader

INFRA = CHECKOUT / "infra"
# What moto forgets or writes otherwise, so that a second plan differs.
FORGOTTEN = {
    "aws_codebuild_project": {"concurrent_build_limit"},
    "aws_lambda_function": {"logging_config"},
    "aws_sqs_queue": {"redrive_policy"},
}

BUCKETS = {
    f"chela-sources-{ACCOUNT.number}-{ACCOUNT.region}": "sources/one.zip",
    f"chela-ledger-{ACCOUNT.number}-{ACCOUNT.region}": "builds/one",
}
# Where Terraform has a resource's policy or pattern.
POLICIES = {
    "aws_iam_role": "assume_role_policy",
    "aws_iam_role_policy": "policy",
    "aws_iam_user_policy": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sqs_queue": "policy",
    "aws_cloudwatch_event_rule": "event_pattern",
}
# The account's own roles put messages there, or SQS itself.
WITHOUT = {"aws_sqs_queue.requests", 'aws_sqs_queue.dead["requests"]', 'aws_sqs_queue.dead["reports"]'}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module's copy: it has to work wherever it is copied to."""
    infra_module.need()
    return infra_module.copied(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="module")
def example(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the module makes in each example."""
    for moto in infra_module.served(tmp_path_factory.mktemp("examples")):
        plan = infra_module.examples(workspace, moto).plan()
    found: dict[str, Any] = {}
    for called in plan["planned_values"]["root_module"]["child_modules"]:
        [module] = called["child_modules"]
        start = f"{module['address']}."
        found[called["address"].removeprefix("module.")] = [
            {**each, "address": each["address"].removeprefix(start)} for each in module["resources"]
        ]
    return found


@dataclass
class Applied:
    """What the page says, being applied in the background."""

    reader: Reader
    ready: Future[str]


@pytest.fixture(scope="module", autouse=True)
def applied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied | None]:
    """Begun before anything else: the provider waits for a minute, and the other tests need not."""
    if not any(LEADS_BACK in item.name for item in request.session.items):
        yield None
        return
    infra_module.need()
    folder = tmp_path_factory.mktemp("page")
    moto = Moto(folder)
    reader = Reader(folder, moto)
    with ThreadPoolExecutor() as pool:
        yield Applied(reader, pool.submit(reader.init_and_apply))
    moto.stop()


@pytest.mark.parametrize("kind", ["policies", "rules"])
def test_the_module_carries_the_policies_and_rules_of_all_dialects(kind: str) -> None:
    ours = {path.name: path.read_bytes() for path in (MODULE / kind).iterdir()}
    assert ours == {path.name: path.read_bytes() for path in (INFRA / kind).iterdir()}, (
        f"copy infra/{kind}/*.json to infra/terraform/{kind}"
    )


def test_no_policy_is_written_in_the_module_itself() -> None:
    written = [
        (path.name, line)
        for path in MODULE.glob("*.tf")
        for line in path.read_text().splitlines()
        if re.search(r"\b(Effect|Principal|Action|NotAction)\b\s*=", line)
    ]
    assert written == [], "write it in infra/policies, where all dialects take it from"


def test_all_dialects_know_of_the_same_regions_without_function_urls() -> None:
    lists = {
        "terraform/variables.tf": (r'"regions_without_function_urls" \{', r"nullable"),
        "cloudformation/chela.yaml": (r"Fn::Contains:", r"AWS::Region"),
        "cdk/lib/checks.ts": (r"WITHOUT_FUNCTION_URLS\b.*?= \[", r"\]"),
    }
    ours, *others = (_regions(INFRA / file, *ends) for file, ends in lists.items())
    assert len(ours) > 5
    assert others == [ours, ours]


def _regions(file: Path, start: str, end: str) -> list[str]:
    found = re.search(rf"{start}(.*?){end}", file.read_text(), re.DOTALL)
    assert found is not None, f"{file.name} has its list of regions elsewhere"
    return sorted(re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", found[1]))


def test_the_tables_of_the_page_are_those_of_the_module() -> None:
    page = MODULE / "README.md"
    before, start, rest = page.read_text().partition("<!-- made by")
    made, end, after = rest.partition("<!-- end -->")
    command = made.partition("\n")[0]
    wanted = f"{before}{start}{command}\n{_tables()}{end}{after}"
    if os.environ.get("UPDATE_TABLES"):
        page.write_text(wanted)
    assert page.read_text() == wanted, "UPDATE_TABLES=1 writes them anew"


def _tables() -> str:
    inputs = [
        f"| `{name}` | {_said(body, 'description')} | `{_type(body)}` | {_default(body)} |"
        for name, body in _blocks("variables.tf", "variable")
    ]
    outputs = [
        f"| `{name}` | {_said(body, 'description')} |" for name, body in _blocks("outputs.tf", "output")
    ]
    tables = [
        ["| input | | type | default |", "| --- | --- | --- | --- |", *inputs],
        ["| output | |", "| --- | --- |", *outputs],
    ]
    return "\n".join("\n" + "\n".join(table) + "\n" for table in tables)


def _blocks(file: str, kind: str) -> list[tuple[str, str]]:
    # As `terraform fmt` leaves them.
    pattern = rf'^{kind} "(\w+)" \{{\n(.*?)^\}}'
    return re.findall(pattern, (MODULE / file).read_text(), re.MULTILINE | re.DOTALL)


def _said(body: str, name: str) -> str:
    found = re.search(rf"^  {name} += (.*(?:\n    .*|\n  [\])}}].*)*)", body, re.MULTILINE)
    assert found is not None, f"{name} is missing in:\n{body}"
    text = found[1]
    return str(json.loads(text)) if text.startswith('"') else re.sub(r"\s+", " ", text)


def _type(body: str) -> str:
    return re.sub(r"\(\{ | \}\)", lambda found: found[0].strip(), _said(body, "type"))


def _default(body: str) -> str:
    if not re.search(r"^  default ", body, re.MULTILINE):
        return "required"
    text = _said(body, "default")
    return f"`{text}`" if text else '`""`'


def test_it_is_formatted_and_valid(workspace: Path) -> None:
    module = Command(workspace)
    module.init()
    module.run("fmt", "-check", "-recursive")
    module.run("validate")


def test_its_own_tests_pass(workspace: Path) -> None:
    module = Command(workspace)
    module.init()
    assert " 0 failed" in module.run("test")


def test_a_plan_tells_a_user_every_policy_as_it_will_be(example: Mapping[str, Any]) -> None:
    policies = {
        each["address"]: each["values"].get(POLICIES[each["type"]])
        for each in example["minimal"]
        if each["type"] in POLICIES
    }
    assert {address.partition(".")[0] for address in policies} == POLICIES.keys()
    assert [address for address, text in policies.items() if not text and address not in WITHOUT] == []


def test_the_complete_example_has_whatever_can_be_asked_for(example: Mapping[str, Any]) -> None:
    less, more = ({each["type"] for each in example[name]} for name in ("minimal", "complete"))
    assert more - less == {
        "aws_codebuild_project",
        "aws_codepipeline",
        "aws_kms_alias",
        "aws_kms_key",
    }


LEADS_BACK = "test_the_page_leads_from_nothing_to_a_stack_and_back"


def test_the_page_leads_from_nothing_to_a_stack_and_back(applied: Applied) -> None:
    applied.ready.result()
    reader, aws = applied.reader, applied.reader.aws
    key = reader.makes_the_key()
    reader.pastes_the_token("a-token-of-pagure")
    assert reader.types("terraform output -raw ci_url").startswith("https+sigv4://")
    assert ROLE in [role["RoleName"] for role in aws("iam").list_roles()["Roles"]]
    assert aws("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == ["chela-sources"]
    again = reader.command.plan()
    assert changes(again) == {}
    # With the state as it is after a refresh.
    known = json.dumps(again) + (reader.example / "terraform.tfstate").read_text()
    for secret in (*key, "a-token-of-pagure"):
        assert secret not in known, "the state holds a secret"

    assert reader.rotates_the_key(key[0]) != key
    reader.pastes_the_token("another-token", TOKEN_AGAIN)
    assert (
        aws("secretsmanager").get_secret_value(SecretId="chela/ci-token")["SecretString"] == "another-token"
    )
    reader.types(WATCH)

    fill(aws)
    stopped = reader.types("if terraform destroy; then exit 1; fi")
    assert "BucketNotEmpty" in stopped
    assert {bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]} == set(BUCKETS)
    assert states_of_keys(aws) == ["Enabled"], "what is left in a bucket cannot be read"

    reader.types(REMOVE_THE_REST)
    assert aws("iam").list_users()["Users"] == []
    assert [role["RoleName"] for role in aws("iam").list_roles()["Roles"]] == [ROLE]
    assert aws("s3").list_buckets()["Buckets"] == []
    assert aws("sqs").list_queues().get("QueueUrls", []) == []
    assert states_of_keys(aws) == ["PendingDeletion"]
    assert json.loads((reader.example / "terraform.tfstate").read_text())["resources"] == []


def fill(aws: Clients) -> None:
    """As if there had been builds, of one commit twice."""
    for bucket, key in BUCKETS.items():
        for body in (b"one", b"two"):
            aws("s3").put_object(Bucket=bucket, Key=key, Body=body)


def states_of_keys(aws: Clients) -> list[str]:
    kms = aws("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return [key["KeyState"] for key in keys]


def test_every_input_and_output_that_the_page_names_is_there() -> None:
    page = (CHECKOUT / PAGE).read_text()
    example = (MODULE / "examples" / "minimal" / "main.tf").read_text()
    typed = re.findall(r"-var (\w+)=", page)
    assert {"force_destroy", "secret_recovery_days"} <= {*typed}
    assert {*typed} <= {*re.findall(r'^variable "(\w+)"', example, re.MULTILINE)}
    asked = re.findall(r"terraform output (?:-\w+ )?(\w+)", page)
    assert {"create_key_commands", "log_groups"} <= {*asked}
    assert {*asked} <= {*re.findall(r'^output "(\w+)"', example, re.MULTILINE)}
    told = re.findall(r"outputs? `(\w+)`", page) + re.findall(r"module\.chela\.(\w+)\[", page)
    assert {"sample_jobs", "build_policies"} <= {*told}
    assert {*told} <= {name for name, _ in _blocks("outputs.tf", "output")}


def changes(plan: Mapping[str, Any]) -> dict[str, set[str]]:
    """What a plan would change, but for what moto forgets."""
    found = {}
    for each in plan["resource_changes"]:
        before, after = each["change"]["before"], each["change"]["after"]
        if each["change"]["actions"] != ["no-op"] and each["mode"] == "managed":
            differs = {name for name in after or {} if (before or {}).get(name) != after[name]}
            if differs - FORGOTTEN.get(each["type"], set()):
                found[each["address"]] = differs
    return found
