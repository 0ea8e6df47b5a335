"""Accepting build requests, beside Flask and Debian's `webhook`: `cargo xtask bench` runs it.

Every request is another pull request's, signed in advance, so that each is new to the receiver. The three
take turns, each on a fresh folder; what counts is the ratio of the medians. Chela and Flask verify, parse
and keep each request durably in SQLite (WAL, FULL) before they answer; `webhook` only runs /bin/true.

Nothing is built meanwhile: Chela may run one build at a time, and the source of the first one is on a
server that never answers, so that all others wait in the queue. That is the usual state of a receiver
under such a load.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chela_bed.install import install_peers

CONNECTIONS = 64
ROUNDS = 5
SECONDS = 5
# More than any of them takes in that time.
REQUESTS = SECONDS * 20_000
TOKEN = "the project's CI token, 32 chars"
HERE = Path(__file__).parent
# The most a second on two cores, of those tried: 4 workers with 1 or 8 threads, 3 and 2 with 4.
GUNICORN = ["--workers", "2", "--threads", "8", "--no-control-socket", "flask_receiver:app"]


@dataclass(frozen=True)
class Contender:
    """A server, how to start it, and the table where it keeps what it accepted."""

    name: str
    command: list[str]
    environment: dict[str, str]
    database: Path | None = None


@dataclass(frozen=True)
class Result:
    """Of one turn."""

    rate: float
    p99: float
    mebibytes: float


def body(build_id: str, number: int, base: str) -> bytes:
    """The request for a pull request's build, by somebody who may push."""
    commit = hashlib.sha1(build_id.encode()).hexdigest()
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    data = {
        "build_id": build_id,
        "job": "local/test",
        "event": "pull_request",
        "project": {
            "name": "hello",
            "namespace": "demo",
            "fullname": "demo/hello",
            "url": f"{base}/demo/hello",
        },
        "source": {
            "clone_url": f"{base}/forks/ada/demo/hello.git",
            "branch": "fix-typo",
            "commit": commit,
        },
        "requested_by": {"user": "ada", "can_push": True, "reason": "opened", "at": now},
        "pull_request": {
            "id": number,
            "title": "Fix a typo",
            "url": f"{base}/demo/hello/pull-request/{number}",
            "author": "ada",
            "author_can_push": True,
            "target_branch": "main",
            "from_fork": True,
        },
        "report_url": f"{base}/api/0/ci/webhook/demo/hello",
    }
    return json.dumps({"type": "build.requested", "timestamp": now, "data": data}).encode()


