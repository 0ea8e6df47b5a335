"""What a dialect has deployed, read back by the services' own API: a `Stack` then runs on that alone.

What differs from an account is this, and nothing else:

- Pagure is on the loopback address. The stack is told so by its own input (`pagure_url`, `pagure_git`).
- The functions reach AWS at `AWS_ENDPOINT_URL`, and are processes of the binaries that were built, for the
  zips that were deployed are empty.
- The front door listens on the loopback address, and not where the stack's output `form` says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.aws.buckets import Bucket
from chela_bed.aws.clients import Clients
from chela_bed.aws.door import Kind
from chela_bed.aws.engines import Engines, Event, EventBridge
from chela_bed.aws.engines.projects import CODEPIPELINE, BuildProject
from chela_bed.aws.evaluator import Access, Evaluator
from chela_bed.aws.function import Settings
from chela_bed.aws.identities import Identities, Identity, Role
from chela_bed.aws.layouts import doors
from chela_bed.aws.layouts.found import Functions, keys_of, queue_of
from chela_bed.aws.layouts.keys import Keys
from chela_bed.aws.layouts.layout import Feed
from chela_bed.aws.layouts.people import People
from chela_bed.aws.layouts.rules import Rules
from chela_bed.aws.used import USES
from chela_bed.paths import BedError

FUNCTIONS = ("trigger", "report")


class ReadBack:
    """Fails with a `BedError` where AWS itself would not work with what is there."""

    def __init__(self, clients: Clients, evaluator: Evaluator, prefix: str = "chela") -> None:
        self.owner, self.account = clients, clients.account
        self._evaluator, self._prefix = evaluator, prefix
        self.people = People(clients("iam"))
        self.functions = Functions(clients("lambda"), prefix)
        self._find_places()
        self.roles: Mapping[str, Role] = {
            name: self.people.role(self.functions.role(name), name) for name in FUNCTIONS
        }
        self.keys: Keys = keys_of(clients, self.sources, self.ledger, self.secret, self._queues())
        self.entrance = doors.entrance(clients, self.function("trigger"))
        self._service_roles: dict[str, Role] = {}
        self._check_functions()

    def function(self, name: str) -> str:
        """What `trigger` or `report` is called."""
        return f"{self._prefix}-{name}"

    def settings(self, name: str) -> Settings:
        """As it was deployed."""
        return self.functions.settings(name)

    def feed(self, name: str) -> Feed:
        """As it was deployed."""
        return self.functions.feed(name, self.requests if name == "trigger" else self.reports)

    def service_role(self, arn: str) -> Role:
        """A project's or a pipeline's."""
        if arn not in self._service_roles:
            raise BedError(f"{arn} is the role of no project and of no pipeline that was deployed")
        return self._service_roles[arn]

    def bridge(self) -> Callable[[Event], None]:
        """Over the deployed rules into the queues that let them in."""
        return Rules(self.owner, self._evaluator, self.keys, EventBridge(self.owner("events")))

    def sweep(self) -> Any:
        """The schedule invokes `report` with the rights of its own role."""
        schedule = self.owner("scheduler").get_schedule(Name=f"{self._prefix}-sweep")
        target, group = schedule["Target"], f"schedule-group/{schedule['GroupName']}"
        if schedule["State"] != "ENABLED" or target["Arn"] != self.account.function(self.function("report")):
            raise BedError(f"the schedule invokes nothing of ours: {schedule}")
        service = "scheduler.amazonaws.com"
        self._check_trust(target["RoleArn"], service, self.account.arn("scheduler", group))
        role = self.people.role(target["RoleArn"], "sweep")
        self._check(role, Access("lambda:InvokeFunction", target["Arn"]), service)
        return json.loads(target["Input"])

    def stock(self, engines: Engines) -> None:
        """The samples, with their roles."""
        engines.floor.may = self._may
        codebuild, codepipeline = self.owner("codebuild"), self.owner("codepipeline")
        names = codebuild.list_projects()["projects"]
        for told in codebuild.batch_get_projects(names=names)["projects"] if names else ():
            project = engines.codebuild.adopt(BuildProject.described(told))
            kind = "pipeline-build" if project.source["type"] == CODEPIPELINE else "build"
            self._employ(project.role, kind, "codebuild.amazonaws.com", told["arn"])
        for each in codepipeline.list_pipelines()["pipelines"]:
            told = codepipeline.get_pipeline(name=each["name"])["pipeline"]
            declared = {name: member for name, member in told.items() if name != "version"}
            pipeline = engines.codepipeline.adopt(declared, stores=True)
            arn = self.account.arn("codepipeline", pipeline.name)
            self._employ(pipeline.role, "pipeline", "codepipeline.amazonaws.com", arn)

    # Who calls.

    @property
    def config(self) -> Any:
        """The map of callers: inline, or an object."""
        text = self.settings("trigger").variables["CHELA_CONFIG"]
        if not text.startswith("s3://"):
            return json.loads(text)
        bucket, _, key = text.removeprefix("s3://").partition("/")
        return json.loads(self.owner("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def caller(self, identities: Identities, project: str) -> Identity:
        """Who asks for a project of Pagure's, with a new key."""
        arns = [arn for arn, projects in self.config["callers"].items() if project in projects]
        (arn,) = arns
        kind = "caller" if self.entrance.kind is Kind.FUNCTION_URL else "caller-http-api"
        return self.people.key(identities, arn, kind)

    # How it is read.

    def _find_places(self) -> None:
        trigger, report = (self.functions.variables(name) for name in FUNCTIONS)
        s3, sqs = self.owner("s3"), self.owner("sqs")
        self.sources = Bucket(trigger["CHELA_SOURCES_BUCKET"], s3)
        self.ledger = Bucket(trigger["CHELA_LEDGER_BUCKET"], s3)
        self.secret = report["CHELA_TOKEN_SECRET"]
        self.requests, self.dead_requests = queue_of(sqs, self.functions.source("trigger"))
        self.reports, self.dead_reports = queue_of(sqs, self.functions.source("report"))

    def _queues(self) -> list[Any]:
        return [self.requests, self.reports, self.dead_requests, self.dead_reports]

    def _check_functions(self) -> None:
        """Lambda has to become their roles, read their queues and write their logs."""
        service = "lambda.amazonaws.com"
        for name, queue in zip(FUNCTIONS, (self.requests, self.reports), strict=True):
            self._check_trust(self.functions.role(name), service, None)
            for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
                self._check(self.roles[name], Access(f"sqs:{action}", queue.arn), service)
            named = [Access("sqs:ReceiveMessage", queue.arn)]
            for access in self.keys.needed(self.account, "sqs:ReceiveMessage", named):
                self._check(self.roles[name], access, service)
            group = f"log-group:{self.functions.log_group(name)}:log-stream:2026"
            for action in ("CreateLogStream", "PutLogEvents"):
                self._check(
                    self.roles[name], Access(f"logs:{action}", self.account.arn("logs", group)), service
                )

    def _employ(self, arn: str, kind: str, service: str, source: str) -> None:
        self._check_trust(arn, service, source)
        self._service_roles[arn] = self.people.role(arn, kind)

    def _check_trust(self, arn: str, service: str, source: str | None) -> None:
        context = {"aws:SourceAccount": self.account.number, **({"aws:SourceArn": source} if source else {})}
        access, number = Access("sts:AssumeRole", arn, context), self.account.number
        if not self._evaluator.allows(service, [], number, access, self.people.trust(arn)):
            raise BedError(f"{arn} does not trust {service} for {source or 'anything'}")

    def _may(self, arn: str, action: str, resource: str) -> bool:
        role, access = self.service_role(arn), Access(action, resource)
        if not self._allows(role, access, "service"):
            return False
        USES.note(role.kind, [access])
        return True

    def _check(self, role: Role, access: Access, session: str) -> None:
        if not self._allows(role, access, session):
            raise BedError(f"{session} wants {access}, and {role.name} may not")
        USES.note(role.kind, [access])

    def _allows(self, role: Role, access: Access, session: str) -> bool:
        arn, number = self.account.session(role.name, session), self.account.number
        own = self.keys.policy(access.resource)
        return self._evaluator.allows(arn, role.policies, number, access, own)
