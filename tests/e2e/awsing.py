"""The whole circle over AWS: a Pagure project whose pull requests the two functions have built."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chela_bed import Bed, Project, orders, wait_for
from chela_bed.aws import Cloud, Plan, Stack
from chela_bed.aws.engines import PARALLEL, Build, Execution, build, source
from chela_bed.aws.engines.pipelines import Pipeline
from chela_bed.aws.identities import Identity
from chela_bed.scene import START
from conftest import NUMBERS
from serving import spec

SUCCEEDED = "The build succeeded"
STARTED = "Started"
HELD = "Waits for a committer to ask for a rebuild of"
# Longer than what was written may be on its way through the queues.
SETTLED = timedelta(minutes=11)
# What a CodeBuild project builds if nothing else is said; a build of ours never looks there.
ELSEWHERE = {"type": "S3", "location": "elsewhere/source.zip"}

Flag = dict[str, Any]


@dataclass(frozen=True)
class Proposal:
    """A pull request of somebody's, at one of its commits."""

    circle: Circle
    id: int
    branch: str
    commit: str

    def update(self, *commands: str, user: str = "alice", project: Project | None = None) -> Proposal:
        """Push one commit more."""
        circle = self.circle
        commit = circle.bed.push(user, project or circle.project, self.branch, spec(*commands))
        return Proposal(circle, self.id, self.branch, commit)

    def await_flag(self, status: str, comment: str = "", timeout: float = 30) -> Flag:
        """The flag of the pull request's commit, as soon as it has this status and says this."""
        return self.circle.await_flag(self.commit, status, comment, timeout=timeout)

    def rebuild(self, user: str = "alice") -> None:
        """Ask for a rebuild in a comment."""
        circle = self.circle
        circle.bed.rebuild_by_comment(circle.bed.login(user), circle.project, self.id)


