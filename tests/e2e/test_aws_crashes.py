"""Start once, whatever dies, comes twice, comes at once, or is refused by AWS in the middle."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from awsing import SUCCEEDED, Circle, circle_of, deployed, make_pipeline
from chela_bed import Bed, orders, wait_for
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
from chela_bed.aws.engines import of_type
from chela_bed.aws.faults import Effect

TRIGGER = "chela-trigger"
EXPIRED = Answer("ExpiredToken", 400, "The provided token has expired.")


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "crashes") as made:
        yield made


@pytest.fixture
def circle(bed: Bed, stack: Stack) -> Iterator[Circle]:
    with circle_of(bed, stack) as made:
        yield made


@dataclass(frozen=True)
class Step:
    """A place on the way of a build: before or after a call to AWS."""

    number: int
    moment: Moment


@dataclass
class Reaper:
    """Kills the process that carries out a build at a step, once for each build.

    A process of `trigger` has one build in hand, from the claim to the next claim.
    """

    doomed: dict[str, Step] = field(default_factory=dict)
    # What each build asked of AWS when it first came.
    asked: dict[str, list[str]] = field(default_factory=lambda: collections.defaultdict(list))
    killed: set[str] = field(default_factory=set)
    _hands: dict[str, str] = field(default_factory=dict)
    _steps: dict[int, Step] = field(default_factory=dict)

    def faults(self) -> list[Fault]:
        """One for each moment; the first counts."""
        return [
            Fault("*", Kill(), Moment.BEFORE, TRIGGER, self._before, times=None),
            Fault("*", Kill(), Moment.AFTER, TRIGGER, self._after, times=None),
        ]

    def _before(self, call: Call) -> bool:
        key = str(call.params.get("Key", ""))
        if call.name == "s3:PutObject" and key.startswith("builds/") and "IfNoneMatch" in call.params:
            self._hands[call.identity.arn] = key.removeprefix("builds/")
        build = self._hands.get(call.identity.arn)
        if build is None or build in self.killed:
            return False
        self.asked[build].append(_name(call))
        return self._strikes(build, Moment.BEFORE)

    def _after(self, call: Call) -> bool:
        build = self._hands.get(call.identity.arn)
        return build is not None and build not in self.killed and self._strikes(build, Moment.AFTER)

    def _strikes(self, build: str, moment: Moment) -> bool:
        strikes = self.doomed.get(build) == Step(len(self.asked[build]), moment)
        if strikes:
            self.killed.add(build)
        return strikes


def _name(call: Call) -> str:
    """A call, with as much of its key as is the same for all builds."""
    folder, slash, _ = str(call.params.get("Key", "")).partition("/")
    return f"{call.name} {folder}{slash}".rstrip()


@dataclass
class Fleet:
    """Many builds at once, each of a job of its own that runs the same CodeBuild project or pipeline."""

    circle: Circle
    jobs: list[str]
    commit: str
    pull_request: dict[str, Any] | None

    def ask(self, job: str, commit: str | None = None) -> str:
        """Have a job asked for; the build's id."""
        bed = self.circle.bed
        more: dict[str, Any] = {"pull_request": self.pull_request} if self.pull_request else {}
        message = orders.order(
            bed.url, bed.git_url, self.circle.project, commit or self.commit, job=job, **more
        )
        return self.circle.enqueue(message["data"])

    def flag(self, job: str, commit: str | None = None) -> dict[str, Any]:
        """A job's flag."""
        suffix = "" if self.pull_request else " (commit)"
        return self.circle.flags(commit or self.commit).get(f"{job}{suffix}", {"status": None})


STEPS = 22
ON_THE_WAY = [
    of_type("CodeBuild Build Phase Change"),
    of_type("CodeBuild Build State Change", build_status="IN_PROGRESS"),
    of_type("CodePipeline Stage Execution State Change"),
    of_type("CodePipeline Action Execution State Change"),
]


def fleet_of(circle: Circle, *, engine: str, pull_request: bool) -> Fleet:
    """A commit, or a pull request, with a job for each step; no form of Pagure's asks for anything."""
    jobs = {f"{engine}/step-{number}": {"name": circle.name} for number in range(STEPS)}
    mine = circle.stack.callers[circle.caller.arn][circle.project.fullname]["jobs"]
    mine.update(jobs)
    circle.stack.trigger.settings.variables["CHELA_CONFIG"] = circle.stack.config()
    circle.stack.trigger.retire()
    circle.set_ci(on_pull_requests=False, on_commits=False)
    commit = circle.push("fleet", "true")
    if not pull_request:
        return Fleet(circle, list(jobs), commit, None)
    proposal = circle.bed.open_pull_request(circle.project, "fleet")
    member = {
        "id": proposal,
        "title": "Please take this",
        "url": f"{circle.bed.url}/{circle.project.web}/pull-request/{proposal}",
        "author": "alice",
        "author_can_push": True,
        "target_branch": "main",
        "from_fork": False,
    }
    return Fleet(circle, list(jobs), commit, member)


