"""The stacks that are looked at: what somebody may wish, in each dialect, made once for a whole run."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chela_bed.aws import policies
from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation.names import ARNS, attribute
from chela_bed.aws.dialects import SAMPLES, Design, Dialect, Wish
from chela_bed.aws.dialects.cdk import Cdk
from chela_bed.aws.dialects.cloudformation import CloudFormation
from chela_bed.aws.dialects.terraform import Terraform
from chela_bed.aws.evaluator import Policy

DIALECTS: Mapping[str, type[Dialect]] = {kind.name: kind for kind in (CloudFormation, Cdk, Terraform)}
ACCOUNT = Account("123456789012")
CHINA = Account("123456789012", partition="aws-cn")
SUBNETS, GROUPS = ["subnet-0123abcd", "subnet-4567cdef"], ["sg-0123abcd"]

# Whatever can be wished for, so that every statement is there.
WHOLE = Wish(
    jobs={**SAMPLES, "codebuild/hello": {}, "codebuild/strangers": {}, "codepipeline/line": {}},
    samples=True,
    pipeline_sources=["team-sources/release.zip"],
    key="new",
    subnets=SUBNETS,
    security_groups=GROUPS,
)
# A map of callers that outgrows every function's environment.
MANY: dict[str, dict[str, str]] = {
    f"{engine}/{'x' * 37}{number}": {"name": f"{engine}-{'x' * 20}-{number}"}
    for engine in ("codebuild", "codepipeline")
    for number in range(10)
}
# What has nothing to do with one another is wished for at once; each region costs one plan of Terraform.
WISHES: Mapping[str, Wish] = {
    "whole": WHOLE,
    "least": Wish(),
    "samples": Wish(jobs=SAMPLES, samples=True),
    "key and secret of theirs": Wish(
        jobs=SAMPLES,
        samples=True,
        key="arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
        secret="arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/token-Zz09Xy",
    ),
    "new key and secret of theirs": Wish(
        key="new", secret="arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/token-Zz09Xy"
    ),
    "http api": Wish(http_api=True),
    "vpc, topic, addresses": Wish(
        subnets=SUBNETS,
        security_groups=GROUPS,
        topic="arn:aws:sns:eu-west-1:123456789012:alarms",
        pagure_git=["https://git.example.org", "https://mirror.example.org"],
    ),
    "pipelines alone, caller of theirs": Wish(
        jobs={"codepipeline/line": {}, "codepipeline/other.line": {}},
        pipeline_sources=["a-bucket/a.zip", "b-bucket/b.zip"],
        caller="arn:aws:iam::123456789012:user/pagure",
    ),
    "caller elsewhere": Wish(caller="arn:aws:iam::999999999999:user/pagure"),
    "map as object": Wish(jobs=MANY),
    "another prefix": Wish(prefix="team-ci", project="lib", jobs={"codebuild/team-ci-hello": {}}),
    "another region and partition": Wish(region="cn-north-1", jobs=SAMPLES, samples=True, key="new"),
}


@functools.cache
def design(dialect: str, wish: str) -> Design:
    """A stack as it would be; without what its dialect needs, the test is skipped and says why."""
    lacking = DIALECTS[dialect].missing()
    if lacking:
        pytest.skip(f"{dialect} is not looked at: {lacking}")
    wished = WISHES[wish]
    if dialect == "terraform":
        return _planned(wished.region)[wish]
    return _dialect(dialect).design(wished, account(wished.region))


def _planned(region: str) -> Mapping[str, Design]:
    outcome = _plan(region)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@functools.cache
def _plan(region: str) -> Mapping[str, Design] | Exception:
    """Terraform's of a region, in one plan; what fails is not tried again for every test."""
    wishes = {name: wish for name, wish in WISHES.items() if wish.region == region}
    terraform = _dialect("terraform")
    assert isinstance(terraform, Terraform)
    try:
        return terraform.designs(wishes, account(region))
    except Exception as problem:
        return problem


