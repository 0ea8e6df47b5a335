"""What CodePipeline refuses, and with which error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from chela_bed.aws.api import ServiceError
from chela_bed.aws.engines import executions
from chela_bed.aws.engines.executions import Execution
from chela_bed.aws.engines.pipelines import Pipeline

Revisions = Sequence[Mapping[str, str]]


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def check_sources(pipeline: Pipeline, revisions: Revisions) -> None:
    """Refuse revisions that the pipeline's source actions do not take."""
    actions = {action["name"]: action for action in pipeline.source_actions()}
    asked = Counter((each["actionName"], each["revisionType"]) for each in revisions)
    for name, kind in asked:
        if name not in actions:
            raise _invalid(f"{pipeline.name} has no source action {name}")
        if kind not in ("S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"):
            raise _invalid(f"The revision type {kind} is not valid for the source action {name}")
        configuration = actions[name]["configuration"]
        if kind == "S3_OBJECT_KEY" and configuration.get("AllowOverrideForS3ObjectKey") != "true":
            raise _invalid(f"The source action {name} does not allow to override the S3 object key")
        if asked[(name, kind)] > 1:
            raise _invalid(f"More than one {kind} for the source action {name}")


def resolve(pipeline: Pipeline, given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The values of all declared variables."""
    values = {each["name"]: each["value"] for each in given}
    if len(values) < len(given):
        raise _invalid("A variable is given twice")
    undeclared = [name for name in values if name not in pipeline.defaults]
    if undeclared:
        raise _invalid(f"The pipeline {pipeline.name} does not declare the variables {undeclared}")
    resolved: dict[str, str] = {}
    for name, default in pipeline.defaults.items():
        value = values.get(name, default)
        if value is None:
            raise _invalid(f"The variable {name} has no default and was not given")
        resolved[name] = value
    return resolved


def check_stop(execution: Execution | None, identifier: str, *, abandon: bool) -> None:
    """Refuse to stop what does not run. Which error an unknown id gets is not documented."""
    if execution is None or execution.is_over:
        status = execution.status if execution else "unknown"
        raise ServiceError(
            "PipelineExecutionNotStoppableException", f"The execution {identifier} is {status}"
        )
    again = execution.status == executions.STOPPING
    if again and (not abandon or execution.leaving is not None):
        raise ServiceError(
            "DuplicatedStopRequestException", f"The execution {identifier} is in a Stopping state already"
        )


def retried(pipeline: Pipeline, execution: Execution | None, stage: str, newest: int) -> Execution:
    """The execution whose stage is to be retried, if that can be."""
    if stage not in pipeline.stage_names:
        raise ServiceError("StageNotFoundException", f"{pipeline.name} has no stage {stage}")
    if execution is None:
        raise _invalid(f"{pipeline.name} has no such execution")
    if execution.status not in (executions.FAILED, executions.STOPPED) or execution.last_stage != stage:
        raise ServiceError(
            "StageNotRetryableException", f"The stage {stage} has no failed actions in {execution.id}"
        )
    if newest > execution.number and pipeline.mode != "PARALLEL":
        raise ServiceError(
            "NotLatestPipelineExecutionException", f"A later execution has run the stage {stage}"
        )
    return execution
