"""A project whose CI service the test plays, and what a build request has to say."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chela_bed import Bed, Message, Project, Recorded, Reply, Role, Target, wait_for
from chela_bed.scene import START
from conftest import NUMBERS, listening

TRIGGER = "pagure.lib.tasks_services.trigger_ci_build"
JOB = "local/test"

Data = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """A project, its CI token, and its CI service."""

    bed: Bed
    project: Project
    target: Target
    token: str

    def said(self) -> list[Data]:
        """What the requests say that have arrived, each of them checked."""
        return [said(recorded, self.token) for recorded in list(self.target.requests)]

    def of_pull_request(self, request: int, count: int = 1) -> list[Data]:
        """What is asked for a pull request, as soon as it was asked so often."""
        return self._some(lambda data: data.get("pull_request", {}).get("id") == request, count)

    def of_commit(self, commit: str, count: int = 1) -> list[Data]:
        """What is asked for a pushed commit, as soon as it was asked so often."""
        return self._some(
            lambda data: data["event"] == "commit" and data["source"].get("commit") == commit, count
        )

    def _some(self, wanted: Any, count: int) -> list[Data]:
        def found() -> list[Data]:
            some = [data for data in self.said() if wanted(data)]
            return some if len(some) >= count else []

        return wait_for(found, 40, f"{count} requests for {self.project.fullname}")


@contextlib.contextmanager
def desk(bed: Bed, project: Project | None = None) -> Iterator[Desk]:
    """A project with a CI service that accepts everything; a fresh one unless one is given."""
    if project is None:
        project = Project(f"desk-{next(NUMBERS)}", "demo")
        bed.create_project(project, "alice", START)
    with listening(bed) as target:
        yield Desk(bed, project, target, bed.set_ci(project, address(target, project), JOB))


def address(target: Target, project: Project) -> str:
    """A CI URL of its own for each project: one that failed rests for a while."""
    return f"{target.url}/{project.fullname}"


def said(recorded: Recorded, token: str) -> Data:
    """The data of a signed and well-formed request, without what differs each time: its id and moments."""
    message = recorded.verified(token)
    assert sorted(message) == ["data", "timestamp", "type"]
    assert message["type"] == "build.requested"
    moment(message["timestamp"])
    data: Data = message["data"]
    build_id = data.pop("build_id")
    assert build_id == recorded.build_id
    assert build_id[14] == "7" and str(uuid.UUID(build_id)) == build_id
    by = data.get("requested_by")
    if by is not None:
        moment(by.pop("at"))
    assert token not in f"{recorded.path}{recorded.headers}{recorded.body!r}"
    return data


def moment(text: str) -> datetime:
    """A moment of a message: UTC, to the microsecond or coarser."""
    assert text.endswith("Z"), text
    return datetime.fromisoformat(f"{text[:-1]}+00:00")


def project_member(bed: Bed, project: Project) -> Data:
    """What a request says of the project."""
    member: Data = {
        "name": project.name,
        "namespace": project.namespace,
        "fullname": project.fullname,
        "url": f"{bed.url}/{project.web}",
    }
    return member | ({"username": project.fork_owner} if project.fork_owner else {})


def commit_build(desk: Desk, commit: str, by: Data | None, **refname: str) -> Data:
    """All that a request for a pushed commit says; `refname` is `branch="..."` or `tag="..."`."""
    project = desk.project
    data: Data = {
        "job": JOB,
        "event": "commit",
        "project": project_member(desk.bed, project),
        "source": {"clone_url": clone_url(desk.bed, project), **refname, "commit": commit},
        "report_url": f"{desk.bed.url}/api/0/ci/webhook/{project.fullname}",
    }
    return data | ({"requested_by": by} if by else {})


def pull_request_build(
    desk: Desk,
    request: int,
    branch: str,
    commit: str,
    by: Data | None,
    *,
    source: Project | None = None,
    author: str = "alice",
    author_can_push: bool = True,
    title: str = "Please take this",
    into: str = "main",
) -> Data:
    """All that a request for a pull request says."""
    data = commit_build(desk, commit, by, branch=branch)
    data["event"] = "pull_request"
    if source is not None:
        data["source"]["clone_url"] = clone_url(desk.bed, source)
    data["pull_request"] = {
        "id": request,
        "title": title,
        "url": f"{desk.bed.url}/{desk.project.web}/pull-request/{request}",
        "author": author,
        "author_can_push": author_can_push,
        "target_branch": into,
        "from_fork": source is not None,
    }
    return data


def by(user: str, reason: str, *, can_push: bool) -> Data:
    """Who asked, and why."""
    return {"user": user, "can_push": can_push, "reason": reason}


def clone_url(bed: Bed, project: Project) -> str:
    """Where the repository is cloned from."""
    return f"{bed.git_url}/{project.fullname}.git"


def fetched(data: Data, folder: Path) -> str:
    """The commit that a receiver finds at the request's branch or tag."""
    source = data["source"]
    where = f"refs/tags/{source['tag']}" if "tag" in source else f"refs/heads/{source['branch']}"
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    fetch = ["git", "fetch", "--quiet", "--depth", "1", source["clone_url"], where]
    subprocess.run(fetch, cwd=folder, check=True)
    show = ["git", "rev-parse", "FETCH_HEAD^{commit}"]
    return subprocess.run(show, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def linked(bed: Bed, project: Project, request: int) -> int:
    """The pull request, as soon as Pagure has looked for tickets in it.

    That look (`link_pr_to_ticket`) moves the pull request on to a newer head and tells nobody.
    """
    uid = bed.pull_request(project, request)["uid"]

    def done() -> bool:
        _, found, after = bed.log(Role.CORE_WORKER).partition(f"Linking ticket(s) to PR for: {uid}")
        return bool(found and re.search(r"link_pr_to_ticket\[\S+\] succeeded", after))

    wait_for(done, what="Pagure's look for tickets in a new pull request")
    return request


def rebuild_trigger(bed: Bed, project: Project, request: int, kind: str = "webhook") -> Message:
    """What Pagure publishes for a pull request."""
    rows = bed.sql(
        "SELECT uid, branch, branch_from FROM pull_requests WHERE project_id = :project AND id = :id",
        project=bed.project_id(project),
        id=request,
    )
    arguments = {"pr_uid": rows[0]["uid"], "cause": request, "ci_type": kind}
    return Message(TRIGGER, arguments | {"branch": rows[0]["branch_from"], "branch_to": rows[0]["branch"]})


def push_trigger(project: Project, commit: str, branch: str = "main", kind: str = "webhook") -> Message:
    """What Pagure publishes for a push."""
    arguments = {"project_name": project.fullname, "cause": commit, "ci_type": kind}
    return Message(TRIGGER, arguments | {"branch": branch, "branch_to": None})


@dataclass(frozen=True)
class Turnstile:
    """Another project's builds, which go through the same CI worker one after the other."""

    desk: Desk
    commit: str

    def settle(self, *before: Message) -> None:
        """Publish these messages, and wait until the CI worker is through with all that was published."""
        so_far = len(self.desk.target.requests)
        self.desk.bed.publish(*before, push_trigger(self.desk.project, self.commit))
        self.desk.target.wait(so_far + 1, timeout=40)

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Keep the CI worker busy: what happens meanwhile waits in its queue."""
        opened = threading.Event()
        self.desk.target.answer(Reply(after=opened))
        self.settle()
        try:
            yield
        finally:
            opened.set()


@contextlib.contextmanager
def turnstile(bed: Bed) -> Iterator[Turnstile]:
    """The way by which all builds go, one by one."""
    with desk(bed) as own:
        head = bed.work_tree(own.project).head()
        yield Turnstile(own, head)


def applied(answer: Any) -> None:
    """Fail unless a report was taken."""
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.text)["applied"] is True
