"""Ratios against what one would write in Python: import, sign, build and send. `cargo xtask bench` runs it.

Each pair is measured in turns within one run, so that a noisy machine disturbs both alike; what counts
is the ratio of the medians.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from chela_pagure import _core

ROUNDS = 7
REQUESTS = 60
SIGNATURES = 2000
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "the project's CI token, 32 chars"
COMMIT = "7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b"

FACTS = {
    "app_url": "https://pagure.example.org",
    "clone_base": "https://pagure.example.org",
    "job": "codebuild/hello",
    "project": {"username": None, "namespace": "demo", "name": "hello"},
    "source": {"project": {"username": "ada", "namespace": "demo", "name": "hello"}},
    "refname": "fix-typo",
    "is_tag": False,
    "head": COMMIT,
    "captured": {
        "user": "ada",
        "can_push": False,
        "reason": "updated",
        "at": "2026-11-22T20:15:26.870Z",
        "commit": COMMIT,
    },
    "pull_request": {
        "id": 7,
        "title": "Fix a typo",
        "author": "ada",
        "author_can_push": False,
        "target_branch": "main",
    },
}


def python_body(number: int) -> bytes:
    """The same request, built by hand."""
    base = FACTS["app_url"]
    data = {
        "build_id": f"0199a1c2-6f0e-7c3a-9d6b-{number:012x}",
        "job": FACTS["job"],
        "event": "pull_request",
        "project": {
            "name": "hello",
            "namespace": "demo",
            "fullname": "demo/hello",
            "url": f"{base}/demo/hello",
        },
        "source": {
            "clone_url": f"{base}/forks/ada/demo/hello.git",
            "branch": FACTS["refname"],
            "commit": COMMIT,
        },
        "requested_by": FACTS["captured"],
        "pull_request": FACTS["pull_request"],
        "report_url": f"{base}/api/0/ci/webhook/demo/hello",
    }
    message = {"type": "build.requested", "timestamp": "2026-11-22T20:15:27.104322Z", "data": data}
    return json.dumps(message).encode()


def python_headers(url: str, body: bytes) -> dict[str, str]:
    """Standard Webhooks by hand, AWS Signature Version 4 by botocore."""
    stamp = str(int(time.time()))
    digest = hmac.new(TOKEN.encode(), b"m." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "m",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    request = AWSRequest("POST", url, headers=headers, data=body)
    SigV4Auth(Credentials("AKIDEXAMPLE", SECRET), "execute-api", "eu-central-1").add_auth(request)
    return dict(request.headers.items())


def seconds_each(work: Callable[[int], object], count: int) -> float:
    """How long one of `count` takes."""
    started = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - started) / count


def compare(what: str, goal: float, ours: Callable[[], float], theirs: Callable[[], float]) -> None:
    """Measure both in turns and print one row of the README's table."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    a, b = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"| {what} | {a * 1e3:.3f} ms | {b * 1e3:.3f} ms | {b / a:.1f} | {goal:g} |", flush=True)


def import_seconds(module: str) -> float:
    """How long an import takes in a new interpreter, after what every interpreter does."""
    code = f"import time; a = time.perf_counter(); import {module}; print(time.perf_counter() - a)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def sign_seconds(program: str, url: str, body: str) -> float:
    """How long one signature takes in Rust."""
    done = subprocess.run([program], input=f"{url}\n{body}", capture_output=True, text=True, check=True)
    return float(done.stdout) / 1e6


def send_with_python(url: str, number: int) -> None:
    """Build, sign and send as one would with requests and botocore."""
    body = python_body(number)
    plain, _, _ = url.partition("#")
    answer = requests.post(plain, data=body, headers=python_headers(plain, body), timeout=15)
    answer.raise_for_status()


def send_with_plugin(url: str, number: int) -> None:
    """Build, sign and send as the plugin does."""
    facts = json.dumps({**FACTS, "build_id": _core.new_build_id()})
    wanted = _core.wanted(facts)
    outcome = _core.attempt(
        _core.Parcel(wanted.body),
        wanted.body,
        ci_url=url,
        username="AKIDEXAMPLE",
        password=SECRET,
        token=TOKEN,
        attempts=0,
        policy=policy(url),
    )
    assert outcome.step == "accepted", outcome.comment


@functools.cache
def policy(url: str) -> _core.Policy:
    """What an administrator allows for this one host."""
    host = url.split("/")[2]
    return _core.Policy(
        allow_http=[],
        allow_hosts=[host],
        allow_networks=["127.0.0.0/8"],
        limit_hosts=[],
        allow_ports=[],
    )


def main() -> None:
    """Print the table."""
    with TemporaryDirectory() as folder:
        root = Path(folder, "root.pem")
        # Both sides take the authority from here.
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(root)
        command = [os.environ["CHELA_ACCEPT"], str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            try:
                measure(f"https+sigv4://localhost:{port}/hook#region=eu-central-1&service=execute-api")
            finally:
                server.terminate()


def measure(url: str) -> None:
    """The rows."""
    body = python_body(1)
    aws = "https+sigv4://abcdefghij.lambda-url.eu-central-1.on.aws/hook?a=b"
    plain = aws.replace("+sigv4", "")
    print("| | Chela | Python | ratio | goal |\n| --- | --- | --- | --- | --- |")
    compare(
        "import the plugin's core, beside `import requests`",
        50,
        lambda: import_seconds("chela_pagure._core"),
        lambda: import_seconds("requests"),
    )
    compare(
        "sign a request (Standard Webhooks and AWS), beside `hmac` and botocore",
        10,
        lambda: sign_seconds(os.environ["CHELA_SIGN"], aws, body.decode()),
        lambda: seconds_each(lambda _: python_headers(plain, body), SIGNATURES),
    )
    python_url = url.replace("+sigv4", "")
    compare(
        "build, sign and send a request over TLS, beside requests and botocore",
        4,
        lambda: seconds_each(functools.partial(send_with_plugin, url), REQUESTS),
        lambda: seconds_each(functools.partial(send_with_python, python_url), REQUESTS),
    )


if __name__ == "__main__":
    main()
