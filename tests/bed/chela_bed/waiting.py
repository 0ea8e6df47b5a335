"""Waiting for events, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.05


def wait_for(predicate: Callable[[], T | None], timeout: float = 30, what: str = "") -> T:
    """Return the first truthy answer of `predicate`; fail with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s in vain for {what or 'an event'}; last seen: {answer!r}")
        time.sleep(INTERVAL)
