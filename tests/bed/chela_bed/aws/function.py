"""A Lambda function: as many processes as it needs at once, and what they log."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.identities import Identities, Identity, Role
from chela_bed.aws.keeper import Keeper
from chela_bed.aws.runtime import Environment, Outcome
from chela_bed.aws.serving import Problems
from chela_bed.waiting import wait_for

TOO_MANY = "Rate Exceeded: the function's concurrency is used up"


@dataclass
class Settings:
    """What the function is configured with; changes hold for processes that start later."""

    variables: dict[str, str] = field(default_factory=dict)
    timeout: float = 300
    # Fresh accounts have ten.
    concurrency: int = 10
    memory: int = 256


@dataclass
class Log:
    """What the processes of a function said, in its order."""

    file: Path
    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.lines.append(line)
        with self.file.open("a") as log:
            log.write(f"{line}\n")

    def entries(self, **members: object) -> list[dict[str, Any]]:
        """The lines that are JSON, and have these members."""
        found = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        return [entry for entry in found if all(entry.get(name) == value for name, value in members.items())]


class Function:
    """One function. Its role's temporary credentials differ from process to process, as in AWS."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        role: Role,
        account: Account,
        identities: Identities,
        endpoint: str,
        folder: Path,
        problems: Problems,
        keeper: Keeper,
        settings: Settings | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.role = role
        self.settings = settings or Settings()
        self.outcomes: list[Outcome] = []
        self._account = account
        self._identities = identities
        self._endpoint = endpoint
        self._folder = folder
        self._problems = problems
        self._keeper = keeper
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.log = Log(folder / "log")
        self._idle: list[Environment] = []
        self._busy: list[Environment] = []
        self._changed = threading.Condition()
        self._started = 0

    @property
    def arn(self) -> str:
        """Its name in policies and events."""
        return self._account.function(self.name)

    def invoke(self, event: Any) -> Outcome:
        """Invoke it, and wait; begins a process if none is idle, and waits for one if that is too many."""
        environment = self._reserve(wait=True)
        assert environment, "waited for"
        return self._use(environment, event)

    def try_invoke(self, event: Any) -> Outcome:
        """Invoke it as somebody who waits for an answer does: when all is busy, that is the outcome."""
        environment = self._reserve(wait=False)
        return self._use(environment, event) if environment else Outcome(error=TOO_MANY)

    def running(self) -> list[int]:
        """Its processes."""
        with self._changed:
            return [each.pid for each in self._idle + self._busy if each.alive]

    def retire(self) -> None:
        """End the idle processes: the next invocation is a cold start, with the settings of now."""
        with self._changed:
            retired, self._idle = self._idle, []
        for environment in retired:
            environment.stop()

    def kill(self) -> None:
        """Kill every process (`kill -9`)."""
        with self._changed:
            doomed = self._idle + self._busy
        for environment in doomed:
            environment.kill()

    def stop(self) -> None:
        """End every process, and wait for those who wait for them."""
        wait_for(self._killed, 30, f"the end of {self.name}'s invocations")
        self.retire()

    def _killed(self) -> bool:
        # Whoever waited for a place may just have got one.
        self.kill()
        return not self._busy

    def _reserve(self, *, wait: bool) -> Environment | None:
        with self._changed:
            while True:
                environment = self._take_idle()
                if environment is None and len(self._busy) < self.settings.concurrency:
                    environment = self._start()
                if environment:
                    self._busy.append(environment)
                    return environment
                if not wait:
                    return None
                self._changed.wait()

    def _take_idle(self) -> Environment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.alive:
                return environment
            environment.stop()
        return None

    def _use(self, environment: Environment, event: Any) -> Outcome:
        outcome = environment.invoke(event, self.settings.timeout)
        with self._changed:
            self._busy.remove(environment)
            if environment.alive:
                self._idle.append(environment)
            self.outcomes.append(outcome)
            self._changed.notify()
        if not environment.alive:
            environment.stop()
        return outcome

    def _start(self) -> Environment:
        self._started += 1
        name = f"{self.name}-{self._started}"
        born: list[Environment] = []
        identity = self._identities.session(
            self.role, self._account.session(self.role.name, name), lambda: born[0].kill()
        )
        environment = Environment(
            self.command,
            self._variables(identity),
            self.arn,
            self._folder / name,
            self.log.add,
            self._problems,
            self._keeper,
        )
        born.append(environment)
        return environment

    def _variables(self, identity: Identity) -> Mapping[str, str]:
        region = self._account.region
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": "bootstrap",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": identity.access_key,
            "AWS_SECRET_ACCESS_KEY": identity.secret_key,
            "AWS_SESSION_TOKEN": identity.token or "",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.settings.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            **self.settings.variables,
        }
