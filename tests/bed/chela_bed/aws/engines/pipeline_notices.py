"""CodePipeline's events, as its User Guide shows them ("Monitoring CodePipeline events")."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.engines.envelope import event
from chela_bed.aws.engines.executions import ActionRun, Execution

SOURCE = "aws.codepipeline"
PIPELINE_CHANGE = "CodePipeline Pipeline Execution State Change"
STAGE_CHANGE = "CodePipeline Stage Execution State Change"
ACTION_CHANGE = "CodePipeline Action Execution State Change"


def pipeline_change(account: Account, execution: Execution, state: str, now: datetime) -> dict[str, Any]:
    """An execution is in another state."""
    detail = {**_common(execution), "state": state}
    if state == "STARTED":
        trigger = execution.trigger()
        detail["execution-trigger"] = {
            "trigger-type": trigger["triggerType"],
            "trigger-detail": trigger["triggerDetail"],
        }
    if state in ("STOPPING", "STOPPED") and execution.stop_reason:
        detail["stop-execution-comments"] = execution.stop_reason
    return _event(account, PIPELINE_CHANGE, execution, now, detail)


def stage_change(
    account: Account, execution: Execution, stage: str, state: str, now: datetime
) -> dict[str, Any]:
    """A stage is in another state."""
    detail = {**_common(execution), "stage": stage, "state": state}
    return _event(account, STAGE_CHANGE, execution, now, detail)


def action_change(
    account: Account, execution: Execution, run: ActionRun, state: str, now: datetime
) -> dict[str, Any]:
    """An action is in another state."""
    detail = {
        **_common(execution),
        "stage": run.stage,
        "action": run.name,
        "action-execution-id": run.id,
        "state": state,
        "region": account.region,
        "type": dict(run.action["actionTypeId"]),
        "start-time": _iso(run.start),
        "input-artifacts": [{"name": each["name"]} for each in run.action.get("inputArtifacts", [])],
        "output-artifacts": [{"name": each["name"]} for each in run.action.get("outputArtifacts", [])],
    }
    if state != "STARTED":
        detail["execution-result"] = _result(run)
    return _event(account, ACTION_CHANGE, execution, now, detail)


def _result(run: ActionRun) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if run.build is not None:
        result["external-execution-id"] = run.build.id
        result["external-execution-url"] = run.build.deep_link
    if run.error is not None:
        result["error-code"], result["external-execution-summary"] = run.error
    return result


def _common(execution: Execution) -> dict[str, Any]:
    return {
        "pipeline": execution.pipeline,
        "execution-id": execution.id,
        "start-time": _iso(execution.start),
        # Numbers come as floats.
        "version": float(execution.version),
        "pipeline-execution-attempt": float(execution.attempt),
    }


def _event(
    account: Account, detail_type: str, execution: Execution, now: datetime, detail: dict[str, Any]
) -> dict[str, Any]:
    resource = account.arn("codepipeline", execution.pipeline)
    return event(account, (SOURCE, detail_type), resource, now, detail)


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"