def calls_of_a_good_run(fleet: Fleet, reaper: Reaper) -> list[str]:
    """What `trigger` asks of AWS for one build, in order."""
    first = fleet.ask(fleet.jobs[0])
    fleet.circle.settle()
    assert fleet.flag(fleet.jobs[0])["status"] == "success", fleet.circle.diary()
    return reaper.asked[first]


def steps_of(calls: list[str]) -> list[Step]:
    """Before the first call and after each: what dies before the next one leaves the same behind."""
    steps = [Step(1, Moment.BEFORE), *(Step(number + 1, Moment.AFTER) for number in range(len(calls)))]
    assert len(steps) < STEPS
    return steps


def kill_everywhere(fleet: Fleet, reaper: Reaper, calls: list[str]) -> dict[str, str]:
    """A build for each step at which it dies once; their ids and jobs."""
    steps = steps_of(calls)
    builds: dict[str, str] = {}
    fleet.circle.stack.requests_poller.pause()
    for job, step in zip(fleet.jobs[1:], steps, strict=False):
        build = fleet.ask(job)
        builds[build] = job
        reaper.doomed[build] = step
    fleet.circle.stack.requests_poller.resume()
    fleet.circle.settle(120)
    return builds


def assert_all_died_and_were_built(fleet: Fleet, reaper: Reaper, builds: dict[str, str]) -> None:
    unkilled = [step for build, step in reaper.doomed.items() if build not in reaper.killed]
    assert not unkilled, unkilled
    for build, job in builds.items():
        step = reaper.doomed[build]
        flag = fleet.flag(job)
        assert flag["status"] == "success", f"{step} {reaper.asked[build][-1]}: {flag}"


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
    assert_all_died_and_were_built(fleet, reaper, kill_everywhere(fleet, reaper, calls))


def test_whenever_it_is_killed_a_pipeline_runs_once(bed: Bed, stack: Stack, reaper: Reaper) -> None:
    with circle_of(bed, stack, engine="codepipeline") as circle:
        make_pipeline(circle)
        fleet = fleet_of(circle, engine="codepipeline", pull_request=True)
        calls = calls_of_a_good_run(fleet, reaper)
        assert {"codepipeline:GetPipeline", "codepipeline:StartPipelineExecution"} <= set(calls)
        assert_all_died_and_were_built(fleet, reaper, kill_everywhere(fleet, reaper, calls))


def test_whenever_it_is_killed_a_newer_build_ends_the_older_one(circle: Circle, reaper: Reaper) -> None:
    """Each step has an older build of its own that runs."""
    fleet = fleet_of(circle, engine="codebuild", pull_request=True)
    codebuild = circle.stack.engines.codebuild
    codebuild.running_limit = 100
    older = circle.push("older", "true")
    codebuild.hold(circle.name)
    running = [fleet.ask(job, older) for job in fleet.jobs]
    wait_for(lambda: len(circle.builds) == len(running), 60, "the older builds")
    circle.stack.settle()

    first = fleet.ask(fleet.jobs[0])
    wait_for(lambda: len(circle.builds) == len(running) + 1, 30, "the first newer build")
    circle.stack.settle()
    calls = reaper.asked[first]
    assert "codebuild:StopBuild" in calls
    steps = steps_of(calls)
    builds: dict[str, str] = {}
    circle.stack.requests_poller.pause()
    for job, step in zip(fleet.jobs[1:], steps, strict=False):
        build = fleet.ask(job)
        builds[build], reaper.doomed[build] = job, step
    circle.stack.requests_poller.resume()
    circle.stack.settle(120)
    codebuild.release(circle.name)
    circle.settle(120)

    assert_all_died_and_were_built(fleet, reaper, builds)
    overtaken = [fleet.flag(job, older) for job in [fleet.jobs[0], *builds.values()]]
    assert {(flag["status"], flag["comment"]) for flag in overtaken} == {
        ("canceled", f"Canceled: {fleet.commit[:12]} is newer")
    }


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


