"""The way of one execution through the stages of its pipeline, on a thread of its own."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from chela_bed.aws.engines import executions
from chela_bed.aws.engines import pipeline_notices as notices
from chela_bed.aws.engines.actions import ActionFailed, Actions, Left
from chela_bed.aws.engines.executions import ActionRun, Execution
from chela_bed.aws.engines.floor import Floor
from chela_bed.aws.engines.pipelines import Pipeline
from chela_bed.aws.engines.traffic import Traffic

# The events' words for what the API calls otherwise.
STATES = {
    executions.IN_PROGRESS: "STARTED",
    executions.STOPPING: "STOPPING",
    executions.SUCCEEDED: "SUCCEEDED",
    executions.FAILED: "FAILED",
    executions.STOPPED: "STOPPED",
    executions.SUPERSEDED: "SUPERSEDED",
    executions.CANCELLED: "CANCELED",
}


class Journey:
    """One execution on its way."""

    def __init__(
        self, floor: Floor, traffic: Traffic, actions: Actions, pipeline: Pipeline, execution: Execution
    ) -> None:
        self.floor = floor
        self.traffic = traffic
        self.actions = actions
        self.pipeline = pipeline
        self.execution = execution
        # Actions of the first stage that are left out, for a retry.
        self._done: set[str] = set()

    def begin(self, stage: str, done: set[str] | None = None) -> None:
        """Go on from this stage; it stands in front of it, or is inside, when this returns."""
        self._done = done or set()
        self.traffic.queue(self.pipeline, self.execution, stage)
        self.floor.spawn(lambda: self._run(stage))

    def move(self, status: str, state: str | None = None) -> None:
        """The execution is in this status from now on; waiters hear of it."""
        with self.floor.changed:
            now = self.floor.clock.now()
            self.execution.status, self.execution.updated = status, now
            said = state or STATES[status]
            self.floor.events.emit(notices.pipeline_change(self.floor.account, self.execution, said, now))
            self.floor.changed.notify_all()

    def say_stage(self, stage: str, state: str) -> None:
        """A stage is in this state."""
        now = self.floor.clock.now()
        self.floor.events.emit(notices.stage_change(self.floor.account, self.execution, stage, state, now))

    def _run(self, first: str) -> None:
        names = self.pipeline.stage_names
        for name in names[names.index(first) :]:
            if name != first:
                self.traffic.queue(self.pipeline, self.execution, name)
            if not self.traffic.enter(self.pipeline, self.execution, name):
                return
            if not self._stage(name):
                return
        with self.floor.changed:
            if self.execution.status == executions.IN_PROGRESS:
                self.move(executions.SUCCEEDED)

    def _stage(self, name: str) -> bool:
        with self.floor.changed:
            self.execution.stage = self.execution.last_stage = name
            self.say_stage(name, "RESUMED" if self._is_retry(name) else "STARTED")
        groups = self._groups(name)
        succeeded = all(self._group(name, group) for group in groups)
        self._done = set()
        with self.floor.changed:
            self.execution.stage = None
            went_on = self._stage_ended(name, succeeded)
            # In one: who hears of the end may retry the stage at once.
            self.traffic.leave(self.pipeline, self.execution, name)
            return went_on

    def _is_retry(self, stage: str) -> bool:
        return any(run.stage == stage for run in self.execution.runs)

    def _stage_ended(self, name: str, succeeded: bool) -> bool:
        status = self.execution.status
        if self.execution.leaving == "CANCELED":
            # `cancel` has said it of the pipeline.
            self.say_stage(name, "CANCELED")
            return False
        if status == executions.STOPPING:
            self.say_stage(name, "STOPPED")
            self.move(executions.STOPPED)
            return False
        self.say_stage(name, "SUCCEEDED" if succeeded else "FAILED")
        if not succeeded:
            self.move(executions.FAILED)
        return succeeded

    def _groups(self, name: str) -> list[list[Mapping[str, Any]]]:
        """The stage's actions by their run order."""
        stage = next(stage for stage in self.pipeline.stages if stage["name"] == name)
        actions = [each for each in stage["actions"] if each["name"] not in self._done]
        actions.sort(key=_order)
        return [list(group) for _, group in itertools.groupby(actions, key=_order)]

    def _group(self, stage: str, actions: Sequence[Mapping[str, Any]]) -> bool:
        """Actions of the same order run at a time; False ends the stage."""
        if self.execution.status != executions.IN_PROGRESS:
            return False
        runs = [ActionRun(stage, action, self.floor.clock.now()) for action in actions]
        self.execution.runs += runs
        threads = [self.floor.spawn(functools.partial(self._action, run)) for run in runs]
        for thread in threads:
            thread.join()
        return all(run.status == executions.SUCCEEDED for run in runs)

    def _action(self, run: ActionRun) -> None:
        self._say_action(run, "STARTED")
        try:
            self.actions.run(self.pipeline, self.execution, run)
            run.status, state = executions.SUCCEEDED, "SUCCEEDED"
        except ActionFailed as failed:
            run.status, run.error, state = executions.FAILED, failed.error, "FAILED"
        except Left:
            run.status, state = "Abandoned", self.execution.leaving or "ABANDONED"
        self._say_action(run, state)

    def _say_action(self, run: ActionRun, state: str) -> None:
        now = self.floor.clock.now()
        self.floor.events.emit(notices.action_change(self.floor.account, self.execution, run, state, now))


def _order(action: Mapping[str, Any]) -> int:
    return int(action.get("runOrder", 1))