@functools.cache
def _dialect(name: str) -> Dialect:
    folder = Path(_scratch().name) / name
    folder.mkdir()
    return DIALECTS[name](folder)


def account(region: str) -> Account:
    """Whose the stacks of a region are."""
    return CHINA if region.startswith("cn-") else ACCOUNT


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """It goes with the process."""
    return tempfile.TemporaryDirectory(prefix="chela-designs-")


def names(wish: Wish, found: Design) -> dict[str, Any]:
    """What the placeholders of `infra/` stand for in a stack, and the ARNs of all that it makes."""
    account, prefix = found.account, wish.prefix
    builds, lines = started(wish)
    line = f"{prefix}-release"
    made = {name: one for name, one in found.resources.items() if one.type in ARNS}
    arns = {name: attribute(one.type, name, one.properties, account, "Arn") for name, one in made.items()}
    buckets = {
        f"{use.title()}BucketName": f"{prefix}-{use}-{account.number}-{account.region}"
        for use in ("ledger", "sources")
    }
    queues = {
        f"{use.title()}QueueUrl": account.queue_url(f"{prefix}-{use}") for use in ("requests", "reports")
    }
    return (
        arns
        | buckets
        | queues
        | {
            "Prefix": prefix,
            "Account": account.number,
            "Partition": account.partition,
            "Region": account.region,
            "UrlSuffix": "amazonaws.com.cn" if account.partition == "aws-cn" else "amazonaws.com",
            "Root": account.user("").replace(":user/", ":root"),
            "TriggerFunction": account.function(f"{prefix}-trigger"),
            "ReportFunction": account.function(f"{prefix}-report"),
            "TriggerApi": account.arn("execute-api", "TriggerApi"),
            "RequestsQueue": account.arn("sqs", f"{prefix}-requests"),
            "ReportsQueue": account.arn("sqs", f"{prefix}-reports"),
            "LedgerBucket": account.bucket(buckets["LedgerBucketName"]),
            "SourcesBucket": account.bucket(buckets["SourcesBucketName"]),
            "SourcesPrefix": "sources/",
            # Of two; who means the other says so.
            "Bucket": account.bucket(buckets["SourcesBucketName"]),
            "ConfigObject": _config(found),
            "TokenSecret": wish.secret or account.arn("secretsmanager", f"secret:{prefix}/ci-token-AbCdEf"),
            "CodeBuildProjects": [account.arn("codebuild", f"project/{name}") for name in builds],
            "CodeBuildProjectNames": builds,
            "Pipelines": [account.arn("codepipeline", name) for name in lines],
            "PipelineNames": lines,
            "PipelineSources": [account.bucket(each) for each in wish.pipeline_sources],
            # Rows are about one of them, or what is beside it.
            "ConfigPlace": "".join(_config(found)),
            "PipelineSource": "".join(account.bucket(each) for each in wish.pipeline_sources[:1]),
            "Rules": [
                account.arn("events", f"rule/{prefix}-{service}")
                for service, watched in (("codebuild", builds), ("codepipeline", lines))
                if watched
            ],
            "Key": [arns["Key"]] if "Key" in arns else [wish.key] if wish.key else [],
            "AnyInterface": "*" if wish.subnets else [],
            "ScheduleGroup": account.arn("scheduler", "schedule-group/default"),
            "TriggerLogGroup": account.arn("logs", f"log-group:/aws/lambda/{prefix}-trigger"),
            "ReportLogGroup": account.arn("logs", f"log-group:/aws/lambda/{prefix}-report"),
            "BuildLogGroup": account.arn("logs", f"log-group:/aws/codebuild/{prefix}-hello"),
            "BuildSourcesPrefix": f"sources/codebuild/{prefix}-hello/",
            "BuildProject": account.arn("codebuild", f"project/{prefix}-hello"),
            "SamplePipeline": account.arn("codepipeline", line),
            "PipelineSourcesPrefix": f"sources/codepipeline/{line}/",
            "ArtifactsPrefix": f"{line[:20]}/",
            "PipelineBuildProject": account.arn("codebuild", f"project/{line}-build"),
            "PipelineBuildLogGroup": account.arn("logs", f"log-group:/aws/codebuild/{line}-build"),
        }
    )


