"""Each parameter of the CloudFormation template sets what it is about, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import infra_stacks
import pytest
from infra_stacks import ACCOUNT, BOTH, HERE, SAMPLES, VARIANTS, VPC, chela
from rights_settings import flat

ARM = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
TRIGGER, REPORT = (f"{name}Function.Environment.Variables.CHELA" for name in ("Trigger", "Report"))
PROJECT = f"{TRIGGER}_CONFIG.callers.{ACCOUNT.user('chela-pagure-demo-hello')}.demo/hello"
LOGS = ("TriggerLogGroup", "ReportLogGroup", "SampleBuildLogGroup", "PipelineBuildLogGroup")
FUNCTIONS = ("TriggerFunction", "ReportFunction")
PROJECTS = ("SampleProject", "PipelineBuildProject")
IN_VPC = {"SubnetIds": ["subnet-0123abcd", "subnet-4567cdef"], "SecurityGroupIds": ["sg-0123abcd"]}

Settings = Mapping[str, Any]
# None: it is there no more.
OPTIONS: dict[str, tuple[dict[str, str], Settings]] = {
    "Pagure elsewhere": (
        {"PagureUrl": "http://localhost:8080/pagure"},
        {f"{each}_PAGURE_URL": "http://localhost:8080/pagure" for each in (TRIGGER, REPORT)},
    ),
    "further addresses": (
        {"PagureGit": "https://a.example.org,https://b.example.org"},
        {f"{TRIGGER}_PAGURE_GIT": "https://a.example.org,https://b.example.org"},
    ),
    "strangers": ({"Strangers": "refuse"}, {f"{PROJECT}.strangers": "refuse"}),
    "zips": (
        {"FunctionsBucket": "others", "TriggerKey": "t.zip", "ReportKey": "r.zip"},
        {
            **{f"{each}.Code.S3Bucket": "others" for each in FUNCTIONS},
            "TriggerFunction.Code.S3Key": "t.zip",
            "ReportFunction.Code.S3Key": "r.zip",
        },
    ),
    "arm": (
        {"Architecture": "arm64"},
        {
            **{f"{each}.Architectures": ["arm64"] for each in FUNCTIONS},
            **{f"{each}.Environment.Type": "ARM_CONTAINER" for each in PROJECTS},
            **{f"{each}.Environment.Image": ARM for each in PROJECTS},
        },
    ),
    "a token": (
        {"TokenSecret": "none", "Token": "the token"},
        {
            f"{REPORT}_TOKEN": "the token",
            f"{REPORT}_TOKEN_SECRET": None,
            "NewTokenSecret": None,
            "NewTokenSecret.Name": None,
            "NewTokenSecret.Description": None,
        },
    ),
    "a vpc": (
        VPC,
        {f"{each}.VpcConfig.{name}": ids for each in FUNCTIONS for name, ids in IN_VPC.items()},
    ),
    "hosts": (
        {"LimitHosts": "git.example.org,*.example.com"},
        {f"{TRIGGER}_LIMIT_HOSTS": "git.example.org,*.example.com"},
    ),
    "networks": (
        {"AllowNetworks": "10.20.0.0/16,fd00::/8"},
        {f"{TRIGGER}_ALLOW_NETWORKS": "10.20.0.0/16,fd00::/8"},
    ),
    "days of logs": (
        {"LogRetentionDays": "3288"},
        {f"{each}.RetentionInDays": "3288" for each in LOGS},
    ),
    "days of sources": (
        {"SourcesDays": "90"},
        {"SourcesBucket.LifecycleConfiguration.Rules.sources.ExpirationInDays": "90"},
    ),
    "concurrency": (
        {"MaximumConcurrency": "7"},
        {f"{each}Mapping.ScalingConfig.MaximumConcurrency": "7" for each in ("Requests", "Reports")},
    ),
    "reserved concurrency": (
        {"TriggerReservedConcurrency": "5"},
        {"TriggerFunction.ReservedConcurrentExecutions": "5"},
    ),
}
# What the resources of a stack are: held against the policies and the specification.
VARIED = {name for more in (*VARIANTS.values(), {"AlarmTopicArn": ""}) for name in more}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_sets_what_it_is_about_and_nothing_else(option: str) -> None:
    more, wanted = OPTIONS[option]
    before, after = flat(chela(SAMPLES)), flat(chela({**SAMPLES, **more}))
    paths = before.keys() | after.keys()
    assert {path: after.get(path) for path in paths if after.get(path) != before.get(path)} == wanted


def test_every_parameter_is_looked_at_with_another_value() -> None:
    optional = {name for more, _ in OPTIONS.values() for name in more}
    assert set(infra_stacks.template("chela.yaml").content["Parameters"]) - VARIED - optional == {
        # It names the caller, whose name is held against the specification.
        "PagureProject"
    }


def test_another_project_has_another_caller_and_is_in_the_map() -> None:
    before, after = flat(chela(BOTH)), flat(chela({**BOTH, "PagureProject": "forks/ada/lib"}))
    user = "chela-pagure-forks-ada-lib"
    assert after["Caller.UserName"] == user
    jobs = {path for path in before if path.startswith(PROJECT)}
    moved = f"{TRIGGER}_CONFIG.callers.{ACCOUNT.user(user)}.forks/ada/lib"
    assert {path.replace(PROJECT, moved) for path in jobs} <= after.keys()
    assert len(before) == len(after)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_theirs_stays_when_the_stack_goes(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    kept = {name for name, one in stack.resources.items() if one.deletion != "Delete"}
    assert kept == {"SourcesBucket", "LedgerBucket", "Key"} & set(stack.resources)
    for name in kept:
        # Of a stack that could not be made nothing stays, or the next one could not either.
        assert (stack[name].deletion, stack[name].replaced) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_runs_before_its_role_has_its_rights(variant: str) -> None:
    stack = chela(VARIANTS[variant])
    roles = {
        name: stack.functions.value({"Fn::GetAtt": [name, "Arn"]}) for name in stack.of_type("AWS::IAM::Role")
    }
    runs = {
        (name, role)
        for name, one in stack.resources.items()
        for role, arn in roles.items()
        if arn in _roles_of(one.properties)
    }
    assert {role for _, role in runs} == set(roles)
    for name, role in runs:
        assert role.replace("Role", "Policy") in stack[name].after, name


def _roles_of(properties: Mapping[str, Any]) -> set[Any]:
    """The roles that something runs with."""
    named = {properties.get(name) for name in ("Role", "ServiceRole", "RoleArn")}
    target = properties.get("Target")
    return named | ({target.get("RoleArn")} if isinstance(target, Mapping) else set())


def test_a_user_of_theirs_gets_its_rights_by_its_arn_or_by_its_name() -> None:
    named = chela({**BOTH, "CallerName": "pagure"})
    assert flat(named) == flat(chela({**BOTH, "CallerArn": HERE}))
    assert named["CallerPolicy"].properties["Users"] == ["pagure"]