@pytest.mark.parametrize("place", ["claim", "stored", "start", "kept"])
def test_two_deliveries_at_once_start_one_build(circle: Circle, place: str) -> None:
    """Two processes come to the same call at the same time, and go on together."""
    operation, matches = PLACES[place]
    hold = Hold()
    circle.stack.requests_poller.deliver_twice()
    with circle.stack.faults.during(
        Fault(operation, hold, role=TRIGGER, matches=matches, times=None)
    ) as fault:
        request = circle.propose(f"at-once-{place}", "true")
        # A process that lost the race before has read what the other one wrote.
        hold.await_caller(2 if place in ("claim", "stored") else 1)
        hold.release()
        request.await_flag("success")
    pids = {call.identity.arn for call in fault.struck}
    assert len(pids) >= (2 if place in ("claim", "stored") else 1)
    assert len(circle.builds) == 1


def writes_of_record(condition: str) -> Callable[[Call], bool]:
    """Writes of `builds/` under a condition."""
    return lambda call: str(call.params.get("Key", "")).startswith("builds/") and condition in call.params


PLACES: dict[str, tuple[str, Callable[[Call], bool]]] = {
    "claim": ("s3:PutObject", writes_of_record("IfNoneMatch")),
    "stored": ("s3:PutObject", lambda call: str(call.params["Key"]).startswith("sources/")),
    "start": ("codebuild:StartBuild", lambda call: True),
    "kept": ("s3:PutObject", writes_of_record("IfMatch")),
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
ON_THE_ROAD = [
    "s3:PutObject",
    "s3:GetObject",
    "codebuild:BatchGetProjects",
    "codebuild:StartBuild",
]


@pytest.mark.parametrize("trouble", BUSY)
def test_what_passes_is_waited_for(circle: Circle, trouble: str) -> None:
    """Everywhere, and for longer than the SDK itself tries again."""
    stack = circle.stack
    stack.requests_poller.pause()
    request = circle.propose(f"patience-{trouble}", "true")
    request.await_flag("pending")
    faults = [Fault(operation, BUSY[trouble], role=TRIGGER, times=4) for operation in ON_THE_ROAD]
    for fault in faults:
        stack.faults.add(fault)
    stack.requests_poller.resume()
    request.await_flag("success", timeout=60)
    stack.faults.clear()
    assert [len(fault.struck) for fault in faults] == [4] * len(faults)
    assert len(circle.builds) == 1


def test_a_queue_that_does_not_take_a_request_lets_pagure_ask_again(circle: Circle) -> None:
    stack = circle.stack

    def to_requests(call: Call) -> bool:
        return bool(call.params["QueueUrl"] == stack.requests.url)

    fault = Fault("sqs:SendMessage", down, role=TRIGGER, matches=to_requests, times=4)
    with stack.faults.during(fault):
        request = circle.propose("unavailable", "true")
        request.await_flag("success", timeout=60)
    answered = [visit.status for visit in stack.door.visits if visit.caller == circle.caller.arn]
    assert answered[0] == 503
    assert answered[-1] == 202
    assert len(circle.builds) == 1


def test_a_door_whose_function_dies_lets_pagure_ask_again(circle: Circle) -> None:
    stack = circle.stack

    def to_requests(call: Call) -> bool:
        return bool(call.params["QueueUrl"] == stack.requests.url)

    # The request is in the queue, and Pagure does not know.
    fault = Fault("sqs:SendMessage", Kill(), Moment.AFTER, TRIGGER, to_requests)
    with stack.faults.during(fault):
        circle.propose("deaf", "true").await_flag("success", timeout=60)
        wait_for(lambda: len(visits(circle)) == 2, 60, "the second request")
    assert visits(circle) == [502, 202]
    circle.settle()
    bodies = [json.dumps(each["request"], sort_keys=True) for each in circle.messages()]
    assert len(bodies) == 2
    assert len(set(bodies)) == 1
    assert len(circle.builds) == 1


def visits(circle: Circle) -> list[int]:
    """What the project's requests got at the door."""
    return [visit.status for visit in circle.stack.door.visits if visit.caller == circle.caller.arn]


def test_what_dies_every_time_is_an_error_in_the_end(circle: Circle) -> None:
    """As with a repository that takes all memory: the process is gone before it can say anything."""
    fault = Fault("codebuild:BatchGetProjects", Kill(), role=TRIGGER, times=None)
    with circle.stack.faults.during(fault):
        flag = circle.propose("doomed", "true").await_flag("error")
    assert flag["comment"].startswith("The function trigger was ended 3 times before the build had started")
    assert len(fault.struck) == 3
    assert not circle.builds
