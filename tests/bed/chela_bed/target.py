"""A CI service played by the test: records every request and answers as it is told."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from standardwebhooks.webhooks import Webhook

from chela_bed.gitserver import read_chunks
from chela_bed.waiting import wait_for


@dataclass(frozen=True)
class Reply:
    """An ordinary answer; given only once `after` is set, if there is one."""

    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: threading.Event | None = None


@dataclass(frozen=True)
class Garbage:
    """Bytes that are not HTTP."""

    content: bytes = b"\x16\x03garbage\r\n\r\n\x00\xff"


@dataclass(frozen=True)
class Drop:
    """The connection closes without an answer."""


@dataclass(frozen=True)
class Endless:
    """A body that goes on until the other side has enough."""

    status: int = 200
    chunk: bytes = b"x" * 65536


Answer = Reply | Garbage | Drop | Endless


@dataclass(frozen=True)
class Recorded:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def build_id(self) -> str:
        """The build that it asks for."""
        return self.headers["webhook-id"]

    def verified(self, token: str) -> Any:
        """The body, after the official library has verified its signature; raises if it does not verify."""
        key = "whsec_" + base64.b64encode(token.encode()).decode()
        return Webhook(key).verify(self.body, dict(self.headers))


class Target:
    """An HTTP(S) server on the loopback address; use it as a context, or `start` and `stop` it."""

    def __init__(self, *, tls: trustme.CA | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.otherwise: Answer | Callable[[Recorded], Answer] = Reply()
        self.host = host
        self.port = port
        self._script: deque[Answer] = deque()
        self._server: ThreadingHTTPServer | None = None
        self._authority = tls
        # Set when the target goes away: nobody may wait for an answer then.
        self._gone = threading.Event()

    def __enter__(self) -> Target:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"{'https' if self._authority else 'http'}://{self.host}:{self.port}"

    def answer(self, *answers: Answer) -> None:
        """Give these answers to the next requests, one each; `otherwise` answers the rest."""
        self._script.extend(answers)

    def start(self) -> None:
        """Listen; on the same port as before, if it has been stopped."""
        self._gone.clear()
        server = _Server((self.host, self.port), _Handler)
        server.target = self
        if self._authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(self.host).configure_cert(context)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server:
            self._gone.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait(self, count: int = 1, timeout: float = 30) -> list[Recorded]:
        """All requests, as soon as there are `count` of them."""
        wait_for(lambda: len(self.requests) >= count, timeout, f"{count} requests at {self.url}")
        return list(self.requests)

    def next_answer(self, request: Recorded) -> Answer:
        """What to answer to this request."""
        if self._script:
            return self._script.popleft()
        return self.otherwise(request) if callable(self.otherwise) else self.otherwise

    def hold(self, event: threading.Event) -> None:
        """Wait until a test lets the answer go, or the target goes away."""
        while not event.wait(0.02) and not self._gone.is_set():
            pass


class _Server(ThreadingHTTPServer):
    target: Target
    daemon_threads = True
    # A dropped connection is a test's wish, not an accident to report.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        request = Recorded(self.command, self.path, _Headers(self.headers.items()), self._body())
        self.server.target.requests.append(request)
        self._give(self.server.target.next_answer(request))

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return read_chunks(self.rfile)
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _give(self, answer: Answer) -> None:
        self.close_connection = True
        if isinstance(answer, Garbage):
            self.wfile.write(answer.content)
        elif isinstance(answer, Endless):
            self._go_on(answer)
        elif isinstance(answer, Reply):
            self._reply(answer)

    def _reply(self, answer: Reply) -> None:
        if answer.after:
            self.server.target.hold(answer.after)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _go_on(self, answer: Endless) -> None:
        self.send_response(answer.status)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(answer.chunk)


class _Headers(dict[str, str]):
    """Header names in lower case, as the contract writes them."""

    def __init__(self, items: Any) -> None:
        super().__init__((name.lower(), value) for name, value in items)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())
