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

INFRA = CHECKOUT / "infra"
# What moto forgets or writes otherwise, so that a second plan differs.
FORGOTTEN = {
    "aws_codebuild_project": {"concurrent_build_limit"},
    "aws_lambda_function": {"logging_config"},
    "aws_sqs_queue": {"redrive_policy"},
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


@dataclass
class Applied:
    """The complete example, being applied in the background."""

    command: Command
    aws: Clients
    ready: Future[str]


@pytest.fixture(scope="module", autouse=True)
def applied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied | None]:
    """Begun before anything else: the provider waits for a minute, and the other tests need not."""
    if not any(LEAVES_NOTHING in item.name for item in request.session.items):
        yield None
        return
    workspace = request.getfixturevalue("workspace")
    moto = Moto(tmp_path_factory.mktemp("applied"))
    command = infra_module.example(workspace, "complete", moto, force_destroy="true")
    with ThreadPoolExecutor() as pool:
        yield Applied(command, Clients(moto.url, ACCOUNT), pool.submit(command.run, "apply", "-auto-approve"))
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


def test_a_plan_tells_a_user_every_policy_as_it_will_be(workspace: Path, tmp_path: Path) -> None:
    for moto in infra_module.served(tmp_path):
        plan = infra_module.example(workspace, "minimal", moto).plan()
    [module] = plan["planned_values"]["root_module"]["child_modules"]
    found = {
        each["address"].removeprefix("module.chela."): each["values"].get(POLICIES[each["type"]])
        for each in module["resources"]
        if each["type"] in POLICIES
    }
    assert {address.partition(".")[0] for address in found} == POLICIES.keys()
    assert [address for address, text in found.items() if not text and address not in WITHOUT] == []


LEAVES_NOTHING = "test_an_example_comes_and_goes_without_a_trace"


def test_an_example_comes_and_goes_without_a_trace(applied: Applied) -> None:
    terraform, aws = applied.command, applied.aws
    applied.ready.result()
    try:
        key = aws("iam").create_access_key(UserName="chela-pagure-demo-hello")["AccessKey"]
        aws("secretsmanager").put_secret_value(SecretId="chela/ci-token", SecretString="a-token-of-pagure")
        again = terraform.plan()
        assert changes(again) == {}
        # With the state as it is after a refresh.
        known = json.dumps(again) + (terraform.folder / "terraform.tfstate").read_text()
        for secret in (key["AccessKeyId"], key["SecretAccessKey"], "a-token-of-pagure"):
            assert secret not in known, "the state holds a secret"
    finally:
        terraform.run("destroy", "-auto-approve")
    assert aws("iam").list_users()["Users"] == []
    assert aws("iam").list_roles()["Roles"] == []
    assert aws("s3").list_buckets()["Buckets"] == []
    assert aws("sqs").list_queues().get("QueueUrls", []) == []
    assert json.loads((terraform.folder / "terraform.tfstate").read_text())["resources"] == []


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
