"""Mistakes planted in what the parameters of the CloudFormation template do."""

from __future__ import annotations

import pytest
import test_infra_cloudformation as rights
import test_infra_cloudformation_options as options
from test_infra_cloudformation_mistakes import Check, is_noticed


def option(name: str) -> Check:
    return options.test_an_option_sets_what_it_is_about_and_nothing_else, (name,)


KEPT: Check = (options.test_what_is_theirs_stays_when_the_stack_goes, ("everything",))
WAITS: Check = (options.test_nothing_runs_before_its_role_has_its_rights, ("everything",))
BUILDS: Check = (rights.test_the_stack_tells_what_the_role_of_a_project_of_theirs_needs, ("everything",))
# What the template says, what it would say, and who notices.
OPTIONS: dict[str, tuple[str, str, Check]] = {
    "functions of one architecture": (
        "Architectures: [!Ref Architecture]",
        "Architectures: [x86_64]",
        option("arm"),
    ),
    "samples that are never arm": (
        "Type: !If [OnArm, ARM_CONTAINER, LINUX_CONTAINER]",
        "Type: LINUX_CONTAINER",
        option("arm"),
    ),
    "an image of the other architecture": (
        "          - aws/codebuild/amazonlinux-aarch64-standard:3.0\n",
        "          - aws/codebuild/amazonlinux-x86_64-standard:5.0\n",
        option("arm"),
    ),
    "a token of its own": (
        "CHELA_TOKEN: !If [HasSecret, !Ref AWS::NoValue, !Ref Token]",
        "CHELA_TOKEN: !If [HasSecret, !Ref AWS::NoValue, geheim]",
        option("a token"),
    ),
    "no reserved concurrency": (
        "!If [HasReservedConcurrency, !Ref TriggerReservedConcurrency, !Ref AWS::NoValue]",
        "!Ref AWS::NoValue",
        option("reserved concurrency"),
    ),
    "always the least concurrency": (
        "MaximumConcurrency: !Ref MaximumConcurrency",
        "MaximumConcurrency: 2",
        option("concurrency"),
    ),
    "no hosts": (
        "          CHELA_LIMIT_HOSTS: !If [HasLimitHosts, !Ref LimitHosts, !Ref AWS::NoValue]\n",
        "",
        option("hosts"),
    ),
    "no networks": (
        "          CHELA_ALLOW_NETWORKS: !If [HasAllowNetworks, !Ref AllowNetworks, !Ref AWS::NoValue]\n",
        "",
        option("networks"),
    ),
    "strangers that always wait": ('"strangers":"${Strangers}"', '"strangers":"hold"', option("strangers")),
    "sources for a month, always": (
        "ExpirationInDays: !Ref SourcesDays",
        "ExpirationInDays: 30",
        option("days of sources"),
    ),
    "logs for a month, always": (
        "RetentionInDays: !Ref LogRetentionDays",
        "RetentionInDays: 30",
        option("days of logs"),
    ),
    "the same zip for both": ("S3Key: !Ref ReportKey", "S3Key: !Ref TriggerKey", option("zips")),
    "no further addresses": (
        "[HasPagureGit, !Ref PagureGit,",
        "[HasPagureGit, '',",
        option("further addresses"),
    ),
    "a report that knows another Pagure": (
        "          CHELA_PAGURE_URL: !Ref PagureUrl\n          CHELA_LEDGER",
        "          CHELA_PAGURE_URL: https://pagure.example.org\n          CHELA_LEDGER",
        option("Pagure elsewhere"),
    ),
    "a function outside the VPC": ("      VpcConfig: !If\n", "      Other: !If\n", option("a vpc")),
    "a key that goes with the stack": (
        "    Condition: MakesKey\n    DeletionPolicy: RetainExceptOnCreate\n",
        "    Condition: MakesKey\n    DeletionPolicy: Delete\n",
        KEPT,
    ),
    "a bucket that an update replaces": (
        "    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n    Properties:\n"
        "      BucketName",
        "    DeletionPolicy: RetainExceptOnCreate\n    Properties:\n      BucketName",
        KEPT,
    ),
    "a secret's name that stays": (
        "    Condition: MakesSecret\n    Properties:",
        "    Condition: MakesSecret\n    DeletionPolicy: Retain\n    Properties:",
        KEPT,
    ),
    "a function before its rights": ("    DependsOn: TriggerPolicy\n", "", WAITS),
    "a schedule before its rights": ("    DependsOn: SweepPolicy\n", "", WAITS),
    "a pipeline before its rights": ("DependsOn: PipelinePolicy", "DependsOn: BuildPolicy", WAITS),
    "a project of theirs that may not read": (
        '"Action":["s3:GetObject","s3:GetObjectVersion"],',
        '"Action":["s3:GetObjectVersion"],',
        BUILDS,
    ),
    "a project of theirs without the key": ('${Name}:*"}${UseTheKey}]}', '${Name}:*"}]}', BUILDS),
}


@pytest.mark.parametrize("mistake", OPTIONS)
def test_a_planted_mistake_in_an_option_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_noticed(OPTIONS[mistake], monkeypatch)
