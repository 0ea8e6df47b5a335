"""A stack that the bed lays out itself, out of `infra/policies` and `infra/rules`; it may grow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chela_bed.aws import policies
from chela_bed.aws.account import Account
from chela_bed.aws.buckets import Bucket
from chela_bed.aws.clients import Clients
from chela_bed.aws.door import IDENT, Entrance, Kind
from chela_bed.aws.engines import Engines, Event, EventBridge
from chela_bed.aws.evaluator import Policy
from chela_bed.aws.function import Settings
from chela_bed.aws.identities import Identities, Identity, Role
from chela_bed.aws.layouts.keys import Keys
from chela_bed.aws.layouts.layout import Feed
from chela_bed.aws.queues import Queue

PREFIX = "sources/"
# The map of jobs of one caller: full names of projects to what `CHELA_CONFIG` says of them.
Jobs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What a stack is made of; the defaults are those of the deployment."""

    # Pagure's address, and further ones of its repositories.
    pagure: str
    git: Sequence[str] = ()
    # Where the door listens; Pagure's plugin reaches the bed's `target_ports` alone.
    port: int = 0
    kind: Kind = Kind.FUNCTION_URL
    # Commands of the functions; by default what CHELA_TRIGGER and CHELA_REPORT name.
    trigger: Sequence[str] = ()
    report: Sequence[str] = ()
    # Further variables of both functions.
    variables: Mapping[str, str] = field(default_factory=dict)
    # Receives before a message is given up.
    requests_receives: int = 5
    reports_receives: int = 1000
    reports_batch: int = 10
    concurrency: int = 2


