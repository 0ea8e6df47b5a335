"""The time of the services, which tests move forward: five minutes pass in a call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone


class Clock:
    """Runs like the machine's, and ahead of it by what was added."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self._ahead

    def advance(self, **time: float) -> None:
        """Let time pass, as `advance(minutes=5)`; what is due then happens."""
        with self._lock:
            self._ahead += timedelta(**time)
        for listener in list(self._listeners):
            listener()

    def each_advance(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever time was added."""
        self._listeners.append(listener)


def seconds(time: datetime) -> float:
    """A time as the services' JSON has it: seconds since 1970, with milliseconds."""
    return round(time.timestamp(), 3)
