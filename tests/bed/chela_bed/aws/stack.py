"""Everything that is deployed for Chela in an AWS account, at work: the functions as they are compiled."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chela_bed.aws.clients import Clients
from chela_bed.aws.cloud import Cloud
from chela_bed.aws.door import Door
from chela_bed.aws.engines import Engines, S3Sources
from chela_bed.aws.evaluator import Access
from chela_bed.aws.front import Front
from chela_bed.aws.function import Function
from chela_bed.aws.identities import Identities, Identity
from chela_bed.aws.layouts import Jobs, Layout, Own, Plan
from chela_bed.aws.pollers import Poller, Source
from chela_bed.aws.queues import Queue
from chela_bed.aws.runtime import Outcome
from chela_bed.aws.serving import Problems
from chela_bed.paths import CHECKOUT, BedError
from chela_bed.waiting import wait_for


class Stack:
    """One deployment; `stop` it at the end, which fails if anything in the bed went wrong.

    It is laid out by the bed, unless `layout` is one that was read back of what a dialect has made.
    """

    def __init__(self, cloud: Cloud, folder: Path, plan: Plan, layout: Layout | None = None) -> None:
        self.plan = plan
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.layout = layout or _lay_out(cloud, plan)
        self.account, self.owner = self.layout.account, self.layout.owner
        self.sources, self.ledger = self.layout.sources, self.layout.ledger
        self.requests, self.reports = self.layout.requests, self.layout.reports
        self.dead_requests, self.dead_reports = self.layout.dead_requests, self.layout.dead_reports
        self.secret, self.roles = self.layout.secret, self.layout.roles
        self.tokens: dict[str, str] = {}
        self.identities = Identities()
        self.problems: Problems = []
        self.keeper, self.evaluator = cloud.keeper, cloud.evaluator
        self.front = Front(
            self.account,
            cloud.moto.port,
            cloud.evaluator,
            self.identities,
            self._secret,
            self.layout.keys,
            self.problems,
        )
        self.calls, self.faults = self.front.calls, self.front.faults
        self.engines = Engines(
            S3Sources(lambda role: self.service_role(role)("s3")),
            self.layout.bridge(),
            self.account,
        )
        self.layout.stock(self.engines)
        self.front.services = {"codebuild": self.engines, "codepipeline": self.engines}
        self.trigger = self._function("trigger", plan.trigger)
        self.report = self._function("report", plan.report)
        self.door = Door(
            self.account,
            self.identities,
            cloud.evaluator,
            self.layout.entrance,
            self.trigger.try_invoke,
            self.problems,
            plan.port,
        )
        self.requests_poller = self._poll(self.requests, self.trigger, "trigger")
        self.reports_poller = self._poll(self.reports, self.report, "report")

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Who calls, and for what.

    @property
    def own(self) -> Own:
        """The layout that may grow; what a dialect has deployed is as it is."""
        assert isinstance(self.layout, Own), "a stack that was deployed has the callers that it has"
        return self.layout

    @property
    def callers(self) -> dict[str, Jobs]:
        """Who may have what built."""
        return self.own.callers

    def add_caller(self, name: str, jobs: Jobs) -> Identity:
        """An IAM user for projects of Pagure, and what they may have built; the key for Pagure's form."""
        identity = self.own.add_caller(self.identities, name, jobs)
        self.trigger.settings.variables["CHELA_CONFIG"] = self.config()
        self.trigger.retire()
        return identity

    def config(self) -> str:
        """The map of callers, as the variable CHELA_CONFIG has it."""
        return self.own.config()

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
        self.own.grant(**more)

    def may(self, identity: Identity, access: Access) -> bool:
        """Whether somebody's own policies allow it."""
        policies = identity.role.policies
        return self.evaluator.allows(identity.arn, policies, self.account.number, access)

    def service_role(self, arn: str) -> Clients:
        """A project's or a pipeline's own role at work, such as `.../role/build-hello`, through the front."""
        role = self.layout.service_role(arn)
        session = self.identities.session(role, self.account.session(role.name, "service"))
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
        return self.report.invoke(self.layout.sweep())

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

    def _function(self, name: str, command: Sequence[str]) -> Function:
        return Function(
            self.layout.function(name),
            command or [str(_binary(name))],
            self.roles[name],
            self.account,
            self.identities,
            self.front.url,
            self.folder / name,
            self.problems,
            self.keeper,
            self.layout.settings(name),
        )

    def _poll(self, queue: Queue, function: Function, name: str) -> Poller:
        feed = self.layout.feed(name)
        source = Source(
            queue.name, queue.arn, queue.address, feed.visibility, feed.batch, feed.concurrency, feed.items
        )
        return Poller(
            source, self.owner("sqs"), self.front.pace, self.account, function.invoke, self.problems
        )

    def _write_secret(self, text: str) -> None:
        self.owner("secretsmanager").put_secret_value(SecretId=self.secret, SecretString=text)

    def _secret(self, name: str) -> str | None:
        return self.secret if name == "chela/ci-token" else None


def _lay_out(cloud: Cloud, plan: Plan) -> Own:
    account = cloud.account()
    # As the account's owner, past the front.
    return Own(account, Clients(cloud.moto.url, account), plan)


def _binary(name: str) -> Path:
    built = Path(os.environ.get(f"CHELA_{name.upper()}", CHECKOUT / "target" / "debug" / name))
    if not built.exists():
        raise BedError(f"{built} is missing; `cargo build -p chela-lambda` makes it")
    return built
