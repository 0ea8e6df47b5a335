"""Processes of `trigger` that die at every call on the way of a build, and many builds for that."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from awsing import Circle
from chela_bed import orders
from chela_bed.aws import Call, Fault, Kill, Moment
from chela_bed.aws.engines import of_type

TRIGGER = "chela-trigger"
# The calls of a build, and some.
STEPS = 22
ON_THE_WAY = [
    of_type("CodeBuild Build Phase Change"),
    of_type("CodeBuild Build State Change", build_status="IN_PROGRESS"),
    of_type("CodePipeline Stage Execution State Change"),
    of_type("CodePipeline Action Execution State Change"),
]


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

    def last(self, build: str) -> str:
        """The call at which a build died."""
        return self.asked[build][-1]

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


def steps_of(calls: Sequence[str]) -> list[Step]:
    """Before the first call and after each: what dies before the next one leaves the same behind."""
    steps = [Step(1, Moment.BEFORE), *(Step(number + 1, Moment.AFTER) for number in range(len(calls)))]
    assert len(steps) < STEPS
    return steps


def ask_the_doomed(fleet: Fleet, reaper: Reaper, steps: Sequence[Step]) -> dict[str, str]:
    """Ask for a build for each step at which it is to die once; their ids and jobs."""
    builds: dict[str, str] = {}
    fleet.circle.stack.requests_poller.pause()
    for job, step in zip(fleet.jobs[1:], steps, strict=False):
        build = fleet.ask(job)
        builds[build], reaper.doomed[build] = job, step
    fleet.circle.stack.requests_poller.resume()
    return builds


def assert_all_died_and_were_built(fleet: Fleet, reaper: Reaper, builds: Mapping[str, str]) -> None:
    """Each was killed once, and has succeeded."""
    unkilled = [step for build, step in reaper.doomed.items() if build not in reaper.killed]
    assert not unkilled, unkilled
    for build, job in builds.items():
        flag = fleet.flag(job)
        assert flag["status"] == "success", f"{reaper.doomed[build]} {reaper.last(build)}: {flag}"
