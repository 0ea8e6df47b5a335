"""The receiver is killed between any two steps of a build: nothing is lost, nothing ends twice."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from chela_bed import Bed, Relay, Serve, wait_for
from chela_bed.orders import Message, build_id
from chela_bed.relay import Gate
from serving import COMMIT_CONTEXT, Barrier, Receiver, fresh_project, past_hold, receiver, spec

FINAL = {"success", "failure", "error", "canceled"}
# All of them on one commit, each with a flag of its own, of which Pagure keeps 50.
STORM = [f"storm-{number}" for number in range(20)]
KILLS = 6


@dataclass
class Fragile:
    """A receiver with one place for builds, and what stands between it and the forge."""

    receiver: Receiver
    pagure: Relay
    git: Relay

    @property
    def serve(self) -> Serve:
        return self.receiver.serve

    def begin(self, *commands: str) -> Build:
        """A build of a fresh commit, accepted."""
        commit = self.receiver.push("topic", "echo begun", *commands)
        message = self.receiver.order(commit)
        answer = self.receiver.ask(message)
        assert answer.status_code == 202, answer.text
        return Build(self, commit, message, answer.json())

    def begin_waiting(self) -> tuple[Build, Barrier]:
        """A build that waits in its first phase, of which Pagure knows."""
        barrier = self.receiver.barrier()
        build = self.begin(barrier.command)
        barrier.await_build()
        self.receiver.await_flag(build.commit, "pending", "Phase BUILD", COMMIT_CONTEXT)
        return build, barrier

    def kill(self) -> None:
        """Kill the program, and see that no build outlives it."""
        self.serve.kill()
        wait_for(lambda: not self.serve.processes(), 15, "the end of all builds' processes")

    def revive(self) -> None:
        """Start it again; what was held when it died is lost."""
        for gate in (self.pagure.there, self.pagure.back, self.git.there, self.git.back):
            gate.lose()
        self.serve.start()

    def reports(self) -> list[Message]:
        """The data of every report that has reached Pagure, in order."""
        return [json.loads(body)["data"] for body in list(self.pagure.passed)]


@dataclass(frozen=True)
class Build:
    """A build that was accepted."""

    fragile: Fragile
    commit: str
    message: Message
    answer: Any

    @property
    def id(self) -> str:
        return build_id(self.message)

    def ends(self) -> list[str]:
        """How often, and as what, its end has reached Pagure."""
        reports = self.fragile.reports()
        return [r["status"] for r in reports if r["build_id"] == self.id and r["status"] in FINAL]

    def await_ends(self) -> list[str]:
        """The same, as soon as there is one: Pagure shows a flag before it answers."""
        return wait_for(self.ends, what=f"the report of {self.id}'s end")

    def assert_succeeded(self, *, runs: int, begun: int) -> None:
        """It is over, its flag says so, it was taken and has begun so often; asking again changes nothing."""
        receiver = self.fragile.receiver
        receiver.await_flag(self.commit, "success", context=COMMIT_CONTEXT)
        kept = receiver.serve.await_ended(self.id)
        assert (kept.status, kept.runs, receiver.runs(self.id)) == ("success", runs, begun)
        again = receiver.ask(self.message)
        assert (again.status_code, again.json()) == (202, self.answer)
        assert receiver.serve.builds()[self.id] == kept
        assert set(receiver.flags(self.commit)) == {COMMIT_CONTEXT}
        assert set(self.await_ends()) == {"success"}
        receiver.serve.assert_tidy()


@pytest.fixture(scope="module")
def fragile(bed: Bed) -> Iterator[Fragile]:
    """One for the whole file: each test leaves it running."""
    project = fresh_project(bed, "fragile")
    with Relay(bed.url) as pagure, Relay(bed.git_url) as git:
        port = bed.state.target_ports[-3]
        settings = {"builds": {"parallel": 1}}
        serve = Serve(bed.folder.root / "fragile", port, pagure.url, [git.url], settings)
        serve.projects[project] = {name: {} for name in ["test", *STORM]}
        with receiver(bed, project, serve, by_hand=True) as made:
            yield Fragile(made, pagure, git)


def test_a_kill_after_the_answer_and_before_the_build(fragile: Fragile) -> None:
    first, barrier = fragile.begin_waiting()
    second = fragile.begin()
    fragile.kill()
    barrier.forget()
    fragile.revive()
    barrier.release()
    first.assert_succeeded(runs=2, begun=2)
    second.assert_succeeded(runs=1, begun=1)


@pytest.mark.parametrize("way", ["there", "back"])
def test_a_kill_while_the_source_is_fetched(fragile: Fragile, way: str) -> None:
    gate: Gate = getattr(fragile.git, way)
    gate.close()
    build = fragile.begin()
    gate.await_waiter()
    fragile.kill()
    fragile.revive()
    build.assert_succeeded(runs=2, begun=1)


def test_a_kill_while_a_phase_runs(fragile: Fragile) -> None:
    build, barrier = fragile.begin_waiting()
    fragile.kill()
    barrier.forget()
    fragile.revive()
    barrier.release()
    build.assert_succeeded(runs=2, begun=2)


def test_a_kill_after_the_end_and_before_its_report(fragile: Fragile) -> None:
    build, barrier = fragile.begin_waiting()
    fragile.pagure.there.close()
    barrier.release()
    fragile.serve.await_ended(build.id)
    fragile.pagure.there.await_waiter()
    fragile.kill()
    assert build.ends() == []
    fragile.revive()
    build.assert_succeeded(runs=1, begun=1)


def test_a_kill_after_the_report_and_before_its_answer(fragile: Fragile) -> None:
    build, barrier = fragile.begin_waiting()
    fragile.pagure.back.close()
    barrier.release()
    shown = fragile.receiver.await_flag(build.commit, "success", context=COMMIT_CONTEXT)
    fragile.pagure.back.await_waiter()
    fragile.kill()
    fragile.revive()
    wait_for(lambda: build.ends() == ["success", "success"], what="the report to be sent again")
    build.assert_succeeded(runs=1, begun=1)
    assert fragile.receiver.flags(build.commit)[COMMIT_CONTEXT] == shown


def test_a_kill_after_a_hold_is_shown_and_before_that_is_known(fragile: Fragile) -> None:
    made, bed = fragile.receiver, fragile.receiver.bed
    fork = bed.fork(made.project, "bob")
    commit = bed.push("bob", fork, "gift", spec("echo begun"), hooks=False)
    number = bed.open_pull_request(made.project, "gift", source=fork, user="bob")
    stranger = {"user": "bob", "can_push": False, "reason": "opened"}
    held = proposed(made, number, commit, stranger, fork.fullname)
    fragile.pagure.back.close()
    assert made.ask(held).status_code == 202
    made.await_flag(commit, "pending", f"Waits for a committer to ask for a rebuild of {commit[:12]}")
    fragile.pagure.back.await_waiter()
    fragile.kill()
    assert fragile.serve.builds()[build_id(held)].acknowledged is None

    fragile.revive()
    past_hold(fragile.serve, build_id(held))
    owner = {"user": "alice", "can_push": True, "reason": "rebuild"}
    released = proposed(made, number, commit, owner, fork.fullname)
    assert made.ask(released).status_code == 202
    made.await_flag(commit, "success")
    ended = {name: kept.status for name, kept in fragile.serve.builds().items() if kept.commit == commit}
    assert ended == {build_id(held): "canceled", build_id(released): "success"}
    assert made.runs(build_id(released)) == 1


def test_a_kill_after_a_newer_commit_took_the_place_of_an_older_one(fragile: Fragile) -> None:
    made = fragile.receiver
    barrier = made.barrier()
    committer = {"user": "alice", "can_push": True, "reason": "updated"}
    first = made.push("proposal", "echo begun", barrier.command)
    number = made.bed.open_pull_request(made.project, "proposal")
    older = proposed(made, number, first, committer)
    assert made.ask(older).status_code == 202
    barrier.await_build()
    fragile.pagure.there.close()
    second = made.push("proposal", "echo begun")
    newer = proposed(made, number, second, committer)
    assert made.ask(newer).status_code == 202
    fragile.kill()
    barrier.forget()

    fragile.revive()
    made.await_flag(first, "canceled", f"{second[:12]} is newer")
    made.await_flag(second, "success")
    fragile.serve.assert_tidy()
    assert fragile.serve.builds()[build_id(older)].runs == 1


def test_what_was_overtaken_while_it_was_fetched_leaves_nothing(fragile: Fragile) -> None:
    made = fragile.receiver
    committer = {"user": "alice", "can_push": True, "reason": "updated"}
    first = made.push("hasty", "echo begun")
    number = made.bed.open_pull_request(made.project, "hasty")
    fragile.git.back.close()
    older = proposed(made, number, first, committer)
    assert made.ask(older).status_code == 202
    fragile.git.back.await_waiter()
    second = made.push("hasty", "echo begun")
    newer = proposed(made, number, second, committer)
    assert made.ask(newer).status_code == 202
    fragile.git.back.open()
    made.await_flag(first, "canceled", f"{second[:12]} is newer")
    made.await_flag(second, "success")
    fragile.serve.assert_tidy()
    assert made.runs(build_id(newer)) == 1


def proposed(made: Receiver, number: int, commit: str, by: Message, clone: str | None = None) -> Message:
    """A request for the build of a pull request's commit, as of now."""
    message = made.order(commit)
    data = message["data"]
    data["event"] = "pull_request"
    data["requested_by"] = by | {"at": data["requested_by"]["at"]}
    data["source"]["clone_url"] = f"{made.serve.git[0]}/{clone or made.project.fullname}.git"
    data["pull_request"] = {
        "id": number,
        "title": "Please take this",
        "url": f"{made.serve.pagure}/{made.project.web}/pull-request/{number}",
        "author": by["user"],
        "author_can_push": by["can_push"],
        "target_branch": "main",
        "from_fork": clone is not None,
    }
    return message


