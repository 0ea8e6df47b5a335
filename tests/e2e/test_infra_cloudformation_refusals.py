"""What is wrong with the parameters of the CloudFormation template is told before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import RefusedError
from chela_bed.aws.dialects import CloudFormation, Wish
from infra_stacks import ACCOUNT, BOTH, ELSEWHERE, VPC, chela, template

WRONG: dict[str, tuple[dict[str, str], str]] = {
    "Pagure without a scheme": ({**BOTH, "PagureUrl": "pagure.example.org"}, "Pagure's address"),
    "Pagure with a user": ({**BOTH, "PagureUrl": "https://me@pagure.example.org"}, "Pagure's address"),
    "Pagure with a query": ({**BOTH, "PagureUrl": "https://pagure.example.org/?a"}, "Pagure's address"),
    "Pagure over ssh": ({**BOTH, "PagureUrl": "ssh://pagure.example.org"}, "Pagure's address"),
    "no job": ({}, "There is no job"),
    "an engine in a project": ({"CodeBuildProjects": "jenkins/hello"}, "names of CodeBuild projects"),
    "an engine in a pipeline": ({"Pipelines": "codepipeline/release"}, "names of pipelines"),
    "eleven projects": ({"CodeBuildProjects": ",".join(["ab"] * 11)}, "up to ten"),
    "a wildcard": ({"CodeBuildProjects": "team-*"}, "names of CodeBuild projects"),
    "a project with a slash": ({**BOTH, "PagureProject": "/demo/hello"}, "demo/hello"),
    "a role as caller": ({**BOTH, "CallerArn": "arn:aws:iam::123456789012:role/pagure"}, "IAM user"),
    "two tokens": ({**BOTH, "Token": "t"}, "one place"),
    "no token": ({**BOTH, "TokenSecret": "none"}, "one place"),
    "half a secret": ({**BOTH, "TokenSecret": "team/token"}, "whole ARN"),
    "an alias of a key": ({**BOTH, "KmsKey": "alias/team"}, "the ARN of a key"),
    "an alias's ARN": ({**BOTH, "KmsKey": "arn:aws:kms:eu-west-1:123456789012:alias/a"}, "the ARN of a key"),
    "all keys": ({**BOTH, "KmsKey": "arn:aws:kms:eu-west-1:123456789012:key/*"}, "the ARN of a key"),
    "subnets alone": ({**BOTH, "SubnetIds": "subnet-0123abcd"}, "SecurityGroupIds"),
    "subnets with spaces": ({**BOTH, **VPC, "SubnetIds": "subnet-0123abcd, subnet-0123abce"}, "spaces"),
    "a git server without a scheme": (
        {**BOTH, "PagureGit": "https://a.org,b.org"},
        "https://git.example.org",
    ),
    "groups alone": ({**BOTH, "SecurityGroupIds": "sg-0123abcd"}, "SubnetIds"),
    "a sample without a name": ({"Pipelines": "a", "MakeFirstProject": "yes"}, "CodeBuildProjects"),
    "a sample pipeline without a name": (
        {"CodeBuildProjects": "ab", "MakeFirstPipeline": "yes"},
        "Pipelines",
    ),
    "a caller of another account at an HTTP API": (
        {**BOTH, "FrontDoor": "http-api", "CallerArn": ELSEWHERE},
        "lets in no user of another account",
    ),
    "two callers": ({**BOTH, "CallerArn": ELSEWHERE, "CallerName": "pagure"}, "one caller"),
    "a prefix with a capital": ({**BOTH, "NamePrefix": "Chela"}, "1 to 20 lower case"),
    "a prefix of 21": ({**BOTH, "NamePrefix": "a" * 21}, "1 to 20 lower case"),
    "a project as a repository": ({**BOTH, "PagureProject": "demo/hello.git"}, "without .git"),
    "a namespace as a repository": ({**BOTH, "PagureProject": "demo.git/hello"}, "without .git"),
    "a project above": ({**BOTH, "PagureProject": "demo/.."}, "as Pagure calls it"),
    "a project of three parts": ({**BOTH, "PagureProject": "a/b/c"}, "as Pagure calls it"),
    "a fork of three parts": ({**BOTH, "PagureProject": "forks/ada/a/b/c"}, "as Pagure calls it"),
    "a host with a path": ({**BOTH, "LimitHosts": "git.example.org/team"}, "hosts such as"),
    "a host and nothing": ({**BOTH, "LimitHosts": "git.example.org,"}, "hosts such as"),
    "an address as network": ({**BOTH, "AllowNetworks": "10.20.0.1"}, "networks such as"),
    "a network that is none": ({**BOTH, "AllowNetworks": "10.20.0.0/33"}, "networks such as"),
    "networks with spaces": ({**BOTH, "AllowNetworks": "10.20.0.0/16, fd00::/8"}, "networks such as"),
    "a network and nothing": ({**BOTH, "AllowNetworks": "10.20.0.0/16,"}, "networks such as"),
    "too little concurrency": ({**BOTH, "MaximumConcurrency": "1"}, "MaximumConcurrency"),
    "a source with a wildcard": ({**BOTH, "PipelineSources": "arn:aws:s3:::bucket/*"}, "wildcards"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_before_anything_is_made(case: str) -> None:
    more, told = WRONG[case]
    with pytest.raises(RefusedError) as caught:
        chela(more)
    assert told in str(caught.value)


GOOD: dict[str, tuple[str, ...]] = {
    "NamePrefix": ("c", "a" * 20, "team-ci"),
    "PagureProject": ("hello", "demo/hello", "forks/ada/hello", "forks/ada/demo/hello", "lib.github/c++"),
    "LimitHosts": ("git.example.org", "*.example.org,git.example.com", ""),
    "AllowNetworks": ("10.20.0.0/16", "fd00::/8", "192.0.2.1/32,::1/128,2001:db8::/32", ""),
    "LogRetentionDays": ("1096", "2192", "2557", "2922", "3288"),
}


@pytest.mark.parametrize(("name", "value"), [(name, each) for name, good in GOOD.items() for each in good])
def test_what_is_right_is_taken(name: str, value: str) -> None:
    assert chela({**BOTH, name: value}).values[name] == value


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"FrontDoor": "http-api", "CallerArn": ELSEWHERE}, "lets in no user of another account"),
        ({"CallerArn": ELSEWHERE, "CallerName": "pagure"}, "one caller"),
        ({"PagureProject": "demo/hello.git"}, "without .git"),
        ({"NamePrefix": "Chela"}, "1 to 20 lower case"),
    ],
)
def test_a_further_projects_stack_tells_it_as_well(more: dict[str, str], told: str) -> None:
    with pytest.raises(RefusedError) as caught:
        template("caller.yaml").resolve({"PagureProject": "demo/other", **more}, ACCOUNT, "other")
    assert told in str(caught.value)


def test_a_region_without_function_urls_gets_an_http_api_or_a_sentence() -> None:
    zurich = Account("123456789012", region="eu-central-2")
    with pytest.raises(RefusedError, match="Set FrontDoor to http-api"):
        chela(BOTH, zurich)
    stack = chela({**BOTH, "FrontDoor": "http-api"}, zurich)
    assert "TriggerUrl" not in stack.resources
    form = stack.outputs["PagureForm"]
    assert form == "https+sigv4://TriggerApi.execute-api.eu-central-2.amazonaws.com/"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(jobs={}), "There is no job"),
        (Wish(jobs={"jenkins/hello": {}}), "names of CodeBuild projects"),
        (Wish(pagure_url="pagure.example.org"), "Pagure's address"),
        (Wish(region="eu-central-2"), "Set FrontDoor to http-api"),
        (Wish(http_api=True, caller=ELSEWHERE), "lets in no user of another account"),
    ],
)
def test_a_wish_that_cannot_be_is_told_in_the_templates_words(wish: Wish, told: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        CloudFormation(tmp_path).design(wish, ACCOUNT)
    assert told in str(caught.value)
