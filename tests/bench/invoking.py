"""Runs a function as Lambda runs it, and sees what that costs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.keeper import Keeper
from chela_bed.aws.runtime import Environment
from chela_bed.aws.serving import Problems

NEXT = b"GET /2018-06-01/runtime/invocation/next "
HERE = Path(__file__).parent
# More than any of them takes on a busy machine. Seconds.
PATIENCE = 300.0


@dataclass(frozen=True)
class Program:
    """A function that can be started, with all its variables."""

    name: str
    command: Sequence[str]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Cost:
    """Of one invocation."""

    seconds: float
    # Its own processor seconds, of all its threads.
    processor: float


@dataclass(frozen=True)
class Life:
    """Of one process: its first invocation, those after it, and its peak of memory."""

    first: Cost
    later: Sequence[Cost]
    mebibytes: float


def rust(program: str, settings: Mapping[str, str]) -> Program:
    """Ours, as it is packed."""
    return Program("chela", [str(Path(os.environ["CHELA_FUNCTIONS"], program))], variables(settings))


def python(module: str, settings: Mapping[str, str], name: str = "python") -> Program:
    """The peer, as AWS's own image for Python runs it, but without looking for further packages (`-S`)."""
    path = f"{os.environ['CHELA_PACKAGES']}:{HERE / 'python_functions'}"
    command = [sys.executable, "-S", "-m", "awslambdaric", f"{module}.handler"]
    return Program(name, command, {**variables(settings), "PYTHONPATH": path})


def variables(settings: Mapping[str, str]) -> dict[str, str]:
    """What Lambda sets, and the function's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "ASIA0000000000000000",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_LAMBDA_FUNCTION_NAME": "chela",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/chela",
        "AWS_LAMBDA_LOG_STREAM_NAME": "0",
        **settings,
    }


def start(program: Program, folder: Path) -> float:
    """Seconds from the start of a process to its first question for work."""
    with socket.create_server(("127.0.0.1", 0)) as server, (folder / "log").open("wb") as log:
        server.settimeout(PATIENCE)
        api = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.getsockname()[1]}"}
        begun = time.perf_counter()
        process = subprocess.Popen(program.command, env={**program.variables, **api}, stdout=log, stderr=log)
        connection, _ = server.accept()
        with connection:
            said = connection.recv(1 << 16)
            seconds = time.perf_counter() - begun
            process.kill()
            process.wait()
    assert said.startswith(NEXT), said
    return seconds


def live(program: Program, folder: Path, keeper: Keeper, events: Sequence[Any]) -> Life:
    """Gives a new process one event after the other."""
    said: list[str] = []
    problems: Problems = []
    environment = Environment(
        program.command, program.variables, "arn:aws:lambda:chela", folder, said.append, problems, keeper
    )
    try:
        first, *later = [invoke(environment, event, said) for event in events]
        peak = kibibytes(environment.pid, "VmHWM:") / 1024
    finally:
        environment.stop()
    assert not problems, problems
    return Life(first, later, peak)


def invoke(environment: Environment, event: Any, said: Sequence[str]) -> Cost:
    """One invocation; anything but success is an end."""
    before = processor(environment.pid)
    outcome = environment.invoke(event, PATIENCE)
    spent = processor(environment.pid) - before
    good = outcome.error is None and outcome.answer == {"batchItemFailures": []}
    assert good, "\n".join([str(outcome), *said])
    return Cost(outcome.seconds, spent)


def processor(pid: int) -> float:
    """The processor time of a process (clock_getcpuclockid(3): this is how Linux names its clock)."""
    return time.clock_gettime(~pid << 3 | 2)


def kibibytes(pid: int, name: str) -> int:
    """A figure that the kernel gives."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
