"""What all builds share: the lock, the clock, the way of events, and what tests have asked for."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chela_bed.aws.account import Account
from chela_bed.aws.engines.clock import Clock
from chela_bed.aws.engines.events import Events
from chela_bed.aws.engines.sources import Sources


@dataclass
class Floor:
    """Where builds and executions run."""

    account: Account
    clock: Clock
    events: Events
    sources: Sources
    # A folder that the builds' user can pass.
    work: Path
    # Guards all state; whatever changes is announced.
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False


@dataclass
class Gates:
    """Doors that a test shuts: a build of a project before a phase, an execution before a stage."""

    changed: threading.Condition
    _shut: set[tuple[str, str]] = field(default_factory=set)
    _waiting: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def shut(self, name: str, place: str) -> None:
        """Let nothing of `name` pass there from now on."""
        with self.changed:
            self._shut.add((name, place))

    def open(self, name: str, place: str) -> None:
        """Let all pass again."""
        with self.changed:
            self._shut.discard((name, place))
            self.changed.notify_all()

    def is_shut(self, name: str, place: str) -> bool:
        return (name, place) in self._shut

    @contextlib.contextmanager
    def at(self, name: str, place: str) -> Iterator[None]:
        """Somebody stands there meanwhile."""
        with self.changed:
            self._waiting[(name, place)] += 1
            self.changed.notify_all()
            try:
                yield
            finally:
                self._waiting[(name, place)] -= 1

    def await_waiter(self, name: str, place: str, timeout: float = 30) -> None:
        """Wait until somebody stands before the shut door."""
        with self.changed:
            if not self.changed.wait_for(lambda: self._waiting[(name, place)] > 0, timeout):
                raise TimeoutError(f"nothing of {name} came to {place}")
