"""What lies in a bed's Redis, and how to trouble it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chela_bed.machine import Machine
from chela_bed.programs import Role
from chela_bed.waiting import wait_for

CI_QUEUE = "pagure_ci"


class Broker:
    """The messages for the CI worker of one bed."""

    def __init__(self, bed: Machine) -> None:
        self.bed = bed

    def waiting(self) -> int:
        """How many messages no worker has taken yet."""
        return int(self._redis("LLEN", CI_QUEUE))

    def taken(self) -> dict[str, Any]:
        """The messages that a worker has taken and not finished, by their tags."""
        # An empty hash is an empty line.
        lines = [line for line in self._redis("--raw", "HGETALL", "unacked").splitlines() if line]
        messages = {tag: json.loads(message) for tag, message in zip(lines[::2], lines[1::2], strict=True)}
        return {tag: message for tag, (message, _, queue) in messages.items() if queue == CI_QUEUE}

    def arguments(self) -> list[str]:
        """What the taken messages carry, as JSON."""
        return [base64.b64decode(message["body"]).decode() for message in self.taken().values()]

    def await_quiet(self, timeout: float = 60) -> None:
        """Wait until nothing is left to do for the CI worker, now or later."""
        wait_for(lambda: not self.waiting() and not self.taken(), timeout, "the end of all messages for CI")

    def lose_patience(self) -> None:
        """Count all taken messages as lost, as Redis does by itself after the visibility time-out.

        The next worker that connects gets them (kombu's `on_poll_init`).
        """
        tags = self.taken()
        if tags:
            self._redis("ZADD", "unacked_index", "XX", *(part for tag in tags for part in ("1", tag)))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let Redis neither answer nor refuse anybody."""
        pid = self.bed.process(Role.REDIS).pid
        assert pid is not None, "Redis does not run"
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _redis(self, *arguments: str) -> str:
        port = str(self.bed.state.ports["redis"])
        command = ["redis-cli", "-h", "127.0.0.1", "-p", port, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