class Own:
    """What is there grows with callers and their jobs."""

    def __init__(self, account: Account, owner: Clients, plan: Plan) -> None:
        self.account, self.owner, self.plan = account, owner, plan
        self.keys = Keys()
        self.entrance = Entrance(plan.kind, self.function("trigger"), _let_in(account, plan.kind))
        self._lay_out()
        self.roles: Mapping[str, Role] = {
            name: Role(self.function(name), (), name) for name in ("trigger", "report")
        }
        self._policies_of: dict[str, tuple[Role, str]] = {
            name: (role, name) for name, role in self.roles.items()
        }
        self.callers: dict[str, Jobs] = {}
        self._granted: dict[str, list[str]] = {}
        self.grant()

    def function(self, name: str) -> str:
        """What `trigger` or `report` is called."""
        return f"chela-{name}"

    def settings(self, name: str) -> Settings:
        """What it is configured with."""
        return Settings(self._variables(name), {"trigger": 300, "report": 60}[name], concurrency=10)

    def feed(self, name: str) -> Feed:
        """How it is fed."""
        if name == "trigger":
            return Feed(visibility=360, batch=1, concurrency=self.plan.concurrency)
        return Feed(visibility=90, batch=self.plan.reports_batch, concurrency=self.plan.concurrency)

    def bridge(self) -> Callable[[Event], None]:
        """Its rules lead into its own queue."""
        return EventBridge(self.owner("events"))

    def sweep(self) -> Any:
        """What EventBridge Scheduler says every few minutes."""
        return {"type": "sweep"}

    def stock(self, _: Engines) -> None:
        """Tests make their projects themselves."""

    # Who calls, and for what.

    def add_caller(self, identities: Identities, name: str, jobs: Jobs) -> Identity:
        """An IAM user for projects of Pagure, and what they may have built."""
        policy = "caller" if self.plan.kind is Kind.FUNCTION_URL else "caller-http-api"
        role = Role(name, (), policy)
        identity = identities.user(role, self.account.user(name))
        self._policies_of[f"user {name}"] = (role, policy)
        self.callers[identity.arn] = dict(jobs)
        self.grant()
        return identity

    def config(self) -> str:
        """The map of callers, as the variable CHELA_CONFIG has it."""
        return json.dumps({"callers": self.callers})

    def grant(self, **more: Sequence[str]) -> None:
        """Fill the policies and rules in again; `more` are targets that no job names."""
        for kind, found in more.items():
            self._granted.setdefault(kind, []).extend(found)
        names = self.names()
        for role, policy in self._policies_of.values():
            role.policies = [policies.policy(policy, {**names, **_sources_of(role)})]
        self._set_rules(names)

    def service_role(self, arn: str) -> Role:
        """A project's or a pipeline's own, made when it is first asked for: `.../role/build-hello`."""
        name = arn.rpartition("/")[2]
        if name not in self._policies_of:
            policy = "pipeline" if name.startswith("pipeline") else "build"
            self._policies_of[name] = (Role(name, (), policy), policy)
            self.grant()
        return self._policies_of[name][0]

    def names(self) -> policies.Names:
        """What the placeholders in `infra/` stand for."""
        builds, pipelines = sorted(self._targets("codebuild")), sorted(self._targets("codepipeline"))
        account = self.account
        return {
            "Region": account.region,
            "Account": account.number,
            "UrlSuffix": "amazonaws.com",
            "TriggerFunction": account.function("chela-trigger"),
            "ReportFunction": account.function("chela-report"),
            "TriggerApi": account.arn("execute-api", IDENT),
            "RequestsQueue": self.requests.arn,
            "ReportsQueue": self.reports.arn,
            "LedgerBucket": account.bucket(self.ledger.name),
            "ConfigObject": account.bucket(f"{self.ledger.name}/config.json"),
            "SourcesBucket": account.bucket(self.sources.name),
            "SourcesBucketName": self.sources.name,
            "SourcesPrefix": PREFIX,
            "TokenSecret": self.secret,
            "CodeBuildProjects": [account.arn("codebuild", f"project/{name}") for name in builds],
            "CodeBuildProjectNames": builds,
            "Pipelines": [account.arn("codepipeline", name) for name in pipelines],
            "PipelineNames": pipelines,
            "PipelineSources": [account.bucket(place) for place in self._granted.get("pipeline_sources", [])],
            "TriggerLogGroup": account.arn("logs", "log-group:/aws/lambda/chela-trigger"),
            "ReportLogGroup": account.arn("logs", "log-group:/aws/lambda/chela-report"),
            "BuildLogGroup": account.arn("logs", "log-group:/aws/codebuild/*"),
            "ArtifactsPrefix": "artifacts/",
            "PipelineBuildProject": [account.arn("codebuild", f"project/{name}") for name in builds],
            # No key, and no VPC.
            "Key": [],
            "AnyInterface": [],
        }

    # How it is laid out.

    def _lay_out(self) -> None:
        number, region = self.account.number, self.account.region
        s3, sqs = self.owner("s3"), self.owner("sqs")
        self.sources = Bucket.create(s3, f"chela-sources-{number}-{region}", region, versioned=True)
        self.ledger = Bucket.create(s3, f"chela-ledger-{number}-{region}", region)
        self.requests, self.reports, self.dead_requests, self.dead_reports = (
            Queue.create(sqs, self.account, f"chela-{name}", MessageRetentionPeriod="1209600")
            for name in ("requests", "reports", "requests-dead", "reports-dead")
        )
        self.requests.redrive(self.dead_requests, self.plan.requests_receives)
        self.reports.redrive(self.dead_reports, self.plan.reports_receives)
        created = self.owner("secretsmanager").create_secret(Name="chela/ci-token", SecretString="{}")
        self.secret = str(created["ARN"])

    def _variables(self, name: str) -> dict[str, str]:
        both = {
            "CHELA_PAGURE_URL": self.plan.pagure,
            "CHELA_LEDGER_BUCKET": self.ledger.name,
            "CHELA_REPORTS_QUEUE": self.reports.url,
            **self.plan.variables,
        }
        if name == "report":
            return {"CHELA_TOKEN_SECRET": self.secret, **both}
        return {
            "CHELA_PAGURE_GIT": ",".join(self.plan.git),
            "CHELA_CONFIG": self.config(),
            "CHELA_SOURCES_BUCKET": self.sources.name,
            "CHELA_SOURCES_PREFIX": PREFIX,
            "CHELA_REQUESTS_QUEUE": self.requests.url,
            **both,
        }

    def _set_rules(self, names: policies.Names) -> None:
        events = self.owner("events")
        for name, watched in (("codebuild", "CodeBuildProjectNames"), ("codepipeline", "PipelineNames")):
            # EventBridge takes no pattern with an empty list.
            if not names[watched]:
                continue
            pattern = policies.rule(name, names)
            events.put_rule(Name=f"chela-{name}", EventPattern=json.dumps(pattern))
            events.put_targets(Rule=f"chela-{name}", Targets=[{"Id": "reports", "Arn": self.reports.arn}])

    def _targets(self, service: str) -> set[str]:
        """The names of all that jobs run."""
        found = set(self._granted.get(service, []))
        for projects in self.callers.values():
            for project in projects.values():
                for job, settings in project["jobs"].items():
                    found |= _named(service, job, settings)
        return found


def _sources_of(role: Role) -> policies.Names:
    """Where the sources of `build-hello` and `pipeline-hello` lie: those of the project or pipeline hello."""
    name = role.name.partition("-")[2]
    return {
        "BuildSourcesPrefix": f"{PREFIX}codebuild/{name}/",
        "PipelineSourcesPrefix": f"{PREFIX}codepipeline/{name}/",
    }


def _named(service: str, job: str, settings: Mapping[str, Any]) -> set[str]:
    engine, slash, name = job.partition("/")
    if not slash:
        engine, name = "codebuild", job
    found = {settings.get("name", name)} if engine == service else set()
    # A stranger's build is always CodeBuild's.
    if service == "codebuild" and "untrusted" in settings:
        found.add(settings["untrusted"])
    return found


def _let_in(account: Account, kind: Kind) -> Policy | None:
    """What a function says by itself; with a function URL the callers' own policies are enough."""
    if kind is Kind.FUNCTION_URL:
        return None
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": account.function("chela-trigger"),
        "Condition": {"ArnLike": {"aws:SourceArn": account.arn("execute-api", f"{IDENT}/$default/POST/*")}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