@dataclass
class Circle:
    """A project of alice's with its form filled in, and the deployment that builds it."""

    bed: Bed
    stack: Stack
    project: Project
    caller: Identity
    # As Pagure's form has it.
    job: str
    token: str
    proposals: list[Proposal] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the job runs: the CodeBuild project or the pipeline."""
        return self.job.rpartition("/")[2]

    # What people do.

    def push(self, branch: str, *commands: str, **options: Any) -> str:
        """Push a commit, unnoticed by CI unless `hooks=True`, that builds with these commands; its id."""
        return self.bed.push("alice", self.project, branch, spec(*commands), **{"hooks": False, **options})

    def propose(self, branch: str, *commands: str) -> Proposal:
        """A pull request of alice's own."""
        commit = self.push(branch, *commands)
        return Proposal(self, self.bed.open_pull_request(self.project, branch), branch, commit)

    def propose_from(self, fork: Project, branch: str, *commands: str) -> Proposal:
        """A pull request of bob's, who may not push."""
        commit = self.bed.push("bob", fork, branch, spec(*commands), hooks=False)
        request = self.bed.open_pull_request(self.project, branch, source=fork, user="bob")
        return Proposal(self, request, branch, commit)

    def set_ci(self, job: str | None = None, **more: Any) -> None:
        """Fill in Pagure's form, with the key and the address of the deployment."""
        self.job = job or self.job
        key = {"username": self.caller.access_key, "password": self.caller.secret_key}
        self.token = self.bed.set_ci(self.project, self.stack.door.ci_url, self.job, **{**key, **more})
        self.stack.set_token(self.token, self.project.fullname)

    def enqueue(
        self, request: Mapping[str, Any] | None = None, *, queued: str | None = None, age: int = 0
    ) -> str:
        """Put a request into the queue as the way in does, or what it has put there; its build's id.

        It was first tried `age` seconds ago.
        """
        at = orders.moment(time.time_ns() // 1000 - age * 1_000_000)
        fresh = {"request": request, "caller": self.caller.arn}
        message: dict[str, Any] = json.loads(queued) if queued else fresh
        self.stack.requests.send({"tries": 0, **message, "accepted": at, "first": at})
        found: str = message["request"]["build_id"]
        return found

    # What is to be seen.

    def flags(self, commit: str) -> dict[str, Flag]:
        """The commit's flags in Pagure, by their names."""
        return {flag["username"]: flag for flag in self.bed.flags(self.project, commit)}

    def await_flag(
        self, commit: str, status: str, comment: str = "", context: str | None = None, timeout: float = 30
    ) -> Flag:
        """A flag, as soon as it has this status and says this."""
        seen: list[Flag | None] = [None]

        def found() -> Flag | None:
            flag = seen[0] = self.flags(commit).get(context or self.job)
            fits = flag and flag["status"] == status and comment in flag["comment"]
            return flag if fits else None

        try:
            return wait_for(found, timeout, "a flag")
        except TimeoutError as late:
            wanted = f"{status} {comment!r} on {commit} as {context or self.job}"
            raise AssertionError(f"{wanted} did not come, but {seen[0]}\n{self.diary()}") from late

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the ledger has of the project's builds, the oldest first."""
        found = [self.stack.ledger.json(key) for key in sorted(self.stack.ledger.keys("builds/"))]
        return [each for each in found if each["request"]["project"]["fullname"] == self.project.fullname]

    def records_of(self, commit: str) -> list[dict[str, Any]]:
        """What the ledger has of a commit's builds, the oldest first."""
        return [each for each in self.records if each["request"]["source"].get("commit") == commit]

    @property
    def builds(self) -> list[Build]:
        """All builds of the job's CodeBuild project, the oldest first."""
        return self.stack.engines.codebuild.of_project(self.name)

    @property
    def executions(self) -> list[Execution]:
        """All executions of the job's pipeline, the oldest first."""
        return self.stack.engines.codepipeline.pipelines[self.name].executions

    def messages(self) -> list[dict[str, Any]]:
        """What `trigger` was given of the queue of requests for this project, in order."""
        bodies = [json.loads(each["Records"][0]["body"]) for each in list(self.stack.requests_poller.given)]
        return [each for each in bodies if each["request"]["project"]["fullname"] == self.project.fullname]

    def told(self) -> list[dict[str, Any]]:
        """The reports that `trigger` has handed on for this project, in order."""
        sent = [json.loads(call.params["MessageBody"]) for call in self.stack.calls.of("sqs:SendMessage")]
        said = [each for each in sent if each.get("chela") == "say"]
        return [json.loads(each["body"]) for each in said if each["project"] == self.project.fullname]

    def diary(self, lines: int = 20) -> str:
        """The newest that the functions have logged and asked of AWS."""
        logs = [line for each in (self.stack.trigger, self.stack.report) for line in each.log.lines[-lines:]]
        calls = [str(call)[:400] for call in list(self.stack.calls)[-lines:]]
        return "\n".join([*map(_short, logs), *calls])

    # The end.

    def settle(self, timeout: float = 60) -> None:
        """Wait until every build is over, and everything of it is told."""
        wait_for(lambda: not running(self.stack), timeout, "the end of all builds")
        self.stack.engines.events.settle()
        self.stack.settle(timeout)

    def assert_tidy(self) -> None:
        """No flag is pending, no build ran twice, nothing is open, given up, or left half done."""
        self.settle()
        stack = self.stack
        left = [key for key in stack.ledger.keys("open/") if self._is_ours(key)]
        assert not left, f"{left}\n{self.diary()}"
        pending = [flag for flag in all_flags(self.bed, self.project) if flag["status"] == "pending"]
        assert not pending, f"{pending}\n{self.diary()}"
        assert_once(stack)
        for dead in (stack.dead_requests, stack.dead_reports):
            assert dead.count() == 0, f"{dead.name} has {dead.take()}"
        assert not stack.sources.uploads(), f"uploads without an end: {stack.sources.uploads()}"
        for function in (stack.trigger, stack.report):
            panics = [line for line in function.log.lines if "panicked" in line]
            assert not panics, "\n".join(panics)

    def _is_ours(self, key: str) -> bool:
        """Whether something open is of this project; what nobody has claimed is everybody's."""
        record = key.replace("open/", "builds/")
        if record not in self.stack.ledger.keys(record):
            return True
        request = self.stack.ledger.json(record)["request"]
        return bool(request["project"]["fullname"] == self.project.fullname)


def _short(line: str) -> str:
    """A line of a function's log without what every line says."""
    if not line.startswith("{"):
        return line
    entry = json.loads(line)
    span = entry.pop("span", {})
    told = [str(entry.pop(name, "")) for name in ("timestamp", "level", "message")]
    entry.pop("spans", None)
    return " ".join([*told, str(span.get("build", "")), str(entry)])


def make_pipeline(circle: Circle, *, key_override: bool = True, **declared: Any) -> Pipeline:
    """The pipeline of the circle's job: a source, and a CodeBuild project of the same name."""
    stack, name = circle.stack, circle.name
    stack.engines.codebuild.create(name, source={"type": "CODEPIPELINE"})
    taken = source(stack.sources.name, f"sources/codepipeline/{name}/none.zip", key_override=key_override)
    stages = {"Source": [taken], "Build": [build(name, ["CHELA_COMMIT"])]}
    variables = {"CHELA_BUILD_ID": "none", "CHELA_COMMIT": "none", "CHELA_PULL_REQUEST": "none"}
    settings = {"mode": PARALLEL, "variables": variables, **declared}
    return stack.engines.codepipeline.create(name, stages, **settings)


def running(stack: Stack) -> list[str]:
    """Builds and executions that are not over."""
    builds = [build.id for build in list(stack.engines.codebuild.builds.values()) if build.end is None]
    pipelines = list(stack.engines.codepipeline.pipelines.values())
    return builds + [each.id for line in pipelines for each in line.executions if not each.is_over]


def held(proposal: Proposal, text: str = HELD) -> None:
    """Wait until the flag says that a commit is held, and until what people do now is later than that."""
    proposal.await_flag("pending", f"{text} {proposal.commit[:12]}")
    ledger = proposal.circle.stack.ledger
    ident = proposal.circle.records_of(proposal.commit)[-1]["request"]["build_id"]

    def acknowledged() -> str | None:
        at: str | None = ledger.json(f"open/{ident}")["acknowledged"]
        return at

    end = wait_for(acknowledged, 30, f"the acknowledgement of the hold of {ident}")

    def over() -> bool:
        return orders.moment(time.time_ns() // 1000) > end

    wait_for(over, 30, "the second of the acknowledgement to be over")


def swept(stack: Stack, later: timedelta = SETTLED) -> dict[str, Any]:
    """What a sweep comes to that is so much later than all that has been written."""
    stack.front.older = later
    try:
        outcome = stack.sweep()
    finally:
        stack.front.older = timedelta()
    assert outcome.error is None, outcome
    return dict(outcome.answer)


def assert_once(stack: Stack) -> None:
    """No build of ours was started twice, by whichever engine."""
    ours = "CHELA_BUILD_ID"
    builds = list(stack.engines.codebuild.builds.values())
    started = Counter(
        build.variables[ours]
        for build in builds
        if ours in build.variables and not build.initiator.startswith("codepipeline/")
    )
    for pipeline in list(stack.engines.codepipeline.pipelines.values()):
        started.update(each.variables[ours] for each in pipeline.executions if ours in each.variables)
    twice = {build: count for build, count in started.items() if count > 1}
    assert not twice, twice


def all_flags(bed: Bed, project: Project) -> list[dict[str, Any]]:
    """Every flag of a project, as Pagure keeps them."""
    return bed.sql(
        "SELECT commit_hash, username, status, comment FROM commit_flags WHERE project_id = :project_id",
        project_id=bed.project_id(project),
    )


def target_port(bed: Bed) -> int:
    """A port that the bed's Pagure may reach, and on which nobody listens."""
    for port in reversed(bed.state.target_ports):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("all ports that the bed's Pagure may reach are taken")


@contextlib.contextmanager
def deployed(bed: Bed, cloud: Cloud, name: str, **plan: Any) -> Iterator[Stack]:
    """A deployment for a bed's Pagure."""
    made = Plan(bed.url, [bed.git_url], port=target_port(bed), **plan)
    with Stack(cloud, bed.folder.root / "aws" / name, made) as stack:
        yield stack


@contextlib.contextmanager
def circle_of(
    bed: Bed,
    stack: Stack,
    *,
    engine: str = "codebuild",
    settings: Mapping[str, Any] | None = None,
    job: Mapping[str, Any] | None = None,
    **ci: Any,
) -> Iterator[Circle]:
    """A fresh project of alice's that AWS builds; a job of CodeBuild's gets its project made.

    `settings` are further members of the project's map (`strangers`, further `jobs`), `job` those of its
    job (`name`, `untrusted`), `ci` those of Pagure's form. All is tidy at the end.
    """
    project = Project(f"aws-{next(NUMBERS)}", "demo")
    bed.create_project(project, "alice", START)
    named = f"{engine}/{project.name}"
    settings = dict(settings or {})
    jobs = {named: dict(job or {}), **settings.pop("jobs", {})}
    stack.settle()
    caller = stack.add_caller(f"pagure-{project.name}", {project.fullname: {"jobs": jobs, **settings}})
    if engine == "codebuild":
        stack.engines.codebuild.create(project.name, source=dict(ELSEWHERE))
    made = Circle(bed, stack, project, caller, named, "")
    made.set_ci(**ci)
    yield made
    made.assert_tidy()
