"""Processes that outlive the one that started them: a pid file each, stopped by that pid alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chela_bed.paths import BedError
from chela_bed.waiting import wait_for


@dataclass(frozen=True)
class Program:
    """What to run, and the line in its log that says it is ready."""

    command: Sequence[str]
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    # PostgreSQL's TERM waits for its clients to leave; INT sends them away.
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Process:
    """One named process of a bed."""

    name: str
    pids: Path
    logs: Path

    @property
    def log(self) -> Path:
        return self.logs / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Its process id, if that process still runs."""
        try:
            noted = json.loads(self._file.read_text())
        except FileNotFoundError:
            return None
        pid = int(noted["pid"])
        return pid if _started_at(pid) == noted["started"] else None

    def start(self, program: Program, timeout: float = 60) -> None:
        """Start it and wait until its log says that it is ready."""
        self.launch(program)
        self.await_ready(program, timeout)

    def launch(self, program: Program) -> None:
        """Start it and return at once."""
        if self.pid is not None:
            raise BedError(f"{self.name} runs already as process {self.pid}")
        self._mark.write_text(str(self.log.stat().st_size if self.log.exists() else 0))
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                list(program.command),
                env=dict(program.environment),
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        noted = {"pid": child.pid, "started": _started_at(child.pid), "signal": program.stop_signal.value}
        self._file.write_text(json.dumps(noted))

    def await_ready(self, program: Program, timeout: float = 60) -> None:
        """Wait until the log of this start says that it is ready."""

        def ready() -> bool:
            if program.ready in self._fresh_log():
                return True
            if self.pid is None:
                raise BedError(
                    f"{self.name} ended while starting; see {self.log}:\n{self._fresh_log()[-2000:]}"
                )
            return False

        wait_for(ready, timeout, f"{program.ready!r} in {self.log}")

    def stop(self, patience: float = 15) -> None:
        """Ask it to end, wait, then kill its process group."""
        self.ask_to_end()
        self.await_end(patience)

    def await_end(self, patience: float = 15) -> None:
        """Wait for the end that was asked for; then kill its process group."""
        try:
            wait_for(lambda: self.pid is None, patience)
        except TimeoutError:
            self.kill()
        self._file.unlink(missing_ok=True)

    def ask_to_end(self) -> None:
        """Ask it to end, and return at once."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, json.loads(self._file.read_text())["signal"])

    def kill(self) -> None:
        """End it and its children the hard way, as a power failure would."""
        pid = self.pid
        if pid is None:
            raise BedError(f"{self.name} does not run: nothing to kill")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        wait_for(lambda: self.pid is None, 15, f"the end of {self.name}")

    def children(self) -> list[int]:
        """The ids of its children, for killing one of a worker's pool."""
        pid = self.pid
        if pid is None:
            return []
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in found.split()]

    def _fresh_log(self) -> str:
        start = int(self._mark.read_text())
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    @property
    def _file(self) -> Path:
        return self.pids / self.name

    @property
    def _mark(self) -> Path:
        return self.pids / f"{self.name}.log-start"


def free_port() -> int:
    """A port on the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started_at(pid: int) -> str | None:
    """When the process began, in ticks since the machine's start: a pid that is used again differs."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
