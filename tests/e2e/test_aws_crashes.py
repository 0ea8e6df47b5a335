"""Start once, whatever dies, comes twice, comes at once, or is refused by AWS in the middle."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from awsing import SUCCEEDED, Circle, Proposal, circle_of, deployed, make_pipeline
from chela_bed import Bed, wait_for
from chela_bed.aws import (
    Answer,
    Call,
    Cloud,
    Cut,
    Fault,
    Hold,
    Kill,
    Moment,
    Stack,
    conflict,
    down,
    throttled,
)
from chela_bed.aws.faults import Effect
from dying import (
    ON_THE_WAY,
    STEPS,
    TRIGGER,
    Reaper,
    ask_the_doomed,
    assert_all_died_and_were_built,
    calls_of_a_good_run,
    fleet_of,
    steps_of,
)

EXPIRED = Answer("ExpiredToken", 400, "The provided token has expired.")


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "crashes") as made:
        yield made


@pytest.fixture
def circle(bed: Bed, stack: Stack) -> Iterator[Circle]:
    with circle_of(bed, stack) as made:
        yield made


@pytest.fixture
def reaper(stack: Stack) -> Iterator[Reaper]:
    made = Reaper()
    for fault in made.faults():
        stack.faults.add(fault)
    # Nobody reads what Pagure would be told on the way.
    for matches in ON_THE_WAY:
        stack.engines.events.lose(matches)
    yield made
    stack.engines.events.calm()
    stack.faults.clear()


CODEBUILD = [
    "s3:PutObject builds/",
    "s3:PutObject open/",
    "codebuild:BatchGetProjects",
    "s3:PutObject sources/",
    "s3:PutObject builds/",
    "codebuild:StartBuild",
    "s3:PutObject builds/",
    "s3:PutObject executions/",
    "sqs:SendMessage",
    "sqs:SendMessage",
]


@pytest.mark.parametrize("pull_request", [False, True], ids=["commit", "pull-request"])
def test_whenever_it_is_killed_a_build_runs_once(
    circle: Circle, reaper: Reaper, *, pull_request: bool
) -> None:
    fleet = fleet_of(circle, engine="codebuild", pull_request=pull_request)
    calls = calls_of_a_good_run(fleet, reaper)
    assert [call for call in calls if not call.endswith("heads/")] == CODEBUILD
    builds = ask_the_doomed(fleet, reaper, steps_of(calls))
    circle.settle(120)
    assert_all_died_and_were_built(fleet, reaper, builds)


def test_whenever_it_is_killed_a_pipeline_runs_once(bed: Bed, stack: Stack, reaper: Reaper) -> None:
    with circle_of(bed, stack, engine="codepipeline") as circle:
        make_pipeline(circle)
        fleet = fleet_of(circle, engine="codepipeline", pull_request=True)
        calls = calls_of_a_good_run(fleet, reaper)
        assert {"codepipeline:GetPipeline", "codepipeline:StartPipelineExecution"} <= set(calls)
        builds = ask_the_doomed(fleet, reaper, steps_of(calls))
        circle.settle(120)
        assert_all_died_and_were_built(fleet, reaper, builds)


def test_whenever_it_is_killed_a_newer_build_ends_the_older_one(circle: Circle, reaper: Reaper) -> None:
    """Each step has an older build of its own that runs."""
    fleet = fleet_of(circle, engine="codebuild", pull_request=True)
    codebuild = circle.stack.engines.codebuild
    codebuild.running_limit = 100
    older = circle.push("older", "echo older")
    codebuild.hold(circle.name)
    running = [fleet.ask(job, older) for job in fleet.jobs[: STEPS // 2]]
    wait_for(lambda: len(circle.builds) == len(running), 60, "the older builds")
    circle.stack.settle()

    first = fleet.ask(fleet.jobs[0])
    wait_for(lambda: len(circle.builds) == len(running) + 1, 30, "the first newer build")
    circle.stack.settle()
    calls = reaper.asked[first]
    assert "codebuild:StopBuild" in calls
    # Before and after that it is the way of any build.
    ends = slice(calls.index("s3:PutObject heads/"), calls.index("codebuild:BatchGetProjects"))
    builds = ask_the_doomed(fleet, reaper, steps_of(calls)[ends])
    circle.stack.settle(120)
    codebuild.release(circle.name)
    circle.settle(120)

    assert_all_died_and_were_built(fleet, reaper, builds)
    newer = f"Canceled: {fleet.commit[:12]} is newer"
    assert fleet.flag(fleet.jobs[0], older)["comment"] == newer
    for build, job in builds.items():
        flag = fleet.flag(job, older)
        # Who dies right after the stop has not kept why: then CodeBuild's own word is the last one.
        texts = {newer, "Stopped in CodeBuild"} if reaper.last(build) == "codebuild:StopBuild" else {newer}
        assert flag["status"] == "canceled"
        assert flag["comment"] in texts, reaper.last(build)


# Deliveries


def test_a_duplicate_delivery_starts_nothing(circle: Circle) -> None:
    request = circle.propose("twice", "true")
    request.await_flag("success")
    (message,) = circle.messages()
    circle.settle()
    circle.stack.requests.send(message)
    circle.settle()
    assert len(circle.builds) == 1
    assert request.await_flag("success")["comment"] == SUCCEEDED


@pytest.mark.parametrize("place", ["claim", "upload", "stored", "start", "kept"])
def test_two_deliveries_at_once_start_one_build(circle: Circle, place: str) -> None:
    """Two processes come to the same call, and go on from there together."""
    circle.stack.calls.clear()
    operation, matches = places(circle)[place]
    hold = Hold()
    circle.stack.requests_poller.deliver_twice()
    held = Fault(operation, hold, role=TRIGGER, matches=matches, times=None)
    with circle.stack.faults.during(held):
        request = circle.propose(f"at-once-{place}", "true")
        both = hold.await_caller(2)
        assert len({call.identity.arn for call in both}) == 2
        hold.release()
        request.await_flag("success")
    circle.settle()
    assert len(circle.builds) == 1


def places(circle: Circle) -> dict[str, tuple[str, Callable[[Call], bool]]]:
    """Calls on the way of a build."""

    def writes_record(call: Call, condition: str) -> bool:
        return of_folder("builds")(call) and condition in call.params

    def has_started(call: Call) -> bool:
        return writes_record(call, "IfMatch") and bool(circle.builds)

    return {
        "claim": ("s3:PutObject", lambda call: writes_record(call, "IfNoneMatch")),
        "upload": ("s3:PutObject", of_folder("sources")),
        "stored": ("s3:PutObject", lambda call: writes_record(call, "IfMatch")),
        "start": ("codebuild:StartBuild", lambda call: True),
        "kept": ("s3:PutObject", has_started),
    }


# What AWS says no to


def test_a_write_that_meets_another_one_is_tried_again(circle: Circle) -> None:
    folders = ["builds", "open", "heads", "sources", "executions"]
    faults = [Fault("s3:PutObject", conflict, role=TRIGGER, matches=of_folder(each)) for each in folders]
    for fault in faults:
        circle.stack.faults.add(fault)
    circle.propose("conflict", "true").await_flag("success")
    circle.stack.faults.clear()
    assert [len(fault.struck) for fault in faults] == [1] * len(folders)
    assert len(circle.builds) == 1


def of_folder(folder: str) -> Callable[[Call], bool]:
    """Calls about objects of a folder."""
    return lambda call: str(call.params.get("Key", "")).startswith(f"{folder}/")


def test_what_is_absent_looks_forbidden_and_is_absent_all_the_same(circle: Circle) -> None:
    circle.stack.calls.clear()
    circle.propose("absent", "true").await_flag("success")
    absent = [call for call in circle.stack.calls.of("s3:GetObject", TRIGGER) if call.status == 403]
    assert [str(call.params["Key"]).partition("/")[0] for call in absent] == ["heads"]


BUSY: dict[str, Effect] = {"throttled": throttled, "down": down, "cut": Cut(), "expired": EXPIRED}
# What is asked on the way, and the trouble that lasts there: longer than the SDK itself tries again.
LASTING = {
    "s3:GetObject": "expired",
    "s3:PutObject": "down",
    "codebuild:BatchGetProjects": "cut",
    "codebuild:StartBuild": "throttled",
}


@pytest.mark.parametrize("trouble", BUSY)
def test_what_passes_is_waited_for(circle: Circle, trouble: str) -> None:
    stack = circle.stack
    stack.requests_poller.pause()
    request = circle.propose(f"patience-{trouble}", "true")
    request.await_flag("pending")
    times = {operation: 4 if lasting == trouble else 1 for operation, lasting in LASTING.items()}
    faults = {each: Fault(each, BUSY[trouble], role=TRIGGER, times=count) for each, count in times.items()}
    for fault in faults.values():
        stack.faults.add(fault)
    stack.requests_poller.resume()
    request.await_flag("success", timeout=60)
    stack.faults.clear()
    assert {operation: len(fault.struck) for operation, fault in faults.items()} == times
    assert len(circle.builds) == 1


def test_what_dies_every_time_is_an_error_in_the_end(circle: Circle) -> None:
    """As with a repository that takes all memory: the process is gone before it can say anything."""
    fault = Fault("codebuild:BatchGetProjects", Kill(), role=TRIGGER, times=None)
    with circle.stack.faults.during(fault):
        flag = circle.propose("doomed", "true").await_flag("error")
    assert flag["comment"].startswith("The function trigger was ended 3 times before the build had started")
    assert len(fault.struck) == 3
    assert not circle.builds


# The door


@dataclass(frozen=True)
class Asking:
    """Requests that Pagure got no good answer to, and has to send again half a minute later."""

    unavailable: Circle
    unkept: Proposal
    deaf: Circle
    unanswered: Proposal


@pytest.fixture(scope="module", autouse=True)
def asking(bed: Bed, aws_cloud: Cloud) -> Iterator[Asking]:
    """They are asked first, so that the other tests pass meanwhile; beside them, on a stack of its own."""
    with deployed(bed, aws_cloud, "door") as stack, contextlib.ExitStack() as circles:
        unavailable, deaf = (circles.enter_context(circle_of(bed, stack)) for _ in range(2))

        def to_requests(call: Call) -> bool:
            return bool(call.params["QueueUrl"] == stack.requests.url)

        # One more than the SDK tries.
        stack.faults.add(Fault("sqs:SendMessage", down, role=TRIGGER, matches=to_requests, times=4))
        unkept = unavailable.propose("unavailable", "true")
        wait_for(lambda: visits(unavailable), 30, "the request that is not kept")
        stack.faults.clear()
        # The request is in the queue, and Pagure does not know.
        stack.faults.add(Fault("sqs:SendMessage", Kill(), Moment.AFTER, TRIGGER, to_requests))
        unanswered = deaf.propose("deaf", "true")
        wait_for(lambda: visits(deaf), 30, "the request that is not answered")
        stack.faults.clear()
        yield Asking(unavailable, unkept, deaf, unanswered)


def visits(circle: Circle) -> list[int]:
    """What the project's requests got at the door."""
    return [visit.status for visit in circle.stack.door.visits if visit.caller == circle.caller.arn]


def test_a_queue_that_does_not_take_a_request_lets_pagure_ask_again(asking: Asking) -> None:
    asking.unkept.await_flag("success", timeout=60)
    assert visits(asking.unavailable) == [503, 202]
    assert len(asking.unavailable.builds) == 1


def test_a_door_whose_function_dies_has_the_build_run_once(asking: Asking) -> None:
    asking.unanswered.await_flag("success")
    assert visits(asking.deaf)[0] == 502
    assert len(asking.deaf.builds) == 1
