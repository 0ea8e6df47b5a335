"""How long a URL rests and what a project has used, shared by a worker's processes.

The memory is made before the fork and survives it; nothing in it needs a lock, because a lost
update costs one attempt and no more.
"""

from __future__ import annotations

import mmap
import time

from chela_pagure import _core

_SLOTS = 4096


class Throttle:
    """Milliseconds since 1970 until which a URL rests and a project has paid."""

    def __init__(self) -> None:
        numbers = memoryview(mmap.mmap(-1, _SLOTS * 8 * 3)).cast("q")
        self._rests = numbers[:_SLOTS]
        self._failures = numbers[_SLOTS : 2 * _SLOTS]
        self._paid = numbers[2 * _SLOTS :]

    def wait(self, url: str, project_id: int) -> int:
        """How long the next attempt should wait, in milliseconds."""
        return _core.wait(_now(), self._rests[_slot(url)], self._paid[_slot(str(project_id))])

    def record(self, url: str, project_id: int, took: float, *, failed: bool) -> None:
        """Note an attempt that took so many seconds."""
        rests, pays = _slot(url), _slot(str(project_id))
        failures = self._failures[rests] + 1 if failed else 0
        self._failures[rests] = failures
        self._rests[rests] = _core.after_failure(_now(), failures) if failed else 0
        self._paid[pays] = _core.after_attempt(_now(), self._paid[pays], int(took * 1000))


def _slot(key: str) -> int:
    return _core.slot(key, _SLOTS)


def _now() -> int:
    return time.time_ns() // 1_000_000


_shared: Throttle | None = None


def prepare() -> None:
    """Make the memory; to be called before the worker forks."""
    global _shared  # noqa: PLW0603
    _shared = _shared or Throttle()


def shared() -> Throttle:
    """The memory of this worker."""
    prepare()
    assert _shared is not None  # noqa: S101
    return _shared
