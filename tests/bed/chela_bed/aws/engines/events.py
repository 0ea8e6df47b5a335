"""The way of the events to EventBridge: they can be held back, lost, doubled and brought out of order."""

from __future__ import annotations

import json
import queue
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = dict[str, Any]
Matches = Callable[[Event], bool]
Order = Callable[[list[Event]], list[Event]]


def every(_: Event) -> bool:
    """Each event."""
    return True


def of_type(detail_type: str, **detail: str) -> Matches:
    """Events of a type, whose detail has these values; `_` in a name stands for `-`."""
    wanted = {name.replace("_", "-"): value for name, value in detail.items()}

    def matches(event: Event) -> bool:
        has = event["detail"]
        return event["detail-type"] == detail_type and all(has.get(n) == v for n, v in wanted.items())

    return matches


def backwards(events: list[Event]) -> list[Event]:
    """The last one first."""
    return events[::-1]


def shuffled(seed: int) -> Order:
    """Another order, the same one for the same seed."""

    def order(events: list[Event]) -> list[Event]:
        return random.Random(seed).sample(events, len(events))

    return order


@dataclass
class _Fate:
    """What becomes of events that match: as many copies, as often."""

    matches: Matches
    copies: int
    times: float = float("inf")


@dataclass
class Events:
    """Takes events from the services and hands them to EventBridge, one after the other."""

    deliver: Callable[[Event], None]
    # All that happened, and what of it was handed on, in order.
    emitted: list[Event] = field(default_factory=list)
    delivered: list[Event] = field(default_factory=list)
    # Why some could not be handed on.
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._fates: list[_Fate] = []
        self._holds: list[Matches] = []
        self._held: list[Event] = []
        self._queue: queue.Queue[Event | None] = queue.Queue()
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def hold(self, matches: Matches = every) -> None:
        """Keep matching events back from now on."""
        with self._lock:
            self._holds.append(matches)

    def release(self, order: Order | None = None) -> None:
        """Let all go that is held, in this order, and hold nothing more."""
        with self._lock:
            self._holds.clear()
            held, self._held = self._held, []
            for event in order(held) if order else held:
                self._queue.put(event)

    @property
    def held(self) -> list[Event]:
        """What waits for `release`."""
        with self._lock:
            return list(self._held)

    def lose(self, matches: Matches = every, times: float = float("inf")) -> None:
        """Lose matching events; the first `times` of them."""
        with self._lock:
            self._fates.append(_Fate(matches, 0, times))

    def double(self, matches: Matches = every, times: float = float("inf")) -> None:
        """Hand matching events on twice."""
        with self._lock:
            self._fates.append(_Fate(matches, 2, times))

    def calm(self) -> None:
        """Lose and double nothing any more."""
        with self._lock:
            self._fates.clear()

    def emit(self, event: Event) -> None:
        """Something has happened."""
        with self._lock:
            self.emitted.append(event)
            copies = [event] * self._copies(event)
            if any(matches(event) for matches in self._holds):
                self._held += copies
                return
            for copy in copies:
                self._queue.put(copy)

    def settle(self) -> None:
        """Wait until all that is on its way was handed on; fail if something could not be."""
        self._queue.join()
        if self.failures:
            raise self.failures[0]

    def close(self) -> None:
        """Hand on what is on its way, and end."""
        self._queue.put(None)
        self._worker.join(10)

    def _copies(self, event: Event) -> int:
        for fate in self._fates:
            if fate.times > 0 and fate.matches(event):
                fate.times -= 1
                return fate.copies
        return 1

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self.deliver(event)
                self.delivered.append(event)
            except Exception as error:
                self.failures.append(error)
            finally:
                self._queue.task_done()
        self._queue.task_done()


@dataclass
class EventBridge:
    """Puts events onto the default bus, where the deployed rules decide; moto gives them ids of its own."""

    client: Any

    def __call__(self, event: Event) -> None:
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": event["resources"],
            "Time": datetime.fromisoformat(event["time"].replace("Z", "+00:00")),
        }
        answer = self.client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"EventBridge refused {event['detail-type']}: {answer['Entries']}")
