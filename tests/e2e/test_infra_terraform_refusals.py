"""What the module refuses when planning, each with a sentence of its own; many of them in one plan."""

from __future__ import annotations

import functools
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import infra_module
import pytest
from chela_bed.aws.dialects.terraform_command import Command, errors

GOOD: Mapping[str, Any] = {
    "pagure_url": "https://pagure.example.org",
    "projects": {"demo/hello": {"jobs": {"codebuild/hello": {}}}},
    "functions": {"bucket": "zips", "trigger_key": "trigger.zip", "report_key": "report.zip"},
}
HERE = "arn:aws:iam::123456789012:user/pagure"
ELSEWHERE = "arn:aws:iam::999999999999:user/pagure"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
# Where the last ones are planned.
SOUTH = "eu-south-2"


def jobs(*names: str, **more: Any) -> Mapping[str, Any]:
    """A project with these jobs, each of them so."""
    return {"projects": {"demo/hello": {"jobs": dict.fromkeys(names, more)}}}


# The inputs beside the good ones, and what is said.
REFUSED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a Pagure without a scheme": ({"pagure_url": "pagure.example.org"}, "is no address of a Pagure"),
    "a Pagure with a password": (
        {"pagure_url": "https://ada:x@pagure.example.org"},
        "is no address of a Pagure",
    ),
    "a Pagure with a query": ({"pagure_url": "https://pagure.example.org/?x=1"}, "is no address of a Pagure"),
    "no projects": ({"projects": {}}, "projects is empty"),
    "too many names": ({"projects": {"a/b/c/d": {"jobs": {"hello": {}}}}}, "is no project"),
    "a path": ({"projects": {"demo/..": {"jobs": {"hello": {}}}}}, "is no project"),
    "no jobs": (jobs(), "has no jobs"),
    "an unknown engine": (jobs("jenkins/hello"), "of an engine that is not known here"),
    "a job that is no name": (jobs("codebuild/a b"), "called by something that is no name"),
    "a job twice": (jobs("codebuild/hello", "hello"), "has the same job twice"),
    "a job without a project": (jobs("codebuild/hello.tests"), "leads to no CodeBuild project"),
    "a job without a pipeline": (jobs("codepipeline/hello", name="re lease"), "leads to no pipeline"),
    "no project for strangers": (jobs("hello", untrusted="a b"), "is no name of a CodeBuild project"),
    "the committers' for strangers": (jobs("hello", untrusted="hello"), "that committers' builds run in"),
    "other words for strangers": (
        {"projects": {"demo/hello": {"strangers": "welcome", "jobs": {"hello": {}}}}},
        'neither "hold" nor "refuse"',
    ),
    "a role as caller": (
        {"projects": {"demo/hello": {"caller_arn": HERE.replace("user", "role"), "jobs": {"hello": {}}}}},
        "is no IAM user",
    ),
    "two users of one name": (
        {"projects": {name: {"jobs": {"hello": {}}} for name in ("demo/hello", "demo-hello")}},
        "users of the same name",
    ),
    "no zips": ({"functions": {}}, "does not say where the zips are"),
    "zips in two places": (
        {"functions": {"trigger_zip": "a", "report_zip": "b", "bucket": "zips"}},
        "does not say where the zips are",
    ),
    "lost zips": ({"functions": {"trigger_zip": "a", "report_zip": "b"}}, "is not there; make both with"),
    "a prefix for no bucket": ({"name_prefix": "Chela_"}, "is no start of a name"),
    "another machine": ({"architecture": "riscv"}, 'neither "x86_64" nor "arm64"'),
    "another door": ({"front_door": "alb"}, 'neither "function-url" nor "http-api"'),
    "a repository's bare name": ({"pagure_git": ["git.example.org"]}, "has something that is no address"),
    "a token among the settings": ({"trigger_settings": {"CHELA_TOKEN": "x"}}, "a name that is not one of"),
    "a level that is none": ({"log_level": "loud"}, 'none of "error", "warn", "info" and "debug"'),
    "a retention that is none": ({"log_retention_days": 31}, "a time that CloudWatch Logs does not offer"),
    "a secret's bare name": ({"token_secret_arn": "pagure"}, "is no ARN of a secret"),
    "a recovery that is none": ({"secret_recovery_days": 3}, "nothing that Secrets Manager offers"),
    "all objects of a bucket": ({"pipeline_sources": ["team/*"]}, "has something that is no object"),
    "one at a time": ({"maximum_concurrency": 1}, "write 2 to 1000"),
    "more than an account has": ({"trigger_reserved_concurrency": 1001}, "nothing that can be kept"),
    "half a machine": ({"trigger_reserved_concurrency": 0.5}, "nothing that can be kept"),
    "sources for no time": ({"sources_days": 0}, "no time to keep sources for"),
    "sources for half a day": ({"sources_days": 1.5}, "no time to keep sources for"),
    "a topic's bare name": ({"alarm_topic_arn": "operators"}, "is no ARN of an SNS topic"),
    "a key's alias": ({"kms_key_arn": KEY.replace("key/", "alias/")}, "is no ARN of a KMS key"),
    "a VPC without subnets": (
        {"vpc": {"subnet_ids": [], "security_group_ids": ["sg-1"]}},
        "vpc lacks a subnet or a security group",
    ),
}
# What only a whole stack shows; Terraform comes to these when all inputs are good.
REFUSED_STACKS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a user's long name": ({"projects": {"a" * 60: {"jobs": {"hello": {}}}}}, "too long for a user's name"),
    "two keys": ({"create_kms_key": True, "kms_key_arn": KEY}, "leave one of them out"),
    "a caller elsewhere for an API": (
        {
            "front_door": "http-api",
            "projects": {"demo/hello": {"caller_arn": ELSEWHERE, "jobs": {"hello": {}}}},
        },
        "takes this account's users only",
    ),
    "more than a rule can name": (
        jobs(*(f"job-{n}" for n in range(300))),
        "EventBridge ends at 2048 characters",
    ),
    "more than a role can name": (jobs(*(f"job-{n}" for n in range(300))), "IAM ends at 10240 characters"),
    SOUTH: ({}, f'{SOUTH} has no Lambda function URLs; write front_door = "http-api"'),
}


