"""The CloudFormation stack with this and that, and what `infra/` wants of it."""

from __future__ import annotations

import functools
import json
import re
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
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-1234-1234-1234-0123456789ab"
LEAST = {
    "PagureUrl": "https://pagure.example.org",
    "PagureProject": "demo/hello",
    "FunctionsBucket": "zips",
    "TriggerKey": "trigger-0a1b.zip",
    "ReportKey": "report-0a1b.zip",
}
BOTH = {"CodeBuildProjects": "hello,tests", "Pipelines": "release"}
SAMPLES = {
    "CodeBuildProjects": "chela-hello,tests",
    "Pipelines": "chela-release",
    "MakeFirstProject": "yes",
    "MakeFirstPipeline": "yes",
}
VPC = {"SubnetIds": "subnet-0123abcd,subnet-4567cdef", "SecurityGroupIds": "sg-0123abcd"}
SOURCES = {"PipelineSources": "arn:aws:s3:::a-bucket/a.zip,arn:aws:s3:::b-bucket/b.zip"}
VARIANTS: dict[str, dict[str, str]] = {
    "both": BOTH,
    "one project": {"CodeBuildProjects": "hello"},
    "ten projects": {"CodeBuildProjects": ",".join(f"project-{n}" for n in range(10))},
    "one pipeline": {"Pipelines": "release"},
    "ten pipelines": {"Pipelines": ",".join(f"line.{n}" for n in range(10))},
    "sources of pipelines": {**BOTH, **SOURCES},
    "a secret of theirs": {**BOTH, "TokenSecret": SECRET},
    "no secret": {**BOTH, "TokenSecret": "none", "Token": "t"},
    "config as object": {**BOTH, "ConfigPlace": "object"},
    "a key": {**BOTH, "KmsKey": "new"},
    "a key for one project": {"CodeBuildProjects": "hello", "KmsKey": "new"},
    "a key of theirs": {**SAMPLES, "KmsKey": KEY},
    "samples": SAMPLES,
    "a vpc": {**BOTH, **VPC},
    "everything": {**SAMPLES, **SOURCES, **VPC, "KmsKey": "new", "ConfigPlace": "object"},
    "another prefix": {**SAMPLES, "NamePrefix": "team-ci", "KmsKey": "new"},
    "http api": {**BOTH, "FrontDoor": "http-api"},
    "a user of theirs": {**BOTH, "CallerArn": HERE},
    "a user of theirs by name": {**BOTH, "FrontDoor": "http-api", "CallerName": "pagure"},
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
    ledger, sources = (f"{prefix}-{use}-{account.number}-{account.region}" for use in ("ledger", "sources"))
    in_ledger = account.bucket(f"{ledger}/config.json")
    queues = {
        "RequestsQueue": "requests",
        "RequestsDeadLetters": "requests-dead",
        "ReportsQueue": "reports",
        "ReportsDeadLetters": "reports-dead",
    }
    return {
        "Account": account.number,
        "Region": account.region,
        "UrlSuffix": "amazonaws.com.cn" if account.partition == "aws-cn" else "amazonaws.com",
        "Root": f"arn:{account.partition}:iam::{account.number}:root",
        **{logical: account.arn("sqs", f"{prefix}-{name}") for logical, name in queues.items()},
        "RequestsQueueUrl": account.queue_url(f"{prefix}-requests"),
        "ReportsQueueUrl": account.queue_url(f"{prefix}-reports"),
        "LedgerBucket": account.bucket(ledger),
        "LedgerBucketName": ledger,
        "SourcesBucket": account.bucket(sources),
        "SourcesBucketName": sources,
        "SourcesPrefix": "sources/",
        "ConfigObject": [in_ledger] if values["ConfigPlace"] == "object" else [],
        "TriggerFunction": account.function(f"{prefix}-trigger"),
        "ReportFunction": account.function(f"{prefix}-report"),
        "TriggerApi": account.arn("execute-api", "TriggerApi"),
        "TriggerLogGroup": account.arn("logs", f"log-group:/aws/lambda/{prefix}-trigger"),
        "ReportLogGroup": account.arn("logs", f"log-group:/aws/lambda/{prefix}-report"),
        "ScheduleGroup": account.arn("scheduler", "schedule-group/default"),
        "AnyInterface": "*" if values["SubnetIds"] else [],
        **_chosen(stack),
        **_started(stack),
    }


def _chosen(stack: Resolved) -> dict[str, list[str]]:
    """The secret and the key, which may be new, theirs or none."""
    account, values = stack.account, stack.values
    secret, key = values["TokenSecret"], values["KmsKey"]
    new = account.arn("secretsmanager", f"secret:{values['NamePrefix']}/ci-token-AbCdEf")
    return {
        "TokenSecret": {"new": [new], "none": []}.get(secret, [secret]),
        "Key": {"new": [account.arn("kms", "key/Key")], "none": []}.get(key, [key]),
    }


def _started(stack: Resolved) -> dict[str, Any]:
    """What may be started; the samples are the first of each list."""
    account, values = stack.account, stack.values
    builds, lines = (_listed(values[name]) for name in ("CodeBuildProjects", "Pipelines"))
    project, line = (found[0] if found else "" for found in (builds, lines))
    rules = {"codebuild": builds, "codepipeline": lines}
    return {
        "CodeBuildProjects": [account.arn("codebuild", f"project/{name}") for name in builds],
        "CodeBuildProjectNames": builds,
        "Pipelines": [account.arn("codepipeline", name) for name in lines],
        "PipelineNames": lines,
        "PipelineSources": _listed(values["PipelineSources"]),
        "Rules": [
            account.arn("events", f"rule/{values['NamePrefix']}-{name}")
            for name, watched in rules.items()
            if watched
        ],
        "BuildProject": account.arn("codebuild", f"project/{project}"),
        "BuildLogGroup": account.arn("logs", f"log-group:/aws/codebuild/{project}"),
        "BuildSourcesPrefix": f"sources/codebuild/{project}/",
        "SamplePipeline": account.arn("codepipeline", line),
        "PipelineSourcesPrefix": f"sources/codepipeline/{line}/",
        "ArtifactsPrefix": f"{line}/",
        "PipelineBuildProject": account.arn("codebuild", f"project/{line}-build"),
        "PipelineBuildLogGroup": account.arn("logs", f"log-group:/aws/codebuild/{line}-build"),
    }


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def normative(name: str, stack: Resolved, **more: str) -> list[Any]:
    """A policy of `infra/policies`, filled in for this stack."""
    return sameness.policy(policies.policy(name, {**names(stack), **more})["Statement"])


@functools.cache
def spec() -> dict[str, Any]:
    """What `infra/spec.json` says."""
    found: dict[str, Any] = json.loads((CHECKOUT / "infra" / "spec.json").read_text())
    return found


def filled(value: Any, stack: Resolved) -> Any:
    """A part of `infra/spec.json`: `${Name}` is a placeholder of `infra/`, or what has that logical name."""
    known = names(stack)
    if isinstance(value, dict):
        return {name: filled(member, stack) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(each, stack) for each in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{(\w+)\}", lambda found: _named(found[1], known, stack), value)


def _named(name: str, known: Mapping[str, Any], stack: Resolved) -> str:
    value = known.get(name) or stack.functions.value({"Fn::GetAtt": [name, "Arn"]})
    return value if isinstance(value, str) else str(value[0])
