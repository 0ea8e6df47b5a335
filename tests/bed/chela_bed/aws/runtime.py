"""One execution environment of a function: its process, and the runtime API that it asks for work.

"Using the Lambda runtime API for custom runtimes" and "Lambda execution environment lifecycle", AWS
Lambda Developer Guide.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chela_bed.aws.faults import CutError
from chela_bed.aws.keeper import Keeper
from chela_bed.aws.serving import Problems, Request, Response, Server
from chela_bed.paths import BedError

START = "/2018-06-01/runtime"
LARGEST_ANSWER = 6 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """What became of an invocation: an answer, or the error that Lambda tells of."""

    answer: Any = None
    error: str | None = None
    seconds: float = 0.0


@dataclass
class Invocation:
    """One event in the hands of a process."""

    event: Any
    deadline: float
    ident: str = field(default_factory=lambda: str(uuid.uuid4()))
    done: queue.Queue[tuple[Any, str | None]] = field(default_factory=queue.Queue)


class Environment:
    """A process that takes one invocation after another, and is frozen between them."""

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        arn: str,
        folder: Path,
        say: Callable[[str], None],
        problems: Problems,
        keeper: Keeper,
    ) -> None:
        self._arn = arn
        self._say = say
        self._work: queue.Queue[Invocation | None] = queue.Queue()
        self._current: Invocation | None = None
        self._frozen = False
        # It may ask for work before we know its number.
        self._begun = threading.Event()
        self._lock = threading.Lock()
        self._api = Server(self._answer, problems)
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            list(command),
            env={**variables, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.port}", "TMPDIR": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._keeper = keeper
        keeper.began(self.pid)
        self._begun.set()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can take work."""
        return self._process.poll() is None

    def invoke(self, event: Any, timeout: float) -> Outcome:
        """Give it an event, and wait for what comes of it; kill it at the deadline, as Lambda does."""
        began = time.monotonic()
        invocation = Invocation(event, time.time() + timeout)
        with self._lock:
            self._current = invocation
        self._work.put(invocation)
        if not self.alive:
            self._fail("Runtime exited before it was asked")
        try:
            answer, problem = invocation.done.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            answer, problem = None, f"Task timed out after {timeout:.2f} seconds"
        with self._lock:
            self._current = None
        return Outcome(answer, problem, time.monotonic() - began)

    def kill(self) -> None:
        """End the process at once (`kill -9`)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """End the process as Lambda ends one that is idle, and all that belongs to it."""
        self.kill()
        self._listener.join(10)
        self._work.put(None)
        self._api.stop()

    def _listen(self) -> None:
        assert self._process.stdout, "the process was started with a pipe"
        for line in self._process.stdout:
            self._say(line.decode(errors="replace").rstrip("\n"))
        code = self._process.wait()
        self._keeper.ended(self.pid)
        ended = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        self._fail(f"Runtime exited with error: {ended}")

    def _fail(self, why: str) -> None:
        with self._lock:
            if self._current:
                self._current.done.put((None, why))

    def _answer(self, request: Request) -> Response:
        if not request.target.startswith(START):
            return Response(404, {})
        path = request.target.removeprefix(START)
        if path == "/invocation/next":
            return self._next()
        what = path.rpartition("/")[2]
        if path == "/init/error":
            self._say(f"INIT_ERROR {request.content().decode(errors='replace')}")
        elif what in ("response", "error"):
            self._take(what, path.split("/")[2], request)
        return Response(202, {"content-type": "application/json"}, b'{"status":"OK"}')

    def _next(self) -> Response:
        self._begun.wait(30)
        self._freeze()
        work = self._work.get()
        if work is None:
            raise CutError
        self._thaw()
        headers = {
            "content-type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": work.ident,
            "Lambda-Runtime-Deadline-Ms": str(int(work.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()};Sampled=0",
        }
        return Response(200, headers, json.dumps(work.event).encode())

    def _take(self, what: str, ident: str, request: Request) -> None:
        with self._lock:
            current = self._current
        if current is None or current.ident != ident:
            raise BedError(f"{self._arn} answered {ident}, which nobody asked")
        if what == "error":
            current.done.put((None, request.content().decode(errors="replace")))
        elif request.size > LARGEST_ANSWER:
            current.done.put((None, "Response payload size exceeded maximum allowed payload size"))
        else:
            current.done.put((json.loads(request.content() or b"null"), None))

    def _freeze(self) -> None:
        """Whatever it still does in the background stops until the next invocation."""
        if self.alive and self._work.empty():
            self._frozen = True
            self._signal(signal.SIGSTOP)

    def _thaw(self) -> None:
        if self._frozen:
            self._frozen = False
            self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, which)
