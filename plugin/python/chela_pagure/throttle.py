"""How long a URL rests and what a project has used, shared by a worker's processes.

The memory is made before the fork and survives it; nothing in it needs a lock, because a lost
update costs one attempt and no more.
"""

from __future__ import annotations

import mmap
import secrets
import time

from chela_pagure import _core

_SLOTS = 4096


class _Table:
    """Numbers by key. Two keys of one slot take turns: whoever comes later finds zeros."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._secret = secrets.randbits(63)
        self._numbers = memoryview(mmap.mmap(-1, _SLOTS * 8 * (columns + 1))).cast("q")

    def read(self, key: str) -> list[int]:
        """The key's numbers."""
        at, tag = self._place(key)
        found = self._numbers[at : at + self._columns + 1].tolist()
        return found[1:] if found[0] == tag else [0] * self._columns

    def write(self, key: str, *numbers: int) -> None:
        """Replace the key's numbers."""
        at, tag = self._place(key)
        for offset, number in enumerate((tag, *numbers)):
            self._numbers[at + offset] = number

    def _place(self, key: str) -> tuple[int, int]:
        slot, tag = _core.slot(key, _SLOTS, self._secret)
        return slot * (self._columns + 1), tag


class Throttle:
    """Milliseconds since 1970 until which a URL rests and a project has paid."""

    def __init__(self) -> None:
        self._urls = _Table(columns=2)
        self._projects = _Table(columns=1)

    def wait(self, url: str, project_id: int) -> int:
        """How long the next attempt should wait, in milliseconds."""
        rests_until, _ = self._urls.read(url)
        (paid_until,) = self._projects.read(str(project_id))
        return _core.wait(_now(), rests_until, paid_until)

    def record(self, url: str, project_id: int, took: float, *, failed: bool) -> None:
        """Note an attempt that took so many seconds."""
        if failed:
            _, failures = self._urls.read(url)
            self._urls.write(url, _core.after_failure(_now(), failures + 1), failures + 1)
        else:
            self._urls.write(url, 0, 0)
        (paid_until,) = self._projects.read(str(project_id))
        paid = _core.after_attempt(_now(), paid_until, int(took * 1000))
        self._projects.write(str(project_id), paid)


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
