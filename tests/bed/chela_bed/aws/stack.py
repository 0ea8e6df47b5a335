"""Everything that is deployed for Chela in an AWS account, and the functions as they are compiled."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chela_bed.aws import policies
from chela_bed.aws.buckets import Bucket
from chela_bed.aws.clients import Clients
from chela_bed.aws.cloud import Cloud
from chela_bed.aws.door import IDENT, Door, Kind
from chela_bed.aws.engines import Engines, EventBridge, S3Sources
from chela_bed.aws.front import Front
from chela_bed.aws.function import Function, Settings
from chela_bed.aws.identities import Identities, Identity, Role
from chela_bed.aws.pollers import Poller, Source
from chela_bed.aws.queues import Queue
from chela_bed.aws.runtime import Outcome
from chela_bed.aws.serving import Problems
from chela_bed.paths import CHECKOUT, BedError
from chela_bed.waiting import wait_for

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


class Stack:
    """One deployment; `stop` it at the end, which fails if anything in the bed went wrong."""

    def __init__(self, cloud: Cloud, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.account = cloud.account()
        self.identities = Identities()
        self.problems: Problems = []
        self.keeper = cloud.keeper
        # As the account's owner, past the front.
        self.owner = Clients(cloud.moto.url, self.account)
        self._lay_out()
        self.front = Front(
            self.account, cloud.moto.port, cloud.evaluator, self.identities, self._secret, self.problems
        )
        self.calls, self.faults = self.front.calls, self.front.faults
        self.engines = Engines(self._source_bucket(), EventBridge(self.owner("events")), self.account)
        self.front.services = {"codebuild": self.engines, "codepipeline": self.engines}
        self.roles = {name: Role(f"chela-{name}", (), name) for name in ("trigger", "report")}
        self._policies_of: dict[str, tuple[Role, str]] = {
            name: (role, name) for name, role in self.roles.items()
        }
        self.trigger = self._function("trigger", plan.trigger, 300)
        self.report = self._function("report", plan.report, 60)
        self.grant()
        self.door = Door(
            self.account,
            self.identities,
            cloud.evaluator,
            self.trigger.name,
            self.trigger.try_invoke,
            self.problems,
            plan.kind,
            plan.port,
        )
        self.requests_poller = self._poll(self.requests, self.trigger, visibility=360, batch=1)
        self.reports_poller = self._poll(self.reports, self.report, visibility=90, batch=plan.reports_batch)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Who calls, and for what.

    def add_caller(self, name: str, jobs: Jobs) -> Identity:
        """An IAM user for projects of Pagure, and what they may have built; the key for Pagure's form."""
        policy = "caller" if self.plan.kind is Kind.FUNCTION_URL else "caller-http-api"
        role = Role(name, (), policy)
        identity = self.identities.user(role, self.account.user(name))
        self._policies_of[f"user {name}"] = (role, policy)
        self.callers[identity.arn] = dict(jobs)
        self.grant()
        self.trigger.settings.variables["CHELA_CONFIG"] = self.config()
        self.trigger.retire()
        return identity

    def config(self) -> str:
        """The map of callers, as the variable CHELA_CONFIG has it."""
        return json.dumps({"callers": self.callers})

    def set_token(self, token: str, project: str | None = None) -> None:
        """Write a CI token into the secret: the bare token of all projects, or one project's."""
        if project is None:
            self._write_secret(token)
        else:
            self.tokens[project] = token
            self._write_secret(json.dumps(self.tokens))

    def grant(self, **more: Sequence[str]) -> None:
        """Fill the policies and rules in again; `more` are targets that no job names: `codebuild=[...]`,
        `codepipeline=[...]`, or `pipeline_sources=["bucket/key"]` of source actions without an override."""
        for kind, found in more.items():
            self._granted.setdefault(kind, []).extend(found)
        names = self.names()
        for role, policy in self._policies_of.values():
            role.policies = [policies.policy(policy, names)]
        self._set_rules(names)

    def service_role(self, arn: str) -> Clients:
        """A project's or a pipeline's own role at work, such as `.../role/build-hello`, through the front."""
        name = arn.rpartition("/")[2]
        if name not in self._policies_of:
            policy = "pipeline" if name.startswith("pipeline") else "build"
            self._policies_of[name] = (Role(name, (), policy), policy)
            self.grant()
        role = self._policies_of[name][0]
        session = self.identities.session(role, self.account.session(name, "service"))
        return Clients(self.front.url, self.account, session)

    def as_role(self, name: str) -> Clients:
        """The hands of `trigger` or `report`, for tests of the policies."""
        role = self.roles[name]
        session = self.identities.session(role, self.account.session(role.name, "test"))
        return Clients(self.front.url, self.account, session)

    # What happens.

    def put_event(self, source: str, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Let something be told to EventBridge by hand."""
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
        answer = self.owner("events").put_events(Entries=[entry])
        assert not answer["FailedEntryCount"], answer

    def sweep(self) -> Outcome:
        """What EventBridge Scheduler does every few minutes."""
        return self.report.invoke({"type": "sweep"})

    def settle(self, timeout: float = 60) -> None:
        """Wait until no queue has a message for a function, and none is in hand."""
        queues = (self.requests, self.reports)
        wait_for(lambda: not any(queue.count() for queue in queues), timeout, "the end of all messages")

    def stop(self) -> None:
        """Stop everything; fails if the bed itself had a problem."""
        self.door.stop()
        self.front.faults.clear()
        for poller in (self.requests_poller, self.reports_poller):
            poller.begin_end()
        for function in (self.trigger, self.report):
            function.stop()
        for poller in (self.requests_poller, self.reports_poller):
            poller.stop()
        self.engines.close()
        self.problems += self.engines.problems
        self.front.stop()
        if self.problems:
            raise BedError("the bed has failed:\n" + "\n".join(self.problems))

    # How it is laid out.

    def names(self) -> policies.Names:
        """What the placeholders in `infra/` stand for."""
        builds, pipelines = sorted(self._targets("codebuild")), sorted(self._targets("codepipeline"))
        account = self.account
        return {
            "Region": account.region,
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

    def _source_bucket(self) -> S3Sources:
        """Builds fetch their sources with their project's own role."""
        return S3Sources(lambda role: self.service_role(role)("s3"))

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
        self.tokens: dict[str, str] = {}
        created = self.owner("secretsmanager").create_secret(Name="chela/ci-token", SecretString="{}")
        self.secret = str(created["ARN"])
        self.callers: dict[str, Jobs] = {}
        self._granted: dict[str, list[str]] = {}

    def _function(self, name: str, command: Sequence[str], timeout: float) -> Function:
        return Function(
            f"chela-{name}",
            command or [str(_binary(name))],
            self.roles[name],
            self.account,
            self.identities,
            self.front.url,
            self.folder / name,
            self.problems,
            self.keeper,
            Settings(self._variables(name), timeout, concurrency=10),
        )

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

    def _poll(self, queue: Queue, function: Function, *, visibility: int, batch: int) -> Poller:
        source = Source(queue.name, queue.arn, queue.address, visibility, batch, self.plan.concurrency)
        return Poller(
            source, self.owner("sqs"), self.front.pace, self.account, function.invoke, self.problems
        )

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

    def _write_secret(self, text: str) -> None:
        self.owner("secretsmanager").put_secret_value(SecretId=self.secret, SecretString=text)

    def _secret(self, name: str) -> str | None:
        return self.secret if name == "chela/ci-token" else None


def _named(service: str, job: str, settings: Mapping[str, Any]) -> set[str]:
    engine, slash, name = job.partition("/")
    if not slash:
        engine, name = "codebuild", job
    found = {settings.get("name", name)} if engine == service else set()
    # A stranger's build is always CodeBuild's.
    if service == "codebuild" and "untrusted" in settings:
        found.add(settings["untrusted"])
    return found


def _binary(name: str) -> Path:
    built = Path(os.environ.get(f"CHELA_{name.upper()}", CHECKOUT / "target" / "debug" / name))
    if not built.exists():
        raise BedError(f"{built} is missing; `cargo build -p chela-lambda` makes it")
    return built