def test_a_storm_of_requests_and_kills_loses_nothing(fragile: Fragile) -> None:
    made = fragile.receiver
    seed = random.randrange(1 << 32)
    print(f"the storm's dice fall as with the seed {seed}")
    dice = random.Random(seed)
    commit = made.push("storm", "echo begun")
    builds = {name: Build(fragile, commit, made.order(commit, job=f"local/{name}"), None) for name in STORM}
    with ThreadPoolExecutor(4) as forge:
        deliveries = [forge.submit(deliver, made, build.message) for build in builds.values()]
        for kill in range(KILLS):
            if not await_some_moment(fragile, dice, builds):
                assert kill > 1, "the storm was over before it began"
                break
            fragile.kill()
            fragile.revive()
        for delivery in deliveries:
            delivery.result(timeout=60)

    kept = {name: made.serve.await_ended(build.id) for name, build in builds.items()}
    for name, build in kept.items():
        # A build that was killed again and again is given up.
        expected = "error" if build.status == "error" and build.runs == 3 else "success"
        assert build.status == expected
        made.await_flag(commit, expected, context=f"local/{name} (commit)")
        assert set(builds[name].await_ends()) == {expected}
    assert [build.status for build in kept.values()].count("success") > KILLS
    made.serve.assert_tidy()


def await_some_moment(fragile: Fragile, dice: random.Random, builds: dict[str, Build]) -> bool:
    """Wait until a build runs, or until Pagure has had some reports more; whether that came to be before
    all was over."""
    to_run = dice.random() < 0.5
    enough = len(fragile.pagure.passed) + dice.randint(1, 6)

    def over() -> bool:
        return all(build.ends() for build in builds.values())

    def come() -> bool:
        return bool(fragile.serve.processes() if to_run else len(fragile.pagure.passed) >= enough)

    wait_for(lambda: come() or over(), 60, "a moment to kill the receiver")
    return not over()


def deliver(made: Receiver, message: Message) -> None:
    """Ask until it is accepted, as the plugin does."""

    def accepted() -> bool:
        try:
            return made.ask(message).status_code == 202
        except requests.ConnectionError:
            return False

    wait_for(accepted, 60, "a receiver that accepts")
