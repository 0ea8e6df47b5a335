"""A buildspec that really runs, with the project's own runner."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.paths import CHECKOUT, BedError


def program() -> Path:
    """The runner's example that takes an order and tells what happens."""
    found = Path(os.environ.get("CHELA_STAGED", CHECKOUT / "target/debug/examples/staged"))
    if not found.exists():
        raise BedError(f"{found} is missing: run `cargo build -p chela-runner --example staged`")
    return found


@dataclass(frozen=True)
class Order:
    """What to run, in a folder with the tree in `source`."""

    folder: Path
    # {"file": path} in the tree, or {"text": all of it}.
    buildspec: Mapping[str, str]
    variables: Mapping[str, str]

    def line(self) -> str:
        """As the program reads it."""
        members = {"buildspec": dict(self.buildspec), "variables": dict(self.variables)}
        return json.dumps({"folder": str(self.folder), **members}) + "\n"


class Run:
    """A build's commands: prepared, then begun, then over or stopped."""

    def __init__(self, order: Order) -> None:
        self._errors = order.folder / "errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(program())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._say(order.line())
        self._last: dict[str, Any] = {}

    def refusal(self) -> str | None:
        """Why there is no buildspec to follow, if so."""
        self._last = self._next() or {}
        if self._last.get("event") == "refused":
            return str(self._last["message"])
        self._expect("ready")
        return None

    def events(self) -> Iterator[dict[str, Any]]:
        """Begin, and tell what happens up to `finished`; nothing, if it was stopped before."""
        self._say("go\n")
        while event := self._next():
            self._last = event
            yield event
        self._expect("finished", "ready")

    def stop(self) -> None:
        """End the commands; what has happened by then is still told."""
        with contextlib.suppress(OSError):
            self._in.close()

    def close(self) -> None:
        """End it, and wait for that."""
        self.stop()
        self._process.wait()
        self._out.close()

    def _next(self) -> dict[str, Any] | None:
        line = self._out.readline()
        event: dict[str, Any] | None = json.loads(line) if line else None
        return event

    def _expect(self, *events: str) -> None:
        if self._last.get("event") not in events:
            raise BedError(f"the runner broke: {self._errors.read_text(errors='replace')}")

    def _say(self, line: str) -> None:
        # It may have been stopped already.
        with contextlib.suppress(OSError, ValueError):
            self._in.write(line)
            self._in.flush()
