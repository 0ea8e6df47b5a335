"""A CI service that is down must not keep other projects' builds from theirs, on a single worker process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from asking import Desk, desk, push_trigger
from chela_bed import Bed, Recorded, Reply, reports, wait_for
from chela_bed.broker import Broker
from chela_bed.paths import Installation
from chela_bed.programs import environment

# More builds than the worker could try and fail before anybody loses patience: 15 s each.
BUILDS = 6
# Three attempts of 15 s use up what a project may use at once; the memory is a process's children's too.
USE_UP = """
import json, os
from chela_pagure import throttle
throttle.prepare()
memory = throttle.shared()
if not os.fork():
    for attempt in range(3):
        memory.record("https://ci.example.org/", 1, 15.0, failed=False)
    os._exit(0)
os.wait()
print(json.dumps([memory.wait("https://ci.example.org/else", 1), memory.wait("https://ci.example.org/", 2)]))
"""


@dataclass
class Dead:
    """Builds of a project whose CI service took the first request and did not answer."""

    desk: Desk
    commits: list[str]
    asked: list[Recorded]

    def statuses(self, commit: str) -> list[tuple[str, str]]:
        """Status and text of a commit's flags."""
        flags = self.desk.bed.flags(self.desk.project, commit)
        return [(flag["status"], flag["comment"]) for flag in flags]


@pytest.fixture(scope="module")
def dead(bed: Bed) -> Iterator[Dead]:
    """What was asked of a dead CI service by the time that another project's build was delivered."""
    with contextlib.ExitStack() as projects:
        own, other = (projects.enter_context(desk(bed)) for _ in range(2))
        commits = commit(own, BUILDS)
        own.target.answer(Reply(after=threading.Event()))
        wishes = [(own, branch, one) for branch, one in commits.items()]
        wishes += [(other, branch, one) for branch, one in commit(other, 1).items()]
        bed.publish(*(push_trigger(desk.project, one, branch) for desk, branch, one in wishes))
        (first,) = own.target.wait()
        report_success(own, first)
        other.target.wait(timeout=60)
        made = Dead(own, list(commits.values()), list(own.target.requests))
        Broker(bed).await_quiet(90)
        yield made


def test_a_dead_service_is_asked_once_before_others_have_their_turn(dead: Dead) -> None:
    assert len(dead.asked) == 1


def test_all_its_builds_are_delivered_when_it_is_back(dead: Dead) -> None:
    asked = [request.json["data"]["source"]["commit"] for request in dead.desk.target.requests]
    assert sorted(asked) == sorted(dead.commits)
    waited = [one for one in dead.commits if one != asked[0]]
    assert [dead.statuses(one) for one in waited] == [[("pending", "Accepted by the CI service")]] * (
        BUILDS - 1
    )


def test_a_success_reported_before_the_attempt_timed_out_stays(dead: Dead) -> None:
    commit = dead.asked[0].json["data"]["source"]["commit"]
    assert dead.statuses(commit) == [("success", "All is well")]


def test_a_project_that_has_used_its_share_waits_and_others_do_not(bed: Bed) -> None:
    done = subprocess.run(
        [Installation().python, "-c", USE_UP],
        env=environment(bed.folder),
        capture_output=True,
        text=True,
        check=True,
    )
    own, others = json.loads(done.stdout)
    assert 0 < own <= 15_000
    assert others == 0


def commit(own: Desk, count: int) -> dict[str, str]:
    """Commits on branches of their own that nobody has noticed."""
    tree = own.bed.work_tree(own.project)
    branches = [f"topic-{number}" for number in range(count)]
    commits = {branch: tree.commit(branch, {"a.txt": branch}, start="main") for branch in branches}
    tree.push("alice", *branches, hooks=False)
    return commits


def report_success(own: Desk, asked: Recorded) -> None:
    """Report a build whose request is not answered yet."""
    data = asked.json["data"]
    message = reports.report(data["source"]["commit"], "success", data["build_id"], description="All is well")
    wait_for(lambda: reports.send(own.bed.url, own.project, own.token, message).ok, what="the report")
