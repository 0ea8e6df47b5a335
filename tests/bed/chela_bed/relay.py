"""Stands before another server and holds requests or answers back, so that a test can act in between."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from chela_bed.client import TIMEOUT
from chela_bed.gitserver import read_chunks
from chela_bed.waiting import wait_for

# What belongs to one connection and not to the message (RFC 9110, section 7.6.1); `requests` has
# undone the coding.
OWN = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "host"}


class LostError(Exception):
    """The message goes no further."""


@dataclass
class Gate:
    """Lets messages through, unless it is closed."""

    _changed: threading.Condition = field(default_factory=threading.Condition)
    _is_open: bool = True
    _round: int = 0
    _waiting: int = 0

    def close(self) -> None:
        """Hold what comes from now on."""
        with self._changed:
            self._is_open = False

    def open(self) -> None:
        """Let all of them go on."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def lose(self) -> None:
        """Lose what is held, as a network that breaks would; what comes later goes through."""
        with self._changed:
            self._round += 1
            self._is_open = True
            self._changed.notify_all()

    def pass_through(self) -> None:
        """Go through, or wait."""
        with self._changed:
            began = self._round
            self._waiting += 1
            self._changed.wait_for(lambda: self._is_open)
            self._waiting -= 1
            if self._round != began:
                raise LostError

    def await_waiter(self, timeout: float = 30) -> None:
        """Wait until a message is held."""
        wait_for(lambda: self._waiting, timeout, "a message that is held")


class Relay:
    """A server on the loopback address that passes everything on to `upstream`; use it as a context."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        # Requests on their way there, and answers on their way back.
        self.there = Gate()
        self.back = Gate()
        # Bodies that were passed on, in order.
        self.passed: list[bytes] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.relay = self

    def __enter__(self) -> Relay:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.there.lose()
        self.back.lose()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"


class _Server(ThreadingHTTPServer):
    relay: Relay
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Those who asked may be gone: tests kill them.
        pass


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._relay()

    def do_POST(self) -> None:
        self._relay()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _relay(self) -> None:
        self.close_connection = True
        body = self._body()
        with contextlib.suppress(LostError):
            self.server.relay.there.pass_through()
            answer = self._pass_on(body)
            self.server.relay.passed.append(body)
            self.server.relay.back.pass_through()
            self._give(answer)

    def _pass_on(self, body: bytes) -> requests.Response:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
        # A request's own coding is the body's, which goes on as it is.
        if "Content-Encoding" in self.headers:
            headers["Content-Encoding"] = self.headers["Content-Encoding"]
        address = f"{self.server.relay.upstream}{self.path}"
        return requests.request(
            self.command, address, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
        )

    def _give(self, answer: requests.Response) -> None:
        self.send_response_only(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return read_chunks(self.rfile)
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))
