"""The way of one build through its phases, on a thread of its own."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chela_bed.aws.engines import builds, notices
from chela_bed.aws.engines.builds import Build, Ending, Phase
from chela_bed.aws.engines.floor import Floor, Gates
from chela_bed.aws.engines.projects import NO_SOURCE, is_inline, object_of
from chela_bed.aws.engines.running import Order, Run
from chela_bed.aws.engines.sources import SourceError, unpack

# After a failure of these, no further phase runs ("Build phase transitions", CodeBuild User Guide).
DECISIVE = ("INSTALL", "PRE_BUILD")
INTERNAL = "INTERNAL_SERVICE_ERROR"


class Interrupted(Exception):  # noqa: N818  it is no error
    """The build ends here."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Course:
    """One build on its way."""

    def __init__(self, floor: Floor, gates: Gates, build: Build, forced: Ending | None) -> None:
        self.floor = floor
        self.gates = gates
        self.build = build
        self.forced = forced
        self.folder: Path = floor.work / build.uuid
        # May run; the service decides, by its capacity.
        self.admitted = False
        self._commands: Run | None = None
        self._failed_in: str | None = None

    def submit(self) -> None:
        """Begin to exist: submitted, and in the queue."""
        now = self.floor.clock.now()
        self.build.phases.append(Phase(builds.SUBMITTED, now))
        self.floor.events.emit(notices.state_change(self.build, now))
        self._close(builds.SUCCEEDED)
        self.build.phases.append(Phase(builds.QUEUED, self.floor.clock.now()))

    def run(self) -> None:
        """To the end."""
        try:
            self._wait_in_queue()
            self._open(builds.PROVISIONING)
            self._check_log()
            self._close(builds.SUCCEEDED)
            self._download()
            self._stages()
        except Interrupted as interrupted:
            self._interrupted(interrupted.ending)
        except Exception:
            self.floor.problems.append(traceback.format_exc())
            self._interrupted(Ending(builds.FAULT, code=INTERNAL, message="the test bed has failed"))
        finally:
            self._tidy()
        self._complete()

    def interrupt(self, ending: Ending) -> None:
        """End it as soon as may be; one that ends already is left alone."""
        with self.floor.changed:
            if self.build.end is not None or self.build.interrupted is not None:
                return
            self.build.interrupted = ending
            self.floor.changed.notify_all()
            if self._commands is not None:
                self._commands.stop()

    def _check_log(self) -> None:
        """Without the right to write its log no build begins ("Troubleshooting AWS CodeBuild")."""
        build, role = self.build, self.build.settings.role
        group = f"log-group:{build.settings.log_group}:log-stream:{build.uuid}"
        stream = build.account.arn("logs", group)
        actions = ("logs:CreateLogStream", "logs:PutLogEvents") if build.settings.log_group else ()
        if not all(self.floor.may(role, action, stream) for action in actions):
            said = (
                f"Service role {role} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log "
                f"streams for build {build.arn}"
            )
            raise Interrupted(Ending(builds.CLIENT_ERROR, code="ACCESS_DENIED", message=said))

    def _wait_in_queue(self) -> None:
        with self.floor.changed:
            self.floor.changed.wait_for(lambda: self.admitted or self.build.interrupted)
        self._pause(builds.QUEUED)
        self._close(builds.SUCCEEDED)

    def _open(self, phase: str) -> None:
        """A phase begins; a shut gate holds the build in it."""
        with self.floor.changed:
            self.build.phases.append(Phase(phase, self.floor.clock.now()))
            self.floor.changed.notify_all()
        self._pause(phase)
        if self.forced and self.forced.phase == phase and self.forced.status != builds.SUCCEEDED:
            raise Interrupted(self.forced)

    def _pause(self, phase: str) -> None:
        project = self.build.project
        with self.gates.at(project, phase):
            self.floor.changed.wait_for(
                lambda: not self.gates.is_shut(project, phase) or self.build.interrupted
            )
            if self.build.interrupted is not None:
                raise Interrupted(self.build.interrupted)

    def _close(self, status: str, *contexts: tuple[str, str]) -> None:
        """The phase of now is over."""
        with self.floor.changed:
            phase = self.build.phases[-1]
            phase.end, phase.status = self.floor.clock.now(), status
            phase.contexts += contexts
            self.floor.events.emit(notices.phase_change(self.build, phase, phase.end))
            self.floor.changed.notify_all()

    def _download(self) -> None:
        self._open(builds.DOWNLOAD)
        try:
            self._refuse_references()
            self._fetch()
        except SourceError as error:
            raise Interrupted(Ending(builds.CLIENT_ERROR, code="CLIENT_ERROR", message=str(error))) from error
        refusal = self._prepare()
        if refusal is not None:
            raise Interrupted(Ending(builds.FAILED, code="YAML_FILE_ERROR", message=refusal))
        self._close(builds.SUCCEEDED)

    def _refuse_references(self) -> None:
        """There are no parameters and secrets here for a build: whoever names one names nothing."""
        for variable in self.build.settings.environment["environmentVariables"]:
            if variable["type"] != "PLAINTEXT":
                raise SourceError(f"{variable['type']}: {variable['value']} does not exist")

    def _fetch(self) -> None:
        self.folder.mkdir(mode=0o711)
        archive, source = self.folder / "source.zip", self.folder / "source"
        settings, handed = self.build.settings, self.build.handed
        if handed is not None and handed.stored is not None:
            self.floor.sources.fetch(settings.role, handed.stored, None, archive)
        elif handed is not None:
            shutil.copyfile(handed.archive, archive)
        elif settings.source["type"] == NO_SOURCE:
            source.mkdir(mode=0o755)
            return
        else:
            location = object_of(settings.source["location"])
            self.floor.sources.fetch(settings.role, location, settings.source_version, archive)
        unpack(archive, source)

    def _prepare(self) -> str | None:
        spec = self.build.settings.source.get("buildspec") or "buildspec.yml"
        named = {"text" if is_inline(spec) else "file": spec}
        run = Run(Order(self.folder, named, self.build.environment()))
        with self.floor.changed:
            self._commands = run
        return run.refusal()

    def _stages(self) -> None:
        self._open(builds.STAGES[0])
        if not (self.forced and self.forced.status == builds.SUCCEEDED):
            self._follow()
        if self._failed_in not in DECISIVE:
            self._pass_to(None)

    def _follow(self) -> None:
        """Let the commands run, and say what they come to."""
        assert self._commands is not None
        finished: Mapping[str, Any] = {"outcome": "stopped"}
        self.build.log = ""
        for event in self._commands.events():
            if event["event"] == "started":
                self._pass_to(event["stage"])
            elif event["event"] == "ended":
                self._stage_ended(event["stage"], event["succeeded"])
            elif event["event"] == "finished":
                finished = event
        self._finished(finished)

    def _pass_to(self, stage: str | None) -> None:
        """Stages without commands succeed on the way to this one, or to the end."""
        while (now := self._stage()) != stage:
            if self.build.phases[-1].end is None:
                self._close(builds.SUCCEEDED)
            following = (*builds.STAGES[builds.STAGES.index(now) + 1 :], None)[0] if now else None
            if following is None:
                return
            self._open(following)

    def _stage(self) -> str | None:
        name = self.build.phase
        return name if name in builds.STAGES else None

    def _stage_ended(self, stage: str, succeeded: bool) -> None:
        if succeeded:
            self._close(builds.SUCCEEDED)
            return
        self._failed_in = stage
        if stage == "UPLOAD_ARTIFACTS":
            self._close(builds.CLIENT_ERROR, (builds.CLIENT_ERROR, "no matching artifact paths found"))
        else:
            self._close(
                builds.FAILED, ("COMMAND_EXECUTION_ERROR", f"Error while executing command of {stage}")
            )

    def _finished(self, finished: Mapping[str, Any]) -> None:
        self.build.exported = dict(finished.get("exported", {}))
        if self.build.interrupted is not None:
            raise Interrupted(self.build.interrupted)
        if finished["outcome"] not in ("succeeded", "failed"):
            raise Interrupted(Ending(builds.FAULT, code=INTERNAL, message=str(finished)))
        if finished["outcome"] == "failed" and self._failed_in is None:
            raise Interrupted(Ending(builds.FAILED, code="BUILD_ERROR", message=finished["message"]))

    def _interrupted(self, ending: Ending) -> None:
        self._end_commands()
        contexts = [(ending.code, ending.message)] if ending.code else []
        self.build.interrupted = ending
        self._close(ending.status, *contexts)

    def _end_commands(self) -> None:
        if self._commands is not None:
            self._commands.close()

    def _tidy(self) -> None:
        self._end_commands()
        log = self.folder / "log"
        if self.build.log is not None and log.exists():
            self.build.log = log.read_text(errors="replace")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _complete(self) -> None:
        if self.build.passed(builds.DOWNLOAD):
            self._finalize()
        with self.floor.changed:
            build, now = self.build, self.floor.clock.now()
            before = build.phases[-1]
            build.phases.append(Phase(builds.COMPLETED, now))
            build.status, build.end = self._status(), now
            self.floor.events.emit(notices.state_change(build, now))
            # One more, with the times of the phase before: so it is in the guide's sample.
            last = Phase(builds.COMPLETED, before.start, before.end, builds.SUCCEEDED)
            self.floor.events.emit(notices.phase_change(build, last, now))
            build.ended.set()
            self.floor.changed.notify_all()

    def _finalize(self) -> None:
        with self.floor.changed:
            self.build.phases.append(Phase(builds.FINALIZING, self.floor.clock.now()))
        with self.gates.at(self.build.project, builds.FINALIZING):
            self.floor.changed.wait_for(
                lambda: not self.gates.is_shut(self.build.project, builds.FINALIZING) or self.floor.closing
            )
        self._close(builds.SUCCEEDED)

    def _status(self) -> str:
        if self.build.interrupted is not None:
            return self.build.interrupted.of_build
        return builds.FAILED if self._failed_in else builds.SUCCEEDED
