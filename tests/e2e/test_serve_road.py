"""The whole road: Pagure asks, `chela serve` builds in a sandbox, and the flag says what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from chela_bed import Bed, Project, Role, Serve, orders, wait_for
from chela_bed.serve import Kept
from serving import COMMIT_CONTEXT, SUCCEEDED, Receiver, fresh_project, past_hold, receiver, spec

HELD = "Waits for a committer to ask for a rebuild of"
HELD_AGAIN = "Waits for a committer to ask again for a rebuild of"


@pytest.fixture(scope="module")
def road(bed: Bed) -> Iterator[Receiver]:
    """A receiver and a project that most tests of this file share."""
    serve = Serve.beside(bed, bed.state.target_ports[-1], "road", builds={"parallel": 4})
    with receiver(bed, fresh_project(bed, "road"), serve) as made:
        yield made


@pytest.fixture(scope="module")
def fork(road: Receiver) -> Project:
    """Bob's, who may not push to the project."""
    return road.bed.fork(road.project, "bob")


@pytest.fixture
def own(bed: Bed) -> Iterator[Receiver]:
    """A receiver of one test's own, with one place for a build and one to wait for it."""
    settings = {"builds": {"parallel": 1, "queue": 1}, "serve": {"drain": "30s"}}
    serve = Serve.beside(bed, bed.state.target_ports[-2], "own", **settings)
    with receiver(bed, fresh_project(bed, "own"), serve) as made:
        yield made


@dataclass(frozen=True)
class Proposal:
    """A pull request of somebody's."""

    road: Receiver
    id: int
    commit: str

    @property
    def builds(self) -> list[Kept]:
        """What the receiver has written down for its commit."""
        return [kept for kept in self.road.serve.builds().values() if kept.commit == self.commit]

    def update(self, user: str, project: Project, branch: str, *commands: str) -> Proposal:
        """Push one commit more."""
        return Proposal(self.road, self.id, self.road.bed.push(user, project, branch, spec(*commands)))


def propose(road: Receiver, branch: str, *commands: str) -> Proposal:
    """A pull request of alice's own."""
    commit = road.push(branch, *commands)
    return Proposal(road, road.bed.open_pull_request(road.project, branch), commit)


def propose_from(road: Receiver, fork: Project, branch: str, *commands: str) -> Proposal:
    """A pull request of a stranger's, as soon as the receiver holds it."""
    commit = road.bed.push("bob", fork, branch, spec(*commands), hooks=False)
    request = road.bed.open_pull_request(road.project, branch, source=fork, user="bob")
    proposal = Proposal(road, request, commit)
    await_held(proposal)
    return proposal


def await_held(proposal: Proposal, text: str = HELD) -> None:
    """Wait until the flag says that a commit is held, and the receiver knows that it does."""
    proposal.road.await_flag(proposal.commit, "pending", f"{text} {proposal.commit[:12]}")
    newest = proposal.builds[-1]
    assert newest.stage == "held"
    past_hold(proposal.road.serve, newest.build_id)


def test_a_good_and_a_failing_build_turn_their_commits_flags(road: Receiver) -> None:
    good = propose(road, "good", "echo all is well")
    bad = propose(road, "bad", "echo before", "false")

    success = road.await_flag(good.commit, "success")
    assert success["comment"] == SUCCEEDED
    failure = road.await_flag(bad.commit, "failure")
    assert failure["comment"] == "exit status 1 in phase BUILD: false"

    for flag, word in ((success, "all is well"), (failure, "before")):
        assert flag["url"].startswith(f"{road.serve.url}/builds/")
        page = requests.get(flag["url"], timeout=10)
        assert page.ok and road.project.fullname in page.text
        assert word in requests.get(f"{flag['url']}/log", timeout=10).text.splitlines()


def test_a_pushed_commit_is_built(road: Receiver) -> None:
    commit = road.push("pushed", "true", hooks=True)
    assert road.await_flag(commit, "success", context=COMMIT_CONTEXT)["comment"] == SUCCEEDED