def started(wish: Wish) -> tuple[list[str], list[str]]:
    """The CodeBuild projects and the pipelines that its jobs come to."""
    builds: set[str] = set()
    lines: set[str] = set()
    for job, said in wish.jobs.items():
        engine, _, called = job.partition("/")
        (lines if engine == "codepipeline" else builds).add(said.get("name", called))
        if "untrusted" in said:
            builds.add(said["untrusted"])
    return sorted(builds), sorted(lines)


def caller(wish: Wish, found: Design) -> str:
    """The ARN of who signs for the project."""
    return wish.caller or found.account.user(f"{wish.prefix}-pagure-{wish.project.replace('/', '-')}")


def _config(found: Design) -> list[str]:
    """The map of callers, where it is an object."""
    variables = found.resources["TriggerFunction"].properties["Environment"]["Variables"]
    scheme, is_object, place = str(variables["CHELA_CONFIG"]).partition("s3://")
    return [found.account.bucket(place)] if is_object and not scheme else []


def documents(wish: Wish) -> dict[str, str]:
    """Which of `infra/policies` each role, user and resource of a stack has, by their logical names."""
    # A caller of another account has his rights from there.
    is_ours = not wish.caller or f"::{ACCOUNT.number}:" in wish.caller
    found = {
        "TriggerRole": "trigger",
        "ReportRole": "report",
        "SweepRole": "sweep",
        "ReportsQueuePolicy": "reports-queue",
        "SourcesBucketPolicy": "bucket",
        "LedgerBucketPolicy": "bucket",
    }
    if wish.samples:
        found |= {"BuildRole": "build", "PipelineRole": "pipeline", "PipelineBuildRole": "pipeline-build"}
    if is_ours:
        found["Caller"] = "caller-http-api" if wish.http_api else "caller"
    return found | ({"Key": "key"} if wish.key == "new" else {})


def trusts(wish: Wish) -> dict[str, str]:
    """Who may take each role, in the same way."""
    found = {"TriggerRole": "trust-function", "ReportRole": "trust-function", "SweepRole": "trust-sweep"}
    if wish.samples:
        samples = ("build", "pipeline", "pipeline-build")
        found |= dict(
            zip(
                ("BuildRole", "PipelineRole", "PipelineBuildRole"),
                [f"trust-{x}" for x in samples],
                strict=True,
            )
        )
    return found


def normative(name: str, wish: Wish, found: Design, **more: Any) -> Policy:
    """A policy of `infra/policies`, filled in for a stack."""
    return policies.policy(name, {**names(wish, found), **more})


def wanted(wish: Wish, found: Design) -> dict[str, Any]:
    """All statements that a stack should have: of roles, users and resources, and of trusts."""
    buckets = {"LedgerBucketPolicy": "LedgerBucket", "SourcesBucketPolicy": "SourcesBucket"}
    known = names(wish, found)
    made = {}
    for logical, name in documents(wish).items():
        more = {"Bucket": known[buckets[logical]]} if logical in buckets else {}
        made[logical] = policies.policy(name, {**known, **more})["Statement"]
    for logical, name in trusts(wish).items():
        made[f"trust of {logical}"] = policies.policy(name, known)["Statement"]
    return made


def said(found: Design) -> dict[str, Any]:
    """All statements that a stack has, in the same way."""
    made: dict[str, Any] = {}
    for logical, one in found.resources.items():
        for name in ("PolicyDocument", "KeyPolicy"):
            if name in one.properties and one.type not in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
                made[logical] = one.properties[name]["Statement"]
        if one.type == "AWS::IAM::Role":
            made[logical] = found.statements(logical)
            made[f"trust of {logical}"] = one.properties["AssumeRolePolicyDocument"]["Statement"]
    return made | {"Caller": found.statements("Caller")}
