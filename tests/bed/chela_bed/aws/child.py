"""A helper process of a bed, which ends when its standard input does: with this process at the latest."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from chela_bed.paths import BedError


class Child:
    """A running helper that is spoken to by lines."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment),
                cwd=folder,
            )

    def say(self, line: bytes) -> None:
        """Write a line to its standard input."""
        self._pipe(self._process.stdin).write(line + b"\n")
        self._pipe(self._process.stdin).flush()

    def hear(self) -> bytes:
        """Read a line of its standard output; empty at its end."""
        return self._pipe(self._process.stdout).readline()

    def expect(self) -> bytes:
        """Read a line that has to come."""
        line = self.hear()
        if not line:
            raise BedError(f"{self._process.args!r} ended while starting:\n{self.log.read_text()[-3000:]}")
        return line

    def stop(self) -> None:
        """Close its input, and wait for its end; kill it if it takes too long."""
        self._pipe(self._process.stdin).close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None, "the process was started with pipes"
        return pipe
