"""What all builds share: the lock, the clock, the way of events, and what tests have asked for."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chela_bed.aws.account import Account
from chela_bed.aws.engines.clock import Clock
from chela_bed.aws.engines.events import Events
from chela_bed.aws.engines.sources import Sources

# Whether a service role, by its ARN, may do something: action and resource.
May = Callable[[str, str, str], bool]


def anything(_role: str, _action: str, _resource: str) -> bool:
    """Roles of tests may do what the services do in their name."""
    return True


@dataclass
class Floor:
    """Where builds and executions run."""

    account: Account
    clock: Clock
    events: Events
    sources: Sources
    # A folder that the builds' user can pass.
    work: Path
    may: May = anything
    # Guards all state; whatever changes is announced.
    changed: threading.Condition = field(default_factory=threading.Condition)
    # What has gone wrong in the stand-in itself.
    problems: list[str] = field(default_factory=list)
    closing: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)

    def spawn(self, work: Callable[[], None]) -> threading.Thread:
        """Begin something that ends by itself once the floor is closing."""
        thread = threading.Thread(target=self._work, args=(work,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def begin_end(self) -> None:
        """Nothing new begins, and no gate holds any more."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()

    def await_end(self, patience: float = 30) -> None:
        """Wait until all that was begun is over."""
        end = time.monotonic() + patience
        for thread in list(self._threads):
            thread.join(max(0, end - time.monotonic()))
            if thread.is_alive():
                self.problems.append(f"{thread.name} of the stand-in does not end")

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            self.problems.append(traceback.format_exc())


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

    def open_all(self) -> None:
        """Let everything pass everywhere."""
        with self.changed:
            self._shut.clear()
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
