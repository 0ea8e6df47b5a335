"""CodeBuild: projects, and builds that really run."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chela_bed.aws.api import Members, ServiceError
from chela_bed.aws.engines import builds
from chela_bed.aws.engines.builds import Build, Ending, Handed
from chela_bed.aws.engines.course import Course
from chela_bed.aws.engines.envelope import role, who
from chela_bed.aws.engines.floor import Floor, Gates
from chela_bed.aws.engines.projects import (
    BuildProject,
    Settings,
    check_source,
    invalid,
    settings,
)
from chela_bed.aws.engines.tokens import Mismatch, Tokens
from chela_bed.aws.model import service_model, validate

MODEL = service_model("codebuild")
STOPPED = Ending(builds.STOPPED)
# Phases whose beginning sets a time-out's clock.
TIMED = (builds.QUEUED, builds.PROVISIONING)


class CodeBuild:
    """The service. What tests may set stands first; `Members` are the API's."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        # How many builds run at a time, and how many more may wait.
        self.running_limit = 20
        self.queue_limit = 100
        # Builds on one page of a list; with more than that, AWS refuses to sort.
        self.page = 100
        # StopBuild on a build that is over: AWS documents no error, so the build is returned as it
        # is; an error's code here instead plays the other guess.
        self.stop_of_ended: str | None = None
        self.projects: dict[str, BuildProject] = {}
        self.builds: dict[str, Build] = {}
        self.gates = Gates(floor.changed)
        self._forced: dict[str, list[Ending]] = defaultdict(list)
        self._tokens = Tokens()
        self._courses: dict[str, Course] = {}
        self._operations: dict[str, Callable[[Members, str], dict[str, Any]]] = {
            "StartBuild": self._start_build,
            "StopBuild": self._stop_build,
            "BatchGetBuilds": self._batch_get_builds,
            "BatchGetProjects": self._batch_get_projects,
            "ListBuildsForProject": self._list_builds,
        }
        floor.clock.each_advance(self._time_out)

    # For tests.

    def create(self, name: str, build_role: str | None = None, **fields: Any) -> BuildProject:
        """A project. `fields` are `BuildProject`'s; NO_SOURCE, private and without a limit by default."""
        arn = build_role or role(self.floor.account, f"build-{name}")
        return self.adopt(BuildProject(name, arn, self.floor.clock.now(), **fields))

    def adopt(self, project: BuildProject) -> BuildProject:
        """A project that is described."""
        check_source(project.source)
        validate(MODEL.operation_model("CreateProject"), project.request())
        self.projects[project.name] = project
        return project

    def force(self, project: str, status: str, phase: str = "BUILD", message: str = "") -> None:
        """End the next build of a project so, in that phase; `SUCCEEDED` runs no commands."""
        self._forced[project].append(Ending(status, phase, status if message else "", message))

    def hold(self, project: str, before: str = "INSTALL") -> None:
        """Hold builds of a project in a phase: `QUEUED`, before their commands, before `FINALIZING`."""
        self.gates.shut(project, before)

    def await_held(self, project: str, before: str = "INSTALL", timeout: float = 30) -> None:
        """Wait until a build is held there."""
        self.gates.await_waiter(project, before, timeout)

    def release(self, project: str, before: str = "INSTALL") -> None:
        """Let them go on."""
        self.gates.open(project, before)

    def of_project(self, project: str) -> list[Build]:
        """All its builds, the oldest first."""
        return [build for build in self.builds.values() if build.project == project]

    def with_variable(self, name: str, value: str) -> list[Build]:
        """Builds that were given this value, the oldest first: CHELA_BUILD_ID's may be one at most."""
        return [build for build in self.builds.values() if build.variables.get(name) == value]

    def await_ended(self, build: Build | str, timeout: float = 60) -> Build:
        """Wait for the end of a build."""
        found = self.builds[build] if isinstance(build, str) else build
        if not found.ended.wait(timeout):
            raise TimeoutError(f"{found.id} is still in {found.phase}")
        return found

    def limit(self, running: int, queued: int) -> None:
        """Set the account's capacity."""
        with self.floor.changed:
            self.running_limit, self.queue_limit = running, queued
            self._admit()

    def forget(self, build: Build) -> None:
        """Forget a build, as AWS does with old ones."""
        with self.floor.changed:
            del self.builds[build.id]

    def close(self) -> None:
        """Stop all builds."""
        with self.floor.changed:
            for course in list(self._courses.values()):
                course.interrupt(STOPPED)

    # For the front, and for CodePipeline.

    def handle(self, operation: str, params: Members, caller: str) -> dict[str, Any]:
        """Answer one call."""
        if operation not in self._operations:
            raise ServiceError("UnknownOperationException", f"the stand-in does not play {operation}")
        validate(MODEL.operation_model(operation), params)
        with self.floor.changed:
            return self._operations[operation](params, caller)

    def start(
        self, name: str, held: Settings, initiator: str, asked: Members, handed: Handed | None = None
    ) -> Build:
        """Start a build with these settings, or refuse it for want of capacity."""
        with self.floor.changed:
            if self.floor.closing:
                raise ServiceError("ServiceUnavailable", "the stand-in is closing", 503)
            project = self._project(name)
            self._check_capacity(project)
            return self._begin(project, held, initiator, asked, handed)

    def settings(self, name: str, request: Members) -> Settings:
        """What would hold for this request."""
        return settings(self._project(name), request, self.floor.account)

    def _start_build(self, params: Members, caller: str) -> dict[str, Any]:
        now, token = self.floor.clock.now(), params.get("idempotencyToken")
        try:
            before = self._tokens.begun(token, params, now)
        except Mismatch as mismatch:
            raise invalid(
                f"The idempotency token {token} was used with other parameters: parameter mismatch"
            ) from mismatch
        if before is not None:
            return {"build": self.builds[before].api()}
        held = self.settings(params["projectName"], params)
        build = self.start(params["projectName"], held, who(caller), dict(params))
        self._tokens.remember(token, params, now, build.id)
        return {"build": build.api()}

    def _stop_build(self, params: Members, _: str) -> dict[str, Any]:
        build = self._build(params["id"])
        if build is None:
            raise ServiceError("ResourceNotFoundException", f"Build {params['id']} does not exist")
        if build.end is not None:
            if self.stop_of_ended is not None:
                raise ServiceError(self.stop_of_ended, f"Build {build.id} is not in progress")
            return {"build": build.api()}
        self._courses[build.id].interrupt(STOPPED)
        return {"build": {**build.api(), "buildStatus": builds.STOPPED}}

    def _batch_get_builds(self, params: Members, _: str) -> dict[str, Any]:
        found = {each: self._build(each) for each in params["ids"]}
        absent = [each for each, build in found.items() if build is None]
        answer = [build.api() for build in found.values() if build]
        return {"builds": answer, **({"buildsNotFound": absent} if absent else {})}

    def _batch_get_projects(self, params: Members, _: str) -> dict[str, Any]:
        found = {each: self.projects.get(_last(each, "project/")) for each in params["names"]}
        absent = [each for each, project in found.items() if project is None]
        answer = [project.api(self.floor.account) for project in found.values() if project]
        return {"projects": answer, **({"projectsNotFound": absent} if absent else {})}

    def _list_builds(self, params: Members, _: str) -> dict[str, Any]:
        project = self._project(params["projectName"])
        numbered = sorted(self.of_project(project.name), key=lambda build: build.number)
        if "sortOrder" in params and len(numbered) > self.page:
            raise invalid(f"a project with more than {self.page} builds cannot be sorted")
        if params.get("sortOrder", "DESCENDING") == "DESCENDING":
            numbered.reverse()
        ids = [build.id for build in numbered]
        start = _start_of_page(params.get("nextToken"), ids)
        page = ids[start : start + self.page]
        more = {"nextToken": f"after {page[-1]}"} if start + self.page < len(ids) else {}
        return {"ids": page, **more}

    def _project(self, name: str) -> BuildProject:
        project = self.projects.get(_last(name, "project/"))
        if project is None:
            arn = self.floor.account.arn("codebuild", f"project/{name}")
            raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {arn}")
        return project

    def _build(self, name: str) -> Build | None:
        return self.builds.get(_last(name, "build/"))

    def _check_capacity(self, project: BuildProject) -> None:
        open_now = [build for build in self.builds.values() if build.end is None]
        of_project = sum(build.project == project.name for build in open_now)
        if project.concurrent is not None and of_project >= project.concurrent:
            raise ServiceError(
                "AccountLimitExceededException",
                f"Cannot have more than {project.concurrent} concurrent builds for the project",
            )
        # What finds a place at once does not wait in the queue.
        if len(open_now) >= self.running_limit + self.queue_limit:
            raise ServiceError(
                "AccountLimitExceededException",
                f"Cannot have more than {self.queue_limit} builds in queue for the account",
            )

    def _begin(
        self, project: BuildProject, held: Settings, initiator: str, asked: Members, handed: Handed | None
    ) -> Build:
        project.builds += 1
        build = Build(
            project.name,
            str(uuid.uuid4()),
            project.builds,
            self.floor.account,
            asked,
            held,
            initiator,
            self.floor.clock.now(),
            handed=handed,
        )
        forced = self._forced[project.name].pop(0) if self._forced[project.name] else None
        self.builds[build.id] = build
        course = self._courses[build.id] = Course(self.floor, self.gates, build, forced)
        course.submit()
        self._admit()
        self.floor.spawn(lambda: self._follow(course))
        return build

    def _follow(self, course: Course) -> None:
        course.run()
        with self.floor.changed:
            del self._courses[course.build.id]
            self._retry(course.build)
            self._admit()

    def _admit(self) -> None:
        """Let builds out of the queue, the oldest first, as long as there is room."""
        under_way = list(self._courses.values())
        room = self.running_limit - sum(course.admitted for course in under_way)
        for course in [course for course in under_way if not course.admitted][: max(room, 0)]:
            course.admitted = True
        self.floor.changed.notify_all()

    def _retry(self, build: Build) -> None:
        """CodeBuild repeats a failed build by itself, where the project or the request says so."""
        if (
            self.floor.closing
            or build.status != builds.FAILED
            or build.retries >= build.settings.auto_retries
        ):
            return
        project = self.projects[build.project]
        build.retried_as = self._begin(project, build.settings, build.initiator, build.asked, build.handed)
        build.retried_as.retry_of = build

    def _time_out(self) -> None:
        with self.floor.changed:
            for course in list(self._courses.values()):
                if course.build.end is None and self._is_late(course.build):
                    course.interrupt(Ending(builds.TIMED_OUT))

    def _is_late(self, build: Build) -> bool:
        queued = build.phase == builds.QUEUED
        minutes = build.settings.queued_timeout if queued else build.settings.timeout
        began = [phase.start for phase in build.phases if phase.name in TIMED][-1]
        return self.floor.clock.now() - began >= timedelta(minutes=minutes)


def _last(name: str, marker: str) -> str:
    """The name in an ARN, or the name itself."""
    return name.partition(f":{marker}")[2] or name


def _start_of_page(token: str | None, ids: list[str]) -> int:
    if token is None:
        return 0
    last = token.removeprefix("after ")
    if last == token or last not in ids:
        raise invalid(f"Invalid next token: {token}")
    return ids.index(last) + 1