@functools.cache
def refusals(kind: str) -> Mapping[str, list[str]]:
    """What is said to whom."""
    bad = {"inputs": REFUSED, "stacks": REFUSED_STACKS}[kind]
    labels = {f"m{n}": name for n, name in enumerate(bad)}
    with tempfile.TemporaryDirectory(prefix="chela-refusals-") as scratch:
        root = infra_module.copied(Path(scratch)) / "refusals"
        root.mkdir()
        calls = [_call(label, {**GOOD, **bad[name][0]}, name) for label, name in labels.items()]
        south = infra_module.PROVIDER.replace("{", '{\n  alias = "south"', 1).replace("eu-west-1", SOUTH)
        (root / "main.tf").write_text("".join([*calls, infra_module.PROVIDER, south]))
        for moto in infra_module.served(Path(scratch)):
            command = Command(root, {"AWS_ENDPOINT_URL": moto.url})
            command.init()
            answer = command.call("plan", "-json")
    assert answer.returncode == 1, answer.stdout[-3000:]
    return _by_module(answer.stdout, labels)


def _call(label: str, inputs: Mapping[str, Any], name: str) -> str:
    # JSON's values are HCL's too.
    lines = [f"  {variable} = {json.dumps(value)}" for variable, value in inputs.items()]
    providers = ["  providers = { aws = aws.south }"] if name == SOUTH else []
    return "\n".join([f'module "{label}" {{', '  source = "../"', *providers, *lines, "}", ""])


def _by_module(answer: str, labels: Mapping[str, str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in labels.values()}
    for error in errors(answer):
        label = re.search(r'^module "(\w+)"$', error.get("snippet", {}).get("context") or "")
        # Of a resource Terraform does not say whose it is.
        for name in [labels[label[1]]] if label else found:
            found[name].append(" ".join(error["detail"].split()))
    return found


@pytest.mark.parametrize("bad", REFUSED)
def test_a_bad_input_is_refused_with_its_own_sentence(bad: str) -> None:
    infra_module.need()
    assert any(REFUSED[bad][1] in sentence for sentence in refusals("inputs")[bad]), refusals("inputs")[bad]


@pytest.mark.parametrize("bad", REFUSED_STACKS)
def test_a_stack_that_cannot_be_is_refused_with_its_own_sentence(bad: str) -> None:
    infra_module.need()
    said = refusals("stacks")[bad]
    assert any(REFUSED_STACKS[bad][1] in sentence for sentence in said), said
