"""What is granted, and what of it no end-to-end test uses, with the reason why it is granted all the same."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import rights_designs
from chela_bed.aws.policies import filled
from chela_bed.aws.used import Use
from chela_bed.paths import CHECKOUT
from rights_designs import WHOLE
from rights_mutants import listed

FOLDER = CHECKOUT / "infra" / "policies"


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource, as a statement of `infra/policies` writes them."""

    policy: str
    statement: str
    action: str
    resource: str
    who: str = field(compare=False)

    def is_used(self, uses: Collection[Use], names: dict[str, Any]) -> bool:
        """Whether somebody did it."""
        patterns = [str(each) for each in listed(filled(self.resource, names))]
        return any(
            use.who == self.who
            and use.action == self.action
            and any(fnmatch.fnmatchcase(use.resource, pattern) for pattern in patterns)
            for use in uses
        )

    def __str__(self) -> str:
        return f"{self.policy} {self.statement} {self.action} {self.resource}"


def grants() -> Iterator[Grant]:
    """All; who may take a role is looked at where the role is taken."""
    for path in sorted(FOLDER.glob("*.json")):
        for one in json.loads(path.read_text())["Statement"]:
            if one["Effect"] == "Allow" and "Resource" in one:
                who = one["Principal"].get("Service", "owner") if "Principal" in one else path.stem
                for action in listed(one["Action"]):
                    for resource in listed(one["Resource"]):
                        yield Grant(path.stem, one["Sid"], action, resource, who)


def names() -> dict[str, Any]:
    """What the placeholders stand for in the records, where projects and pipelines are anybody's."""
    found = rights_designs.names(WHOLE, rights_designs.design("cloudformation", "whole"))
    account = rights_designs.ACCOUNT
    return found | {
        "CodeBuildProjects": account.arn("codebuild", "project/*"),
        "PipelineBuildProject": account.arn("codebuild", "project/*"),
        "Pipelines": account.arn("codepipeline", "*"),
        "PipelineSources": account.bucket("*/pipelines/*"),
        "BuildSourcesPrefix": "sources/codebuild/*/",
        "PipelineSourcesPrefix": "sources/codepipeline/*/",
        "ConfigObject": account.bucket("*.json"),
        "TokenSecret": account.arn("secretsmanager", "secret:chela/ci-token-*"),
        "Key": account.arn("kms", "key/*"),
        "TriggerApi": account.arn("execute-api", "*"),
        "AnyInterface": "*",
    }


INTERFACES = "Lambda's own, in a VPC, of which the bed has none."
ONE_VERSION = (
    "A build is started with a version of its source, and CodeBuild reads that; a project's own has none."
)
ASKS = "The real service asks this of a bucket before it reads from it; the bed's does not."
IN_PARTS = "Ends an upload that failed between its parts; the sources of the tests fit into one."
# By policy, statement and, where others of the statement are used, action.
UNUSED = {
    "build FetchSources s3:GetObject": ONE_VERSION,
    "build FindTheBucket": ASKS,
    "key TheAccountOwnsIt": (
        "Without it nobody could ever change the key again, and no role's own policy would count. It is no "
        "right of anybody's by itself."
    ),
    "pipeline FetchItsOwnSource s3:GetObject": "CodePipeline reads the version that it was started with.",
    "pipeline FindTheBucket": ASKS,
    "pipeline KeepArtifacts s3:GetObject": "The bed's CodePipeline hands artifacts on without reading them.",
    "pipeline KeepArtifacts s3:GetObjectVersion": "As above; the store is a bucket with versions.",
    "pipeline-build FindTheBucket": ASKS,
    "pipeline-build TakeArtifacts s3:GetObjectVersion": (
        "The bed's CodeBuild takes an artifact without its version; the store is a bucket with versions."
    ),
    "report LambdaMakesInterfaces": INTERFACES,
    "trigger LambdaMakesInterfaces": INTERFACES,
    "trigger StorePipelinesSources s3:AbortMultipartUpload": IN_PARTS,
    "trigger StorePipelinesSources s3:GetObject": (
        "After a crash it looks whether a source is stored already; where it is killed in the tests, sources "
        "have keys of their own."
    ),
    "trigger StoreSources s3:AbortMultipartUpload": IN_PARTS,
}


# In the same way, what happens in some runs alone.
SOMETIMES = {
    "report UseTheKey kms:GenerateDataKey": (
        "It rewrites what is open only if there is more to tell of a build; whether there is in the few "
        "builds that run with a key is a matter of timing."
    ),
}


def reasons(grant: Grant) -> list[str]:
    """The entries of both tables that are about a grant."""
    statement = f"{grant.policy} {grant.statement}"
    return [each for each in (statement, f"{statement} {grant.action}") if each in {*UNUSED, *SOMETIMES}]