def signed(build_id: str, content: bytes) -> bytes:
    """The request as it goes over the wire (Standard Webhooks)."""
    stamp = str(int(time.time()))
    digest = hmac.new(TOKEN.encode(), f"{build_id}.{stamp}.".encode() + content, hashlib.sha256).digest()
    head = (
        "POST /hook HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "User-Agent: chela/0.1.0",
        f"webhook-id: {build_id}",
        f"webhook-timestamp: {stamp}",
        f"webhook-signature: v1,{base64.b64encode(digest).decode()}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def prepare(file: Path, base: str) -> None:
    """Write what `load.lua` sends; signatures last for five minutes."""
    begun = int(time.time() * 1000)
    with file.open("wb") as out:
        for number in range(1, REQUESTS + 1):
            # A UUID of version 7: its time, then what is random.
            moment, rest = f"{begun + number // 20:012x}", secrets.token_hex(9)
            build_id = f"{moment[:8]}-{moment[8:]}-7{rest[:3]}-a{rest[3:6]}-{rest[6:]}"
            request = signed(build_id, body(build_id, number, base))
            out.write(f"{len(request):08d}".encode() + request)


def settings(folder: Path, port: int, forge: str) -> Path:
    """Chela's, with the project's token in a file as documented."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    file = folder / "chela.toml"
    file.write_text(
        f"""
        [serve]
        listen = "127.0.0.1:{port}"
        url = "http://127.0.0.1:{port}"
        data = "{folder}/data"
        drain = "0s"
        [pagure]
        url = "{forge}"
        [builds]
        parallel = 1
        queue = 1000000
        [sandbox]
        kind = "none"
        [projects."demo/hello"]
        token_file = "{token}"
        [projects."demo/hello".jobs.test]
        """
    )
    return file


def contender(name: str, folder: Path, port: int, forge: str) -> Contender:
    """One of the three, to be started in a folder of its own."""
    if name == "Chela":
        config = str(settings(folder, port, forge))
        return Contender(
            name, [os.environ["CHELA_PROGRAM"], "serve", "--config", config], {}, folder / "data/chela.db"
        )
    if name == "Flask":
        database = folder / "flask.db"
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
        environment = {"TOKEN": TOKEN, "DATABASE": str(database), "PYTHONPATH": str(HERE)}
        return Contender(name, [*command, *GUNICORN], environment, database)
    options = ["-hooks", str(HERE / "hooks.json"), "-urlprefix", "", "-ip", "127.0.0.1", "-port", str(port)]
    return Contender(name, ["webhook", *options], {})


@contextlib.contextmanager
def running(which: Contender, folder: Path, port: int) -> Iterator[int]:
    """Start it, wait until it answers, give its process id, and stop it."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **which.environment}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(which.command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        await_answer(process, port, folder / "log")
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Any answer: none of them has a page at this place."""
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/nothing-here")
            connection.getresponse()
            return
        time.sleep(0.05)
    sys.exit(f"{process.args!r} does not answer:\n{log.read_text(errors='replace')[-2000:]}")


def wrk(port: int, seconds: int, *more: str) -> str:
    """What wrk prints."""
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--timeout", "30s"]
    command += ["--duration", f"{seconds}s"]
    done = subprocess.run(
        [*command, *more[:2], f"http://127.0.0.1:{port}/hook", *more[2:]],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def measure(which: Contender, folder: Path, port: int, requests: Path) -> Result:
    """One turn."""
    with running(which, folder, port) as pid:
        # Connections, threads and worker processes are there afterwards.
        wrk(port, 1)
        said = wrk(port, SECONDS, "--script", str(HERE / "load.lua"), "--", str(requests))
        mebibytes = memory(pid)
    found = json.loads(said.splitlines()[-1])
    problems = [what for what in ("refused", "broken", "exhausted") if found[what]]
    if problems:
        sys.exit(f"{which.name}: {', '.join(problems)}: {said}")
    if which.database:
        check(which, found["requests"])
    return Result(found["requests"] / found["microseconds"] * 1e6, found["p99"] / 1e3, mebibytes)


def check(which: Contender, accepted: int) -> None:
    """Each request that was answered has been kept; those under way at the end may have been."""
    with contextlib.closing(sqlite3.connect(str(which.database))) as database:
        (kept,) = database.execute("SELECT count(*) FROM builds").fetchone()
    assert accepted <= kept <= accepted + CONNECTIONS, f"{which.name}: {accepted} accepted, {kept} kept"


def memory(pid: int) -> float:
    """The peak of a process (VmHWM); of one with workers, the sum without counting what they share twice."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    workers = [child for child in children if Path(f"/proc/{child}/exe").resolve().name.startswith("python")]
    if workers:
        return sum(number(f"/proc/{one}/smaps_rollup", "Pss:") for one in [pid, *workers]) / 1024
    return number(f"/proc/{pid}/status", "VmHWM:") / 1024


def number(file: str, name: str) -> int:
    """A figure that the kernel gives, in KiB."""
    lines = Path(file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def free_port() -> int:
    """A port on the loopback address that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def turn(name: str, root: Path, requests: Path, forge: str) -> Result:
    """One contender on a fresh folder."""
    with TemporaryDirectory(dir=root) as scratch:
        folder, port = Path(scratch), free_port()
        return measure(contender(name, folder, port, forge), folder, port, requests)


def main() -> None:
    """Print the table; only the contenders that are named, or all."""
    install_peers()
    root = Path(os.environ["CHELA_SCRATCH"])
    root.mkdir(parents=True, exist_ok=True)
    names = sys.argv[1:] or ["Chela", "Flask", "webhook"]
    results: dict[str, list[Result]] = {name: [] for name in names}
    with silent_server() as forge, TemporaryDirectory(dir=root) as scratch:
        requests = Path(scratch, "requests")
        for _ in range(ROUNDS):
            prepare(requests, forge)
            for name in names:
                results[name].append(turn(name, root, requests, forge))
    show(results)


TITLES = {
    "Chela": "`chela serve`: verified, stored",
    "Flask": "Flask + gunicorn, 2 workers with 8 threads: verified, stored",
    "webhook": "Debian's `webhook` running /bin/true: nothing stored",
}
GOALS = {"Flask": "8", "webhook": "1"}


def show(results: dict[str, list[Result]]) -> None:
    """The table."""
    rates = {name: statistics.median(one.rate for one in turns) for name, turns in results.items()}
    print("| accepting requests, 64 connections | a second | p99 | memory | Chela's rate / this | goal |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, turns in results.items():
        p99 = statistics.median(one.p99 for one in turns)
        mebibytes = max(one.mebibytes for one in turns)
        ratio, goal = f"{rates['Chela'] / rates[name]:.1f}", GOALS.get(name, "p99 75 ms, 20 MB")
        print(
            f"| {TITLES[name]} | {rates[name]:.0f} | {p99:.0f} ms | {mebibytes:.0f} MiB "
            f"| {ratio if name in GOALS else ''} | {goal} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
