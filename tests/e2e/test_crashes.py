"""A worker that is killed between any two steps of a delivery loses no build, and doubles none for good."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from enum import Enum

import pytest
from asking import Desk, desk, push_trigger
from chela_bed import Bed, Reply, Role, wait_for
from chela_bed.broker import Broker
from chela_bed.locks import no_flag_is_written

ACCEPTED = "Accepted by the CI service"


class Victim(Enum):
    """What dies of a worker."""

    # Celery hands its message out again at once.
    CHILD = "the process that works"
    # The broker hands its messages out again when it has lost patience.
    WORKER = "the whole worker"


@pytest.fixture(params=Victim, ids=lambda victim: victim.name.lower())
def victim(request: pytest.FixtureRequest) -> Victim:
    found: Victim = request.param
    return found


@pytest.fixture
def ci(bed: Bed) -> Iterator[Desk]:
    """A fresh project with CI."""
    with desk(bed) as made:
        yield made


@pytest.fixture
def broker(bed: Bed) -> Broker:
    made = Broker(bed)
    made.await_quiet()
    return made


def test_a_kill_after_the_trigger_was_taken_and_before_the_flag(
    ci: Desk, broker: Broker, victim: Victim
) -> None:
    with no_flag_is_written(ci.bed, ci.project) as lock:
        commit = ask(ci)
        lock.await_waiter()
        wanted = triggered(broker)
        strike(ci.bed, victim)
    assert ci.bed.flags(ci.project, commit) == []
    recover(broker, victim)
    assert_delivered(ci, broker, commit, [wanted])


def test_a_kill_after_the_flag_and_before_its_message(ci: Desk, broker: Broker, victim: Victim) -> None:
    with contextlib.ExitStack() as later:
        with no_flag_is_written(ci.bed, ci.project) as lock:
            commit = ask(ci)
            lock.await_waiter()
            wanted = triggered(broker)
            later.enter_context(broker.frozen())
        wait_for(lambda: ci.bed.flags(ci.project, commit), what="the flag")
        strike(ci.bed, victim)
    assert ci.target.requests == []
    recover(broker, victim)
    assert_delivered(ci, broker, commit, [wanted])


def test_a_kill_while_the_ci_service_is_asked(ci: Desk, broker: Broker, victim: Victim) -> None:
    ci.target.answer(Reply(after=threading.Event()))
    commit = ask(ci)
    (first,) = ci.target.wait()
    strike(ci.bed, victim)
    recover(broker, victim)
    assert_delivered(ci, broker, commit, [first.build_id] * 2)


def test_a_kill_after_a_bad_answer_and_before_the_next_message(
    ci: Desk, broker: Broker, victim: Victim
) -> None:
    answered = threading.Event()
    ci.target.answer(Reply(503, after=answered))
    commit = ask(ci)
    (first,) = ci.target.wait()
    with broker.frozen():
        answered.set()
        noted = f"Build {first.build_id}: waiting"
        wait_for(lambda: noted in ci.bed.log(Role.CI_WORKER), what="the answer in the worker's log")
        strike(ci.bed, victim)
    assert [flag["comment"] for flag in ci.bed.flags(ci.project, commit)] == ["Waiting for the CI service"]
    recover(broker, victim)
    assert_delivered(ci, broker, commit, [first.build_id] * 2)


def test_a_kill_after_the_next_message_and_before_the_flag(ci: Desk, broker: Broker, victim: Victim) -> None:
    answered = threading.Event()
    # The message that was published and the one that is handed out again both go on: once more each,
    # if the CI service is still down, and no more than that.
    ci.target.answer(Reply(503, after=answered), Reply(503))
    commit = ask(ci)
    (first,) = ci.target.wait()
    with no_flag_is_written(ci.bed, ci.project) as lock:
        answered.set()
        lock.await_waiter()
        strike(ci.bed, victim)
    recover(broker, victim)
    assert_delivered(ci, broker, commit, [first.build_id] * 3)


def test_a_kill_after_a_good_answer_and_before_the_flag(ci: Desk, broker: Broker, victim: Victim) -> None:
    answered = threading.Event()
    ci.target.answer(Reply(after=answered))
    commit = ask(ci)
    (first,) = ci.target.wait()
    with no_flag_is_written(ci.bed, ci.project) as lock:
        answered.set()
        lock.await_waiter()
        strike(ci.bed, victim)
    recover(broker, victim)
    assert_delivered(ci, broker, commit, [first.build_id] * 2)


def ask(ci: Desk) -> str:
    """Push a commit and let Pagure's trigger ask for its build; the commit."""
    commit = ci.bed.push("alice", ci.project, "topic", {"a.txt": "1\n"}, hooks=False)
    ci.bed.publish(push_trigger(ci.project, commit, "topic"))
    return commit


def triggered(broker: Broker) -> str:
    """The build of the one trigger that the worker has taken."""
    (message,) = broker.taken().values()
    build_id: str = json.loads(message["headers"]["chela"])["build_id"]
    return build_id


def strike(bed: Bed, victim: Victim) -> None:
    """Kill it, with no chance to tidy up."""
    if victim is Victim.WORKER:
        bed.kill(Role.CI_WORKER)
        return
    (child,) = bed.process(Role.CI_WORKER).children()
    os.kill(child, signal.SIGKILL)


def recover(broker: Broker, victim: Victim) -> None:
    """Start the next worker, where Celery does not do so itself."""
    if victim is Victim.WORKER:
        broker.lose_patience()
        broker.bed.start(Role.CI_WORKER)


def assert_delivered(ci: Desk, broker: Broker, commit: str, builds: list[str]) -> None:
    """The build arrived, under the one id it always had; nothing goes on; the flag is right."""
    ci.target.wait(len(builds), timeout=60)
    broker.await_quiet()
    requests = ci.target.requests
    assert [request.build_id for request in requests] == builds
    assert {request.body for request in requests} == {requests[0].body}
    for request in requests:
        assert request.verified(ci.token)["data"]["source"]["commit"] == commit
    flags = [(flag["status"], flag["comment"]) for flag in ci.bed.flags(ci.project, commit)]
    assert flags == [("pending", ACCEPTED)]
