"""The module of OpenTofu and Terraform: its texts, its plan, and what it leaves behind."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from chela_bed.aws import policies
from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.moto import Moto
from chela_bed.paths import CHECKOUT

INFRA = CHECKOUT / "infra"
MODULE = INFRA / "terraform"
ACCOUNT = Account("123456789012")
EXAMPLES = ("minimal", "complete")
# In an example's folder Terraform lays this over its own provider.
PROVIDER = """
provider "aws" {
  region                  = "eu-west-1"
  access_key              = "owner"
  secret_key              = "owner"
  s3_use_path_style       = true
  skip_metadata_api_check = true
}
"""
# What moto forgets or writes otherwise, so that a second plan differs.
FORGOTTEN = {"aws_lambda_function": {"logging_config"}, "aws_sqs_queue": {"redrive_policy"}}

Variables = Mapping[str, str]


@functools.cache
def plugins() -> Path | None:
    """The folder from which `terraform init -plugin-dir` takes the provider of AWS."""
    if shutil.which("terraform") is None:
        return None
    name = "terraform-provider-aws_v*"
    found = subprocess.run(
        ["find", "/", "-xdev", "-type", "f", "-name", name, "-not", "-path", "*/.terraform/*"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    # <host>/hashicorp/aws/<version>/<machine>/<file>
    folders = [Path(line).parents[5] for line in sorted(found.stdout.splitlines())]
    return folders[-1] if folders else None


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the module, wherever Terraform can be run."""
    if plugins() is None:
        loud = "terraform or its provider of AWS is not on this machine: the module was NOT tried"
        warnings.warn(loud, stacklevel=1)
        pytest.skip(loud)
    folder = tmp_path_factory.mktemp("terraform")
    # Only what belongs to the module: it has to work wherever it is copied to.
    shutil.copytree(MODULE, folder / "module", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    (folder / "module" / "settings.tfrc").touch()
    zips = folder / "zips"
    zips.mkdir()
    for name in ("trigger", "report"):
        (zips / f"{name}-x86_64.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    return folder


@pytest.fixture
def moto(tmp_path: Path) -> Iterator[Moto]:
    server = Moto(tmp_path)
    yield server
    server.stop()


class Terraform:
    """Terraform at work in a folder of the copy."""

    def __init__(self, workspace: Path, place: str, moto: Moto | None = None) -> None:
        self.folder = workspace / "module" / place
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))},
            "TF_CLI_CONFIG_FILE": str(workspace / "module" / "settings.tfrc"),
            "TF_VAR_functions": str(workspace / "zips"),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }
        if moto is not None:
            self._environment["AWS_ENDPOINT_URL"] = moto.url
            (self.folder / "moto_override.tf").write_text(PROVIDER)
        self.run("init", "-backend=false", f"-plugin-dir={plugins()}")

    def run(self, *words: str, fails: bool = False, variables: Variables | None = None) -> str:
        """What it says; it has to work, or to fail."""
        extra = {f"TF_VAR_{name}": value for name, value in (variables or {}).items()}
        done = subprocess.run(
            ["terraform", *words, *([] if words[0] == "show" else ["-no-color"])],
            cwd=self.folder,
            env={**self._environment, **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout[-5000:]
        return done.stdout

    def plan(self, variables: Variables | None = None) -> dict[str, Any]:
        """A plan, as `terraform show -json` has it."""
        self.run("plan", "-out=plan.tfplan", variables=variables)
        read: dict[str, Any] = json.loads(self.run("show", "-json", "plan.tfplan"))
        return read


def planned(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All resources of the module by their addresses in it, with what is known of them."""
    [module] = plan["planned_values"]["root_module"]["child_modules"]
    return {each["address"].removeprefix("module.chela."): each["values"] for each in module["resources"]}


@pytest.mark.parametrize("kind", ["policies", "rules"])
def test_the_module_carries_the_policies_and_rules_of_all_dialects(kind: str) -> None:
    ours = {path.name: path.read_bytes() for path in (MODULE / kind).iterdir()}
    assert ours == {path.name: path.read_bytes() for path in (INFRA / kind).iterdir()}, (
        f"copy infra/{kind}/*.json to infra/terraform/{kind}"
    )


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
    module = Terraform(workspace, ".")
    module.run("fmt", "-check", "-recursive")
    for place in (".", *(f"examples/{name}" for name in EXAMPLES)):
        Terraform(workspace, place).run("validate")


def test_its_own_tests_pass(workspace: Path) -> None:
    assert " 0 failed" in Terraform(workspace, ".").run("test")


# The name of an input, a bad value of it in HCL, and what is said.
JOB = '{ "demo/hello" = { jobs = { %s = {} } } }'
REFUSALS = {
    "no_scheme": ("pagure_url", '"pagure.example.org"', "is no address of a Pagure"),
    "a_password": ("pagure_url", '"https://ada:secret@pagure.example.org"', "is no address of a Pagure"),
    "no_projects": ("projects", "{}", "projects is empty"),
    "no_project": ("projects", '{ "a/b/c/d" = { jobs = { hello = {} } } }', "is no project"),
    "no_jobs": ("projects", '{ "demo/hello" = { jobs = {} } }', "has no jobs"),
    "engine": ("projects", JOB % '"jenkins/hello"', "of an engine that is not known here"),
    "no_job": ("projects", JOB % '"codebuild/a b"', "called by something that is no name"),
    "no_codebuild": ("projects", JOB % '"codebuild/hello.tests"', "leads to no CodeBuild project"),
    "no_caller": (
        "projects",
        '{ "demo/hello" = { caller_arn = "arn:aws:iam::1:role/a", jobs = { hello = {} } } }',
        "is no IAM user",
    ),
    "same": (
        "projects",
        '{ "demo/hello" = { jobs = { hello = { untrusted = "hello" } } } }',
        "the project that committers' builds run in",
    ),
    "strangers": (
        "projects",
        '{ "demo/hello" = { strangers = "welcome", jobs = { hello = {} } } }',
        'neither "hold" nor "refuse"',
    ),
    "token": ("trigger_settings", '{ CHELA_TOKEN = "x" }', "trigger_settings has a name that is not one of"),
    "no_zips": ("functions", "{}", "does not say where the zips are"),
    "lost_zips": ("functions", '{ trigger_zip = "a", report_zip = "b" }', "is not there; make both with"),
    "alone": ("maximum_concurrency", "1", "write 2 to 1000"),
}


def test_each_bad_input_is_refused_with_its_own_sentence(workspace: Path) -> None:
    root = workspace / "module" / "refusals"
    root.mkdir()
    good = {
        "pagure_url": '"https://pagure.example.org"',
        "projects": JOB % "hello",
        "functions": '{ bucket = "zips", trigger_key = "t", report_key = "r" }',
    }
    calls = {
        f"{name}": {"source": '"../"', **good, variable: value}
        for name, (variable, value, _) in REFUSALS.items()
    }
    text = "".join(
        f'module "{name}" {{\n' + "".join(f"  {key} = {value}\n" for key, value in call.items()) + "}\n"
        for name, call in calls.items()
    )
    (root / "main.tf").write_text(text + PROVIDER)
    said = Terraform(workspace, "refusals").run("plan", "-json", fails=True)
    errors = [json.loads(line).get("diagnostic", {}) for line in said.splitlines() if line.startswith("{")]
    found: dict[str, list[str]] = {}
    lines = text.splitlines()
    for error in errors:
        if error.get("severity") == "error" and error.get("range", {}).get("filename") == "main.tf":
            above = lines[: error["range"]["start"]["line"]]
            name = [line.split('"')[1] for line in above if line.startswith("module ")][-1]
            found.setdefault(name, []).append(str(error["detail"]))
    wrong = {
        name: found.get(name)
        for name, (_, _, sentence) in REFUSALS.items()
        if not any(sentence in detail for detail in found.get(name, []))
    }
    assert not wrong, f"these are not refused with their sentence: {wrong}\n{said[-3000:]}"


def test_a_region_without_function_urls_is_refused(workspace: Path, moto: Moto) -> None:
    example = Terraform(workspace, "examples/minimal", moto)
    override = example.folder / "moto_override.tf"
    override.write_text(PROVIDER.replace("eu-west-1", "eu-south-2"))
    said = example.run("plan", fails=True)
    override.write_text(PROVIDER)
    assert 'eu-south-2 has no Lambda function URLs; write front_door = "http-api"' in " ".join(
        said.replace("│", "").split()
    )


def names(example: str) -> policies.Names:
    """What the placeholders stand for in an example's stack."""
    builds = {"minimal": ["hello"], "complete": ["chela-hello", "team-tests", "team-tests-forks"]}[example]
    pipelines = {"minimal": [], "complete": ["chela-release", "site"]}[example]
    places = {"minimal": [], "complete": ["example-team-sources/site.zip"]}[example]
    sources = f"chela-sources-{ACCOUNT.number}-{ACCOUNT.region}"
    return {
        "TriggerFunction": ACCOUNT.function("chela-trigger"),
        "RequestsQueue": ACCOUNT.arn("sqs", "chela-requests"),
        "ReportsQueue": ACCOUNT.arn("sqs", "chela-reports"),
        "LedgerBucket": ACCOUNT.bucket(f"chela-ledger-{ACCOUNT.number}-{ACCOUNT.region}"),
        "SourcesBucket": ACCOUNT.bucket(sources),
        "SourcesBucketName": sources,
        "SourcesPrefix": "sources/",
        # Secrets Manager puts six random characters behind the name.
        "TokenSecret": ACCOUNT.arn("secretsmanager", "secret:chela/ci-token-??????"),
        "CodeBuildProjects": [ACCOUNT.arn("codebuild", f"project/{name}") for name in builds],
        "CodeBuildProjectNames": builds,
        "Pipelines": [ACCOUNT.arn("codepipeline", name) for name in pipelines],
        "PipelineNames": pipelines,
        "PipelineSources": [ACCOUNT.bucket(place) for place in places],
        "TriggerLogGroup": ACCOUNT.arn("logs", "log-group:/aws/lambda/chela-trigger"),
        "ReportLogGroup": ACCOUNT.arn("logs", "log-group:/aws/lambda/chela-report"),
        "BuildLogGroup": ACCOUNT.arn("logs", "log-group:/aws/codebuild/chela-hello"),
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_plan_has_the_policies_and_rules_of_infra(workspace: Path, moto: Moto, example: str) -> None:
    found = planned(Terraform(workspace, f"examples/{example}", moto).plan())
    stands_for = names(example)
    granted = {
        'aws_iam_role_policy.function["trigger"]': "trigger",
        'aws_iam_role_policy.function["report"]': "report",
        'aws_iam_user_policy.caller["demo/hello"]': "caller",
    }
    if example == "complete":
        granted |= {
            'aws_iam_role_policy.sample["hello"]': "build",
            'aws_iam_role_policy.sample["release"]': "pipeline",
        }
    for address, name in granted.items():
        assert json.loads(found[address]["policy"]) == policies.policy(name, stands_for), address
    rules = {"codebuild": "CodeBuildProjectNames", "codepipeline": "PipelineNames"}
    for name, listed in rules.items():
        address = f'aws_cloudwatch_event_rule.this["{name}"]'
        assert (address in found) == bool(stands_for[listed]), address
        if address in found:
            assert json.loads(found[address]["event_pattern"]) == policies.rule(name, stands_for)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_comes_and_goes_without_a_trace(workspace: Path, moto: Moto, example: str) -> None:
    terraform = Terraform(workspace, f"examples/{example}", moto)
    # The minimal one keeps what its buckets hold, and holds nothing but its own map.
    gone = {"force_destroy": "true"} if example == "complete" else {}
    aws = Clients(moto.url, ACCOUNT)
    terraform.run("apply", "-auto-approve", variables=gone)
    try:
        key = aws("iam").create_access_key(UserName="chela-pagure-demo-hello")["AccessKey"]
        aws("secretsmanager").put_secret_value(SecretId="chela/ci-token", SecretString="a-token-of-pagure")
        assert terraform_changes(terraform.plan(gone)) == {}
        terraform.run("apply", "-refresh-only", "-auto-approve", variables=gone)
        state = (terraform.folder / "terraform.tfstate").read_text()
        for secret in (key["AccessKeyId"], key["SecretAccessKey"], "a-token-of-pagure"):
            assert secret not in state, "the state holds a secret"
    finally:
        terraform.run("destroy", "-auto-approve", variables=gone)
    assert aws("iam").list_users()["Users"] == []
    assert aws("iam").list_roles()["Roles"] == []
    assert aws("s3").list_buckets()["Buckets"] == []
    assert aws("sqs").list_queues().get("QueueUrls", []) == []
    assert json.loads((terraform.folder / "terraform.tfstate").read_text())["resources"] == []


def terraform_changes(plan: Mapping[str, Any]) -> dict[str, set[str]]:
    """What a plan would change, but for what moto forgets."""
    changes = {}
    for each in plan["resource_changes"]:
        before, after = each["change"]["before"], each["change"]["after"]
        if each["change"]["actions"] != ["no-op"] and each["mode"] == "managed":
            differs = {name for name in after or {} if (before or {}).get(name) != after[name]}
            if differs - FORGOTTEN.get(each["type"], set()):
                changes[each["address"]] = differs
    return changes
