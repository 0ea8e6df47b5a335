"""CodePipeline: pipelines of type V2, and executions that really run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.aws.api import Members, ServiceError
from chela_bed.aws.engines import executions
from chela_bed.aws.engines.actions import Actions
from chela_bed.aws.engines.asking import check_sources, check_stop, resolve, retried
from chela_bed.aws.engines.codebuild import CodeBuild
from chela_bed.aws.engines.envelope import role
from chela_bed.aws.engines.executions import Execution
from chela_bed.aws.engines.floor import Floor, Gates
from chela_bed.aws.engines.journey import Journey
from chela_bed.aws.engines.pipelines import QUOTA, SUPERSEDED, Pipeline, Stages, declare
from chela_bed.aws.engines.tokens import Mismatch, Tokens
from chela_bed.aws.engines.traffic import Traffic
from chela_bed.aws.model import service_model, validate

MODEL = service_model("codepipeline")


class CodePipeline:
    """The service."""

    def __init__(self, floor: Floor, codebuild: CodeBuild) -> None:
        self.floor = floor
        self.pipelines: dict[str, Pipeline] = {}
        self.gates = Gates(floor.changed)
        self._actions = Actions(floor, codebuild)
        self._traffic = Traffic(self.gates, self._overtaken)
        self._tokens = Tokens()
        self._journeys: dict[str, Journey] = {}
        self._operations: dict[str, Callable[[Members, str], dict[str, Any]]] = {
            "GetPipeline": self._get_pipeline,
            "StartPipelineExecution": self._start_execution,
            "StopPipelineExecution": self._stop_execution,
            "GetPipelineExecution": self._get_execution,
            "ListPipelineExecutions": self._list_executions,
            "RetryStageExecution": self._retry_stage,
        }

    # For tests.

    def create(
        self,
        name: str,
        stages: Stages,
        *,
        mode: str = SUPERSEDED,
        variables: Mapping[str, str | None] | None = None,
        limit: int | None = None,
    ) -> Pipeline:
        """A pipeline of type V2; a variable's value is its default, `limit` is of executions at a time."""
        service_role = role(self.floor.account, f"pipeline-{name}")
        declaration = declare(name, service_role, stages, mode=mode, variables=variables)
        return self.adopt(declaration, limit)

    def adopt(
        self, declaration: dict[str, Any], limit: int | None = None, *, stores: bool = False
    ) -> Pipeline:
        """A pipeline as GetPipeline tells of it."""
        validate(MODEL.operation_model("CreatePipeline"), {"pipeline": declaration})
        if limit is None and declaration["executionMode"] != SUPERSEDED:
            limit = QUOTA
        made = Pipeline(declaration, self.floor.clock.now(), limit, stores=stores)
        self.pipelines[made.name] = made
        return made

    def hold(self, pipeline: str, before: str) -> None:
        """Disable the transition into a stage: executions wait in front of it."""
        self.gates.shut(pipeline, before)

    def await_held(self, pipeline: str, before: str, timeout: float = 30) -> None:
        """Wait until an execution waits there."""
        self.gates.await_waiter(pipeline, before, timeout)

    def release(self, pipeline: str, before: str) -> None:
        """Enable the transition again."""
        self.gates.open(pipeline, before)

    def decide(self, pipeline: str, action: str, *, approved: bool) -> None:
        """Say yes or no to an approval action, once."""
        with self.floor.changed:
            self._actions.approvals[(pipeline, action)] = approved
            self.floor.changed.notify_all()

    def cancel(self, pipeline: str) -> None:
        """Update the pipeline's structure, which cancels what is under way; its builds go on."""
        with self.floor.changed:
            found = self.pipelines[pipeline]
            found.version += 1
            for execution in found.executions:
                if not execution.is_over:
                    execution.leaving = "CANCELED"
                    self._journeys[execution.id].move(executions.CANCELLED)

    def execution(self, identifier: str) -> Execution:
        """An execution by its id."""
        return self._journeys[identifier].execution

    def await_status(self, execution: Execution | str, status: str, timeout: float = 60) -> Execution:
        """Wait until an execution is in this status."""
        found = self.execution(execution) if isinstance(execution, str) else execution
        with self.floor.changed:
            if not self.floor.changed.wait_for(lambda: found.status == status, timeout):
                raise TimeoutError(f"{found.pipeline} {found.id} is {found.status}, not {status}")
        return found

    def await_ended(self, execution: Execution | str, timeout: float = 60) -> Execution:
        """Wait for the end of an execution."""
        found = self.execution(execution) if isinstance(execution, str) else execution
        with self.floor.changed:
            if not self.floor.changed.wait_for(lambda: found.is_over, timeout):
                raise TimeoutError(f"{found.pipeline} {found.id} is still {found.status}")
        return found

    def with_variable(self, name: str, value: str) -> list[Execution]:
        """Executions that were given this value, the oldest first."""
        all_executions = (each for pipeline in self.pipelines.values() for each in pipeline.executions)
        return [each for each in all_executions if each.variables.get(name) == value]

    def forget(self, execution: Execution) -> None:
        """Forget an execution, as AWS does with old ones."""
        with self.floor.changed:
            self.pipelines[execution.pipeline].executions.remove(execution)

    def close(self) -> None:
        """End all executions; their builds are CodeBuild's."""
        for pipeline in self.pipelines:
            self.cancel(pipeline)

    # For the front.

    def handle(self, operation: str, params: Members, caller: str) -> dict[str, Any]:
        """Answer one call."""
        if operation not in self._operations:
            raise ServiceError("UnknownOperationException", f"the stand-in does not play {operation}")
        validate(MODEL.operation_model(operation), params)
        with self.floor.changed:
            return self._operations[operation](params, caller)

    def _get_pipeline(self, params: Members, _: str) -> dict[str, Any]:
        pipeline = self._pipeline(params["name"])
        if params.get("version", pipeline.version) != pipeline.version:
            raise ServiceError(
                "PipelineVersionNotFoundException", f"{pipeline.name} has no version {params['version']}"
            )
        return pipeline.api(self.floor.account)

    def _start_execution(self, params: Members, caller: str) -> dict[str, Any]:
        pipeline, now = self._pipeline(params["name"]), self.floor.clock.now()
        token = params.get("clientRequestToken")
        try:
            before = self._tokens.begun(token, params, now)
        except Mismatch as mismatch:
            message = "The clientRequestToken was used with other parameters"
            raise ServiceError("ValidationException", message) from mismatch
        if before is None:
            before = self._begin(pipeline, params, caller).id
            self._tokens.remember(token, params, now, before)
        return {"pipelineExecutionId": before}

    def _begin(self, pipeline: Pipeline, params: Members, caller: str) -> Execution:
        check_sources(pipeline, params.get("sourceRevisions", []))
        variables = resolve(pipeline, params.get("variables", []))
        self._check_limit(pipeline)
        execution = Execution(
            pipeline=pipeline.name,
            number=len(self._journeys) + 1,
            version=pipeline.version,
            mode=pipeline.mode,
            asked=dict(params),
            caller=caller,
            variables=variables,
            start=self.floor.clock.now(),
        )
        pipeline.executions.append(execution)
        journey = Journey(self.floor, self._traffic, self._actions, pipeline, execution)
        self._journeys[execution.id] = journey
        journey.move(executions.IN_PROGRESS)
        journey.begin(pipeline.stage_names[0])
        return execution

    def _check_limit(self, pipeline: Pipeline) -> None:
        active = sum(not each.is_over for each in pipeline.executions)
        if pipeline.limit is not None and active >= pipeline.limit:
            raise ServiceError(
                "ConcurrentPipelineExecutionsLimitExceededException",
                f"The pipeline {pipeline.name} has reached the limit of {pipeline.limit} executions",
            )

    def _stop_execution(self, params: Members, _: str) -> dict[str, Any]:
        pipeline = self._pipeline(params["pipelineName"])
        execution = self._find(pipeline, params["pipelineExecutionId"])
        abandon = params.get("abandon", False)
        check_stop(execution, params["pipelineExecutionId"], abandon=abandon)
        assert execution is not None
        journey, fresh = self._journeys[execution.id], execution.status == executions.IN_PROGRESS
        execution.stop_reason = params.get("reason", execution.stop_reason)
        execution.leaving = "ABANDONED" if abandon else execution.leaving
        journey.move(executions.STOPPING)
        if fresh and execution.stage is not None:
            journey.say_stage(execution.stage, "STOPPING")
        elif execution.stage is None:
            # It waits between two stages: there is nothing to wait for.
            journey.move(executions.STOPPED)
        return {"pipelineExecutionId": execution.id}

    def _get_execution(self, params: Members, _: str) -> dict[str, Any]:
        pipeline = self._pipeline(params["pipelineName"])
        execution = self._find(pipeline, params["pipelineExecutionId"])
        if execution is None:
            raise ServiceError(
                "PipelineExecutionNotFoundException",
                f"{pipeline.name} has no execution {params['pipelineExecutionId']}",
            )
        return {"pipelineExecution": execution.api(self.floor.account.region)}

    def _list_executions(self, params: Members, _: str) -> dict[str, Any]:
        if "filter" in params:
            raise ServiceError("ValidationException", "the stand-in does not play filters")
        newest_first = self._pipeline(params["pipelineName"]).executions[::-1]
        start = _start_of_page(params.get("nextToken"), newest_first)
        end = start + params.get("maxResults", 100)
        more = {"nextToken": f"after {newest_first[end - 1].id}"} if end < len(newest_first) else {}
        region = self.floor.account.region
        return {
            "pipelineExecutionSummaries": [each.summary(region) for each in newest_first[start:end]],
            **more,
        }

    def _retry_stage(self, params: Members, _: str) -> dict[str, Any]:
        pipeline = self._pipeline(params["pipelineName"])
        execution = self._find(pipeline, params["pipelineExecutionId"])
        stage = params["stageName"]
        newest = self._traffic.newest[(pipeline.name, stage)]
        execution = retried(pipeline, execution, stage, newest)
        done: set[str] = set()
        if params["retryMode"] == "FAILED_ACTIONS":
            done = {run.name for run in execution.runs if execution.succeeded(stage, run.name)}
        execution.attempt += 1
        execution.leaving = execution.stop_reason = None
        self._journeys[execution.id].move(executions.IN_PROGRESS, "RESUMED")
        self._journeys[execution.id].begin(stage, done)
        return {"pipelineExecutionId": execution.id}

    def _overtaken(self, execution: Execution) -> None:
        self._journeys[execution.id].move(executions.SUPERSEDED)

    def _pipeline(self, name: str) -> Pipeline:
        if name not in self.pipelines:
            arn = self.floor.account.arn("codepipeline", name)
            raise ServiceError("PipelineNotFoundException", f"There is no pipeline {arn}")
        return self.pipelines[name]

    def _find(self, pipeline: Pipeline, identifier: str) -> Execution | None:
        return next((each for each in pipeline.executions if each.id == identifier), None)


def _start_of_page(token: str | None, listed: list[Execution]) -> int:
    if token is None:
        return 0
    for number, execution in enumerate(listed):
        if token == f"after {execution.id}":
            return number + 1
    raise ServiceError("InvalidNextTokenException", f"Invalid next token: {token}")
