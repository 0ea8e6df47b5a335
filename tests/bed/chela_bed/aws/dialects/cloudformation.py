"""`infra/cloudformation`: the template with the parameters that a wish comes to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.cloudformation import Resolved, Resource, Template
from chela_bed.aws.deployment import Deployment
from chela_bed.aws.dialects.wish import Wish
from chela_bed.aws.moto import Moto
from chela_bed.paths import CHECKOUT, BedError

STACK = "chela"


class CloudFormation:
    """The template itself needs nothing but a reader: what it comes to is computed."""

    name = "cloudformation"

    def __init__(self, scratch: Path, folder: Path | None = None) -> None:
        self.scratch = scratch
        self._template = (folder or CHECKOUT / "infra" / "cloudformation") / "chela.yaml"

    @staticmethod
    def missing() -> str | None:
        """Nothing: the bed reads templates by itself."""
        return None

    def design(self, wish: Wish, account: Account) -> CloudFormationDesign:
        """What the template comes to."""
        account = dataclasses.replace(account, region=wish.region)
        stack = Template.of(self._template).resolve(parameters(wish, account), account, STACK)
        return CloudFormationDesign(stack)

    def deploy(self, wish: Wish, moto: Moto, account: Account) -> CloudFormationDeployed:
        """Make it, and write `config.json` where the parameters cannot say who may start what."""
        # moto does not look at a template's rules.
        account = self.design(wish, account).account
        chosen = parameters(wish, account)
        made = Deployment.create(moto, account, STACK, self._template, chosen)
        if chosen["ConfigPlace"] == "object":
            caller = made.outputs["CallerOfTheFirstProject"]
            body = json.dumps(callers(wish, caller)).encode()
            made.clients("s3").put_object(
                Bucket=made.outputs["LedgerBucketName"], Key="config.json", Body=body
            )
        return CloudFormationDeployed(made)


@dataclass(frozen=True)
class CloudFormationDesign:
    """A stack as it would be."""

    stack: Resolved

    @property
    def account(self) -> Account:
        """Whose it is."""
        return self.stack.account

    @property
    def resources(self) -> Mapping[str, Resource]:
        """All that are made, by their logical names."""
        return self.stack.resources

    def statements(self, role: str) -> list[Mapping[str, Any]]:
        """All that the policies of a role or user say, by its logical name."""
        if role == "Caller" and role not in self.resources:
            values = self.stack.values
            role = values["CallerName"] or values["CallerArn"].rpartition("/")[2]
        return self.stack.statements(role)


@dataclass(frozen=True)
class CloudFormationDeployed:
    """A stack that moto has made."""

    deployment: Deployment

    @property
    def clients(self) -> Clients:
        """Its account's owner."""
        return self.deployment.clients

    @property
    def form(self) -> str:
        """The address for Pagure's form."""
        return self.deployment.outputs["PagureForm"]

    def destroy(self) -> None:
        """Take it away, with the keys and with what stays in the buckets."""
        self.deployment.remove()


def parameters(wish: Wish, account: Account) -> dict[str, str]:
    """The wish in the template's words."""
    builds, lines = _started(wish)
    sources = [account.bucket(each) for each in wish.pipeline_sources]
    return {
        "NamePrefix": wish.prefix,
        "PagureUrl": wish.pagure_url,
        "PagureGit": ",".join(wish.pagure_git),
        "PagureProject": wish.project,
        **_caller(wish, account),
        "CodeBuildProjects": ",".join(builds),
        "Pipelines": ",".join(lines),
        "PipelineSources": ",".join(sources),
        # Lists of names cannot say more of a job.
        "ConfigPlace": "object" if any(wish.jobs.values()) else "parameters",
        "FunctionsBucket": wish.bucket,
        "TriggerKey": wish.trigger_key,
        "ReportKey": wish.report_key,
        "FrontDoor": "http-api" if wish.http_api else "function-url",
        "TokenSecret": wish.secret or "new",
        "KmsKey": wish.key or "none",
        "SubnetIds": ",".join(wish.subnets),
        "SecurityGroupIds": ",".join(wish.security_groups),
        "AlarmTopicArn": wish.topic,
        "MakeFirstProject": "yes" if wish.samples else "no",
        "MakeFirstPipeline": "yes" if wish.samples else "no",
    }


def _caller(wish: Wish, account: Account) -> dict[str, str]:
    """By its name where an HTTP API takes nobody from elsewhere."""
    name = wish.caller.rpartition("/")[2]
    if wish.http_api and wish.caller == account.user(name):
        return {"CallerName": name}
    return {"CallerArn": wish.caller}


def callers(wish: Wish, caller: str) -> Mapping[str, Any]:
    """Who may start what, as a user writes it."""
    return {"callers": {caller: {wish.project: {"strangers": "hold", "jobs": wish.jobs}}}}


def _started(wish: Wish) -> tuple[list[str], list[str]]:
    """The CodeBuild projects and the pipelines that the jobs come to; the samples are the first."""
    builds, lines = dict.fromkeys([*_samples(wish, "hello")]), dict.fromkeys([*_samples(wish, "release")])
    for job, said in wish.jobs.items():
        engine, _, called = job.partition("/")
        name = said.get("name", called)
        if engine == "codepipeline":
            lines[name] = None
            continue
        # A list has no place for another engine: let the template refuse the whole word.
        builds[name if engine == "codebuild" else job] = None
        if "untrusted" in said:
            builds[said["untrusted"]] = None
    return [*builds], [*lines]


def _samples(wish: Wish, name: str) -> list[str]:
    if not wish.samples:
        return []
    job = {"hello": f"codebuild/{wish.prefix}-hello", "release": f"codepipeline/{wish.prefix}-release"}[name]
    if job not in wish.jobs:
        raise BedError(f"the template makes no sample that is no job: name {job} in the wish")
    return [job.partition("/")[2]]
