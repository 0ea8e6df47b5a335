"""A stateful stand-in for CodeBuild and CodePipeline: it honours what it is asked, and really builds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from chela_bed.aws.account import Account
from chela_bed.aws.api import Members, ServiceError
from chela_bed.aws.engines.builds import Build
from chela_bed.aws.engines.clock import Clock
from chela_bed.aws.engines.codebuild import CodeBuild
from chela_bed.aws.engines.codepipeline import CodePipeline
from chela_bed.aws.engines.events import (
    Event,
    EventBridge,
    Events,
    backwards,
    every,
    of_type,
    shuffled,
)
from chela_bed.aws.engines.executions import Execution
from chela_bed.aws.engines.floor import Floor
from chela_bed.aws.engines.pipelines import PARALLEL, QUEUED, SUPERSEDED, approval, build, source
from chela_bed.aws.engines.sources import Fetched, S3Sources, SourceError, Sources
from chela_bed.paths import BedError

__all__ = [
    "PARALLEL",
    "QUEUED",
    "SUPERSEDED",
    "Account",
    "Build",
    "Clock",
    "Engines",
    "Event",
    "EventBridge",
    "Events",
    "Execution",
    "Fetched",
    "S3Sources",
    "SourceError",
    "Sources",
    "approval",
    "backwards",
    "build",
    "every",
    "of_type",
    "shuffled",
    "source",
]


class Engines:
    """Both services; `chela_bed.aws.api.Service` for the front. Use it as a context, or `close` it."""

    def __init__(
        self, sources: Sources, deliver: Callable[[Event], None], account: Account | None = None
    ) -> None:
        account = account or Account("123456789012")
        # Who asks, where the caller is not named.
        self.caller = account.session("trigger", "invocation")
        self.clock = Clock()
        self.events = Events(deliver)
        self._folder = tempfile.TemporaryDirectory(prefix="chela-engines-", ignore_cleanup_errors=True)
        work = Path(self._folder.name)
        # Builds run as a user of their own.
        work.chmod(0o711)
        self.floor = Floor(account, self.clock, self.events, sources, work)
        self.codebuild = CodeBuild(self.floor)
        self.codepipeline = CodePipeline(self.floor, self.codebuild)

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self.problems:
            raise BedError("the stand-in has failed:\n" + "\n".join(self.problems))

    @property
    def problems(self) -> list[str]:
        """What has gone wrong in the stand-in itself; a test must end without any."""
        return self.floor.problems + [repr(failure) for failure in self.events.failures]

    def handle(self, service: str, operation: str, params: Members, caller: str | None = None) -> Members:
        """Answer a call with the answer's members, or raise a `ServiceError`."""
        services: dict[str, CodeBuild | CodePipeline] = {
            "codebuild": self.codebuild,
            "codepipeline": self.codepipeline,
        }
        if service not in services:
            raise ServiceError("UnknownOperationException", f"the stand-in does not play {service}")
        return services[service].handle(operation, params, caller or self.caller)

    def calm(self) -> None:
        """Hold, lose and double nothing any more."""
        self.codebuild.gates.open_all()
        self.codepipeline.gates.open_all()
        self.events.calm()
        self.events.release()

    def close(self) -> None:
        """Stop all that runs, and hand on the last events."""
        self.floor.begin_end()
        self.codepipeline.close()
        self.codebuild.close()
        self.floor.await_end()
        self.events.close()
        self._folder.cleanup()