def test_a_strangers_pull_request_is_built_when_the_owner_asks_for_it(road: Receiver, fork: Project) -> None:
    gift = propose_from(road, fork, "gift", "echo begun")
    road.bed.rebuild_by_comment(road.bed.login("alice"), road.project, gift.id)
    road.await_flag(gift.commit, "success")
    held, built = gift.builds
    assert (held.status, built.status) == ("canceled", "success")
    assert (road.runs(held.build_id), road.runs(built.build_id)) == (0, 1)


def test_a_strangers_update_after_the_owners_comment_is_held_again(road: Receiver, fork: Project) -> None:
    barrier = road.barrier()
    first = propose_from(road, fork, "trick", "echo harmless", barrier.command)
    road.bed.rebuild_by_comment(road.bed.login("alice"), road.project, first.id)
    barrier.await_build()

    second = first.update("bob", fork, "trick", "echo begun")
    await_held(second)
    flag = road.await_flag(first.commit, "canceled", second.commit[:12])
    assert flag["comment"] == f"Canceled: {second.commit[:12]} is newer"
    (held,) = second.builds
    assert (held.stage, road.runs(held.build_id)) == ("held", 0)

    road.bed.rebuild_by_comment(road.bed.login("alice"), road.project, first.id)
    road.await_flag(second.commit, "success")


def test_a_comment_from_before_the_hold_releases_nothing(road: Receiver, fork: Project) -> None:
    gift = propose_from(road, fork, "hurry", "echo begun")
    (held,) = gift.builds
    assert held.acknowledged is not None
    early = orders.moment(held.acknowledged)
    message = order_of(gift, fork, {"user": "alice", "can_push": True, "reason": "rebuild", "at": early})
    assert road.ask(message).status_code == 202
    await_held(gift, HELD_AGAIN)
    assert [kept.runs for kept in gift.builds] == [0, 0]

    road.bed.rebuild_by_comment(road.bed.login("alice"), road.project, gift.id)
    road.await_flag(gift.commit, "success")


def order_of(proposal: Proposal, fork: Project, requested_by: dict[str, object]) -> orders.Message:
    """A request for a stranger's pull request, as Pagure would send it."""
    road = proposal.road
    pull_request = {
        "id": proposal.id,
        "title": "Please take this",
        "url": f"{road.bed.url}/{road.project.web}/pull-request/{proposal.id}",
        "author": "bob",
        "author_can_push": False,
        "target_branch": "main",
        "from_fork": True,
    }
    message = road.order(proposal.commit, pull_request=pull_request, requested_by=requested_by)
    message["data"]["source"]["clone_url"] = f"{road.bed.git_url}/{fork.fullname}.git"
    return message


def test_a_newer_commit_ends_the_build_of_the_older_one(road: Receiver) -> None:
    barrier = road.barrier()
    first = propose(road, "twice", barrier.command)
    barrier.await_build()
    (running,) = first.builds
    assert road.serve.processes(running.build_id)

    second = first.update("alice", road.project, "twice", "true")
    road.await_flag(first.commit, "canceled", f"{second.commit[:12]} is newer")
    road.await_flag(second.commit, "success")
    wait_for(lambda: not road.serve.processes(running.build_id), what="the end of its processes")


def test_a_report_that_pagure_could_not_take_arrives_when_it_is_back(road: Receiver) -> None:
    barrier = road.barrier()
    commit = road.push("patience", barrier.command)
    build_id = road.begin(commit)
    barrier.await_build()
    road.bed.stop(Role.WEB)
    barrier.release()
    assert road.serve.await_ended(build_id).status == "success"
    wait_for(lambda: "will report again" in road.serve.log, what="an attempt that fails")
    road.bed.start(Role.WEB)
    road.await_flag(commit, "success", context=COMMIT_CONTEXT)


