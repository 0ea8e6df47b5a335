"""Stops a worker at its next write, by a lock in PostgreSQL that a test holds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from chela_bed.bed import Bed
from chela_bed.paths import BED, Installation
from chela_bed.programs import environment
from chela_bed.project import Project

FLAGS = "SELECT 1 FROM hook_pagure_ci WHERE project_id = :project FOR UPDATE"


@dataclass(frozen=True)
class Lock:
    """A lock that is held."""

    said: IO[str]

    def await_waiter(self) -> None:
        """Wait until somebody cannot go on because of it."""
        _expect(self.said, "waits")


@contextmanager
def no_flag_is_written(bed: Bed, project: Project) -> Iterator[Lock]:
    """Hold the row that every change of the project's flags locks first."""
    parameters = json.dumps({"project": bed.project_id(project)})
    with subprocess.Popen(
        [Installation().python, BED / "inside/hold.py", bed.state.database_url, FLAGS, parameters],
        env=environment(bed.folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin and holder.stdout
        try:
            _expect(holder.stdout, "held")
            yield Lock(holder.stdout)
        finally:
            holder.stdin.close()


def _expect(said: IO[str], word: str) -> None:
    line = said.readline().strip()
    assert line == word, f"the lock's holder said {line!r} instead of {word!r}"
