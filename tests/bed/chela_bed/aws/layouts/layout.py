"""What a `Stack` runs on, whoever has laid it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chela_bed.aws.account import Account
from chela_bed.aws.buckets import Bucket
from chela_bed.aws.clients import Clients
from chela_bed.aws.door import Entrance
from chela_bed.aws.engines import Engines, Event
from chela_bed.aws.function import Settings
from chela_bed.aws.identities import Role
from chela_bed.aws.layouts.keys import Keys
from chela_bed.aws.queues import Queue


@dataclass(frozen=True)
class Feed:
    """How a function is fed from its queue: the mapping, and the queue's visibility time-out."""

    visibility: int
    batch: int
    concurrency: int
    # Whether an answer may name single messages that have failed.
    items: bool = True


class Layout(Protocol):
    """Everything in an account before somebody runs."""

    account: Account
    # The account's owner, past the front.
    owner: Clients
    sources: Bucket
    ledger: Bucket
    requests: Queue
    reports: Queue
    dead_requests: Queue
    dead_reports: Queue
    # Its ARN.
    secret: str
    # Of `trigger` and `report`.
    roles: Mapping[str, Role]
    keys: Keys
    entrance: Entrance

    def function(self, name: str) -> str:
        """What `trigger` or `report` is called."""

    def settings(self, name: str) -> Settings:
        """What it is configured with."""

    def feed(self, name: str) -> Feed:
        """How it is fed."""

    def service_role(self, arn: str) -> Role:
        """A CodeBuild project's or a pipeline's own."""

    def bridge(self) -> Callable[[Event], None]:
        """The way of events to the deployed rules' targets."""

    def sweep(self) -> Any:
        """What the schedule invokes `report` with, if it may."""

    def stock(self, engines: Engines) -> None:
        """Put the deployed projects and pipelines there."""