def test_a_new_token_counts_at_once(road: Receiver) -> None:
    commit = road.push("rotated", "true")
    road.bed.remove_ci(road.project)
    token = road.bed.set_ci(road.project, f"{road.serve.url}/hook", "local/test")
    assert token != road.token
    message = road.order(commit)
    assert orders.send(road.serve.url, token, message).status_code == 401

    road.serve.set_token(road.project, token)
    assert orders.send(road.serve.url, road.token, message).status_code == 401
    road.token = token
    assert road.ask(message).status_code == 202
    road.await_flag(commit, "success", context=COMMIT_CONTEXT)


def test_a_job_that_is_not_configured_is_an_error_that_says_so(road: Receiver) -> None:
    road.bed.set_ci(road.project, f"{road.serve.url}/hook", "local/nothing")
    try:
        proposal = propose(road, "misnamed", "true")
        flag = road.await_flag(proposal.commit, "error", context="local/nothing")
    finally:
        road.bed.set_ci(road.project, f"{road.serve.url}/hook", "local/test")
    said = f"no such job: local/nothing; the receiver runs local/test for {road.project.fullname}"
    assert said in flag["comment"]


def test_a_repeated_request_is_answered_the_same_and_starts_nothing(road: Receiver) -> None:
    commit = road.push("repeated", "echo begun")
    message = road.order(commit)
    first = road.ask(message)
    while_it_runs = road.ask(message)
    road.serve.await_ended(orders.build_id(message))
    after_its_end = road.ask(message)

    assert first.status_code == 202
    assert first.json()["data"]["status"] == "pending"
    for again in (while_it_runs, after_its_end):
        assert (again.status_code, again.json()) == (202, first.json())
    road.await_flag(commit, "success", context=COMMIT_CONTEXT)
    assert road.runs(orders.build_id(message)) == 1


def test_who_cannot_sign_learns_nothing(road: Receiver) -> None:
    message = road.order("0" * 40)
    unknown = orders.order(road.bed.url, road.bed.git_url, Project("nobodys", "demo"), "0" * 40)
    answers = [orders.send(road.serve.url, "not the token", each) for each in (message, unknown)]
    answers.append(orders.post(road.serve.url, json.dumps(message), {}))
    assert [answer.status_code for answer in answers] == [401] * 3
    assert answers[0].content == answers[1].content
    assert orders.build_id(message) not in road.serve.builds()


def test_what_finds_no_place_is_accepted_later(own: Receiver) -> None:
    barrier = own.barrier()
    running = own.begin(own.push("one", barrier.command))
    barrier.await_build()
    waiting = own.begin(own.push("two", "true"))
    commit = own.push("three", "echo begun")
    third = own.order(commit)
    refused = own.ask(third)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert "too many builds wait" in refused.json()["detail"]

    barrier.release()
    for build_id in (running, waiting):
        assert own.serve.await_ended(build_id).status == "success"
    assert own.ask(third).status_code == 202
    own.await_flag(commit, "success", context=COMMIT_CONTEXT)
    assert own.runs(orders.build_id(third)) == 1


def test_a_build_may_finish_before_the_receiver_stops(own: Receiver) -> None:
    barrier = own.barrier()
    commit = own.push("last", "echo begun", barrier.command)
    build_id = own.begin(commit)
    barrier.await_build()
    own.serve.ask_to_end()
    wait_for(lambda: not own.serve.healthy(), what="the receiver to take no more requests")
    barrier.release()
    wait_for(lambda: own.serve.pid is None, what="the receiver's end")
    assert own.serve.builds()[build_id].status == "success"

    own.serve.start()
    own.await_flag(commit, "success", context=COMMIT_CONTEXT)
    assert own.runs(build_id) == 1


def test_a_build_that_does_not_finish_is_taken_up_again(own: Receiver) -> None:
    own.serve.settings["serve"] = {"drain": "500ms"}
    own.serve.restart()
    barrier = own.barrier()
    commit = own.push("long", "echo begun", barrier.command)
    build_id = own.begin(commit)
    barrier.await_build()
    own.serve.stop()
    assert not own.serve.processes(build_id)
    barrier.forget()

    own.serve.start()
    barrier.release()
    own.await_flag(commit, "success", context=COMMIT_CONTEXT)
    assert own.runs(build_id) == 2
