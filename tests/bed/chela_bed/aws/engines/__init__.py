"""A stateful stand-in for CodeBuild and CodePipeline: it honours what it is asked, and really builds."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.api import ServiceError
from chela_bed.aws.engines.account import Account
from chela_bed.aws.engines.builds import Build
from chela_bed.aws.engines.clock import Clock
from chela_bed.aws.engines.codebuild import CodeBuild
from chela_bed.aws.engines.events import (
    Event,
    EventBridge,
    Events,
    backwards,
    every,
    of_type,
    shuffled,
)
from chela_bed.aws.engines.floor import Floor
from chela_bed.aws.engines.sources import Fetched, S3Sources, SourceError, Sources

__all__ = [
    "Account",
    "Build",
    "Call",
    "Clock",
    "Engines",
    "Event",
    "EventBridge",
    "Events",
    "Fetched",
    "S3Sources",
    "SourceError",
    "Sources",
    "backwards",
    "every",
    "of_type",
    "shuffled",
]

CALLER = "arn:aws:sts::123456789012:assumed-role/trigger/invocation"


@dataclass(frozen=True)
class Call:
    """One call, and the error it was answered with, if any."""

    service: str
    operation: str
    params: Mapping[str, Any]
    error: str | None


@dataclass
class _Trouble:
    """An error that a test wants."""

    operation: str
    error: ServiceError
    takes_effect: bool


class Engines:
    """Both services; `chela_bed.aws.api.Service` for the front. Use it as a context, or `close` it."""

    def __init__(
        self, sources: Sources, deliver: Callable[[Event], None], account: Account | None = None
    ) -> None:
        self.clock = Clock()
        self.events = Events(deliver)
        self._folder = tempfile.TemporaryDirectory(prefix="chela-engines-", ignore_cleanup_errors=True)
        work = Path(self._folder.name)
        # Builds run as a user of their own.
        work.chmod(0o711)
        self.floor = Floor(account or Account(), self.clock, self.events, sources, work)
        self.codebuild = CodeBuild(self.floor)
        # What was asked, in order.
        self.calls: list[Call] = []
        self._troubles: list[_Trouble] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def handle(
        self, service: str, operation: str, params: Mapping[str, Any], caller: str = CALLER
    ) -> dict[str, Any]:
        """Answer a call with the answer's members, or raise a `ServiceError`."""
        try:
            answer = self._answer(service, operation, params, caller)
        except ServiceError as error:
            self._note(Call(service, operation, params, error.code))
            raise
        self._note(Call(service, operation, params, None))
        return answer

    def fail(
        self, operation: str, code: str, message: str = "", *, status: int = 400, takes_effect: bool = False
    ) -> None:
        """Answer the next call of an operation with an error; with `takes_effect`, after doing it."""
        with self._lock:
            error = ServiceError(code, message or f"{operation} fails: the test wants it", status)
            self._troubles.append(_Trouble(operation, error, takes_effect))

    def close(self) -> None:
        """Stop all that runs, and hand on the last events."""
        self.floor.closing = True
        self.codebuild.close()
        self.events.close()
        self._folder.cleanup()

    def _answer(self, service: str, operation: str, params: Mapping[str, Any], caller: str) -> dict[str, Any]:
        trouble = self._trouble(operation)
        if trouble is not None and not trouble.takes_effect:
            raise trouble.error
        services = {"codebuild": self.codebuild}
        if service not in services:
            raise ServiceError("UnknownOperationException", f"the stand-in does not play {service}")
        answer = services[service].handle(operation, params, caller)
        if trouble is not None:
            raise trouble.error
        return answer

    def _trouble(self, operation: str) -> _Trouble | None:
        with self._lock:
            for trouble in self._troubles:
                if trouble.operation == operation:
                    self._troubles.remove(trouble)
                    return trouble
            return None

    def _note(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)
