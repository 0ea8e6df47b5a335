"""What the functions meet when they are measured: an account in moto, and a Pagure with its repositories."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.buckets import Bucket
from chela_bed.aws.clients import Clients
from chela_bed.aws.moto import Moto
from chela_bed.aws.queues import Queue
from chela_bed.orders import fresh_id, moment, order
from chela_bed.paths import CHECKOUT
from chela_bed.project import Project
from fetch import Shape, StreamingHandler, git, make

# The one that moto takes every key for.
ACCOUNT = Account("123456789012")
PROJECT = Project("hello", "demo")
JOB = "codebuild/hello"
# The only one that may ask for that.
CALLER = ACCOUNT.user("pagure-hello")
TOKEN = "the project's CI token, 32 chars"
SAMPLE = CHECKOUT / "crates/aws/src/events/samples/phase_finished.json"
NUMBERS = count(1)


class Cloud:
    """An account with what the functions need; they and its owner talk to moto, with nothing between."""

    def __init__(self, moto: Moto) -> None:
        clients = Clients(moto.url, ACCOUNT)
        self.url = moto.url
        self.sources = Bucket.create(clients("s3"), "chela-sources", ACCOUNT.region, versioned=True)
        self.ledger = Bucket.create(clients("s3"), "chela-ledger", ACCOUNT.region)
        self.reports = Queue.create(clients("sqs"), ACCOUNT, "chela-reports")
        self._codebuild = clients("codebuild")
        self._codebuild.create_project(
            name="hello",
            source={"type": "S3", "location": "elsewhere/source.zip"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=f"arn:aws:iam::{ACCOUNT.number}:role/build",
        )

    def settings(self, forge: Forge) -> dict[str, str]:
        """The variables of both functions."""
        callers: Any = {CALLER: {PROJECT.fullname: {"jobs": {JOB: {}}}}}
        return {
            "AWS_REGION": ACCOUNT.region,
            "AWS_DEFAULT_REGION": ACCOUNT.region,
            "AWS_ENDPOINT_URL": self.url,
            "CHELA_PAGURE_URL": forge.url,
            "CHELA_CONFIG": json.dumps({"callers": callers}),
            "CHELA_SOURCES_BUCKET": self.sources.name,
            "CHELA_LEDGER_BUCKET": self.ledger.name,
            # Nothing is put back into the queue of requests.
            "CHELA_REQUESTS_QUEUE": self.reports.address,
            "CHELA_REPORTS_QUEUE": self.reports.address,
            "CHELA_TOKEN": TOKEN,
        }

    def take_source(self, key: str) -> tuple[str, bytes]:
        """The version and the content of a source; then it is gone, since moto keeps all in memory."""
        s3, place = self.sources.s3, {"Bucket": self.sources.name, "Key": key}
        found = s3.get_object(**place)
        content: bytes = found["Body"].read()
        s3.delete_object(**place, VersionId=found["VersionId"])
        return found["VersionId"], content

    def started(self) -> dict[str, str]:
        """The builds that CodeBuild was asked for, and the versions of their sources."""
        ids = self._codebuild.list_builds_for_project(projectName="hello")["ids"]
        builds = self._codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
        return {build["id"]: build["sourceVersion"] for build in builds}


class ForgeHandler(StreamingHandler):
    """Repositories, and the route that takes reports."""

    taken: list[tuple[dict[str, str], bytes]]

    def _answer(self, body: bytes) -> None:
        if not self.path.startswith("/api/0/ci/webhook/"):
            super()._answer(body)
            return
        self.taken.append((dict(self.headers), body))
        answer = b'{"applied": true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _variables(self, length: int) -> dict[str, str]:
        # libgit2 speaks the first version of git's protocol, which keeps commits' names to itself.
        allow = {"GIT_CONFIG_KEY_1": "uploadpack.allowTipSHA1InWant", "GIT_CONFIG_VALUE_1": "true"}
        return {**super()._variables(length), "GIT_CONFIG_COUNT": "2", **allow}


class Forge:
    """A server of Pagure's two kinds of addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: list[tuple[dict[str, str], bytes]] = []
        handler = type("Handler", (ForgeHandler,), {"root": folder, "taken": self.taken})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class World:
    """All of it."""

    cloud: Cloud
    forge: Forge
    settings: dict[str, str] = field(repr=False)

    def request(self, shape: Shape) -> Any:
        """A new pull request of a repository of this shape, as the queue of requests brings it."""
        number, forge = next(NUMBERS), self.forge.url
        repository = make(shape, self.forge.folder)
        pull_request = {
            "id": number,
            "title": "Fix a typo",
            "url": f"{forge}/{PROJECT.web}/pull-request/{number}",
            "author": "ada",
            "author_can_push": True,
            "target_branch": "main",
            "from_fork": False,
        }
        commit = git("-C", repository, "rev-parse", "main")
        request = order(forge, forge, PROJECT, commit, job=JOB, pull_request=pull_request)["data"]
        request["source"]["clone_url"] = f"{forge}/{repository.name}"
        now = moment(time.time_ns() // 1000)
        queued = {"request": request, "accepted": now, "caller": CALLER, "tries": 0, "first": now}
        return batch([json.dumps(queued)])

    def phases(self, builds: Sequence[str]) -> Any:
        """A phase of each of these builds has finished, as the queue of reports brings it."""
        sample = json.loads(SAMPLE.read_text())
        detail = sample["detail"]
        of = str(detail["build-id"].rpartition("/")[2])
        ours = next(
            str(variable["value"])
            for variable in detail["additional-information"]["environment"]["environment-variables"]
            if variable["name"] == "CHELA_BUILD_ID"
        )
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = json.dumps({**sample, "time": now})
        return batch([text.replace(of, self.execution(build)).replace(ours, build) for build in builds])

    def execution(self, build: str) -> str:
        """What was started for a build."""
        execution = self.cloud.ledger.json(f"builds/{build}")["execution"]
        return str(execution["id"])


def batch(bodies: Sequence[str]) -> dict[str, Any]:
    """Messages of a queue as Lambda hands them on."""
    record = {
        "receiptHandle": "receipt",
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": ACCOUNT.arn("sqs", "chela"),
        "awsRegion": ACCOUNT.region,
    }
    return {"Records": [{**record, "messageId": fresh_id(), "body": body} for body in bodies]}


def build_of(event: Any) -> str:
    """The build that a request asks for."""
    return str(json.loads(event["Records"][0]["body"])["request"]["build_id"])


@contextlib.contextmanager
def world(repositories: Path, scratch: Path) -> Iterator[World]:
    """Set up, and gone at the end."""
    moto, forge = Moto(scratch), Forge(repositories)
    try:
        cloud = Cloud(moto)
        yield World(cloud, forge, cloud.settings(forge))
    finally:
        forge.stop()
        moto.stop()
