"""HTTP servers on the loopback address for the bed's own services, and bodies that need no memory."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any

from chela_bed.aws.faults import CutError
from chela_bed.gitserver import read_chunks

CHUNK = 1 << 18
# What belongs to one connection and not to the message (RFC 9110, section 7.6.1).
OWN = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "server", "date"}


@dataclass(frozen=True)
class Request:
    """A request whose body has come in whole; header names are in lower case."""

    method: str
    # Path and query, as they stand in the request line.
    target: str
    headers: Mapping[str, str]
    # Spooled to disk when it is large.
    body: IO[bytes]
    size: int
    # Of the body, SHA-256 in hexadecimal.
    hash: str
    peer: str = "127.0.0.1"

    def content(self) -> bytes:
        """The body in memory."""
        self.body.seek(0)
        return self.body.read()


@dataclass(frozen=True)
class Response:
    """An answer; `body` may be the answer of a server behind this one, which is passed on as it comes."""

    status: int
    headers: Mapping[str, str]
    body: bytes | HTTPResponse = b""


Handle = Callable[[Request], Response]
# What should not have happened in the bed itself; a test run must end without any.
Problems = list[str]


class Server:
    """Answers requests with `handle`, each in its own thread; `CutError` ends the connection."""

    def __init__(self, handle: Handle, problems: Problems, port: int = 0) -> None:
        self._server = _Threads(("127.0.0.1", port), _Handler)
        self._server.answer = handle
        self._server.problems = problems
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()


class _Threads(ThreadingHTTPServer):
    answer: Handle
    problems: Problems
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Those who asked may be gone: tests kill them.
        pass


class _Handler(BaseHTTPRequestHandler):
    server: _Threads
    protocol_version = "HTTP/1.1"
    # Head and body go out at once, and at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def __getattr__(self, name: str) -> Callable[[], None]:
        # `do_GET` and its siblings: all methods are one to the server.
        if name.startswith("do_"):
            return self._do
        raise AttributeError(name)

    def _do(self) -> None:
        with tempfile.SpooledTemporaryFile(max_size=CHUNK) as body:
            try:
                self._give(self.server.answer(self._read(body)))
            except CutError:
                self.close_connection = True
            except ConnectionError:
                raise
            except Exception:
                self.server.problems.append(traceback.format_exc())
                raise

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _read(self, body: IO[bytes]) -> Request:
        digest, size = hashlib.sha256(), 0
        for chunk in self._chunks():
            body.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known},{value}"
        peer = str(self.client_address[0])
        return Request(self.command, self.path, headers, body, size, digest.hexdigest(), peer)

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            yield read_chunks(self.rfile)
            return
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            chunk = self.rfile.read(min(CHUNK, left))
            if not chunk:
                raise CutError
            left -= len(chunk)
            yield chunk

    def _give(self, answer: Response) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in OWN:
                self.send_header(name, value)
        if "x-amzn-requestid" not in answer.headers:
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if isinstance(answer.body, bytes):
            self._give_bytes(answer.body)
        else:
            self._pass_on(answer)
        self.wfile.flush()

    def _give_bytes(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _pass_on(self, answer: Response) -> None:
        assert not isinstance(answer.body, bytes), "the answer of another server"
        with answer.body as body:
            if "content-length" not in answer.headers:
                # Its end is the connection's end.
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(body, self.wfile, CHUNK)
