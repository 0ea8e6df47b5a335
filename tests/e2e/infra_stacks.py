"""The CloudFormation stack with this and that, and what `infra/` wants of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from chela_bed.aws import policies, sameness
from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import Resolved, Template
from chela_bed.paths import CHECKOUT

FOLDER = CHECKOUT / "infra" / "cloudformation"
ACCOUNT = Account("123456789012")
ELSEWHERE = "arn:aws:iam::999999999999:user/pagure"
HERE = "arn:aws:iam::123456789012:user/pagure"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/token-Zz09Xy"
LEAST = {
    "PagureUrl": "https://pagure.example.org",
    "PagureProject": "demo/hello",
    "FunctionsBucket": "zips",
    "TriggerKey": "trigger-0a1b.zip",
    "ReportKey": "report-0a1b.zip",
}
BOTH = {"CodeBuildProjects": "hello,tests", "Pipelines": "release"}
SAMPLES = {"MakeFirstProject": "yes", "MakeFirstPipeline": "yes"}
VARIANTS: dict[str, dict[str, str]] = {
    "both": BOTH,
    "one project": {"CodeBuildProjects": "hello"},
    "ten projects": {"CodeBuildProjects": ",".join(f"project-{n}" for n in range(10))},
    "one pipeline": {"Pipelines": "release"},
    "ten pipelines": {"Pipelines": ",".join(f"line.{n}" for n in range(10))},
    "sources of pipelines": {
        **BOTH,
        "PipelineSources": "arn:aws:s3:::a-bucket/a.zip,arn:aws:s3:::b-bucket/b.zip",
    },
    "a secret of theirs": {**BOTH, "TokenSecret": SECRET},
    "no secret": {**BOTH, "TokenSecret": "none", "Token": "t"},
    "config as object": {**BOTH, "ConfigPlace": "object"},
    "a key": {**BOTH, **SAMPLES, "KmsKey": "new"},
    "samples": {**BOTH, **SAMPLES},
    "another prefix": {**BOTH, "NamePrefix": "team-ci"},
    "http api": {**BOTH, "FrontDoor": "http-api"},
    "a user of theirs": {**BOTH, "CallerArn": HERE},
}


@functools.cache
def template(name: str) -> Template:
    """One of the two."""
    return Template.of(FOLDER / name)


def chela(more: Mapping[str, str] = BOTH, account: Account = ACCOUNT) -> Resolved:
    """The stack as it would be with these parameters."""
    return template("chela.yaml").resolve({**LEAST, **more}, account)


def names(stack: Resolved) -> dict[str, Any]:
    """What the placeholders in `infra/` stand for in this stack."""
    account, values = stack.account, stack.values
    prefix = values["NamePrefix"]
    builds, lines = (_listed(values[name]) for name in ("CodeBuildProjects", "Pipelines"))
    sources = f"{prefix}-sources-{account.number}-{account.region}"
    named = values["TokenSecret"]
    new = account.arn("secretsmanager", f"secret:{prefix}/ci-token-AbCdEf")
    return {
        "TriggerFunction": account.function(f"{prefix}-trigger"),
        "TriggerApi": account.arn("execute-api", "TriggerApi"),
        "RequestsQueue": account.arn("sqs", f"{prefix}-requests"),
        "ReportsQueue": account.arn("sqs", f"{prefix}-reports"),
        "LedgerBucket": account.bucket(f"{prefix}-ledger-{account.number}-{account.region}"),
        "SourcesBucket": account.bucket(sources),
        "SourcesBucketName": sources,
        "SourcesPrefix": "sources/",
        "TokenSecret": {"new": [new], "none": []}.get(named, [named]),
        "CodeBuildProjects": [account.arn("codebuild", f"project/{name}") for name in builds],
        "CodeBuildProjectNames": builds,
        "Pipelines": [account.arn("codepipeline", name) for name in lines],
        "PipelineNames": lines,
        "PipelineSources": [each for each in values["PipelineSources"] if each],
        "TriggerLogGroup": account.arn("logs", f"log-group:/aws/lambda/{prefix}-trigger"),
        "ReportLogGroup": account.arn("logs", f"log-group:/aws/lambda/{prefix}-report"),
        "BuildLogGroup": account.arn("logs", f"log-group:/aws/codebuild/{builds[0] if builds else ''}"),
    }


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def normative(name: str, stack: Resolved) -> list[Any]:
    """A policy of `infra/policies`, filled in for this stack."""
    return sameness.policy(policies.policy(name, names(stack))["Statement"])
