"""The stand-in for CodePipeline does what AWS documents; its answers pass botocore's models (`Desk.ask`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chela_bed.aws.engines import (
    PARALLEL,
    QUEUED,
    SUPERSEDED,
    Execution,
    approval,
    build,
    of_type,
    source,
)
from engines_desk import BUCKET, GREEN, Desk, new_desk

PIPELINE = "CodePipeline Pipeline Execution State Change"
STAGE = "CodePipeline Stage Execution State Change"
ACTION = "CodePipeline Action Execution State Change"
SHOWN = "version: 0.2\nphases: {build: {commands: ['echo \"saw <$CHELA_BRANCH>\"']}}\n"
VERSION, KEY = "S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"


@pytest.fixture
def desk() -> Iterator[Desk]:
    for made in new_desk():
        made.shelf.put(SHOWN)
        yield made


def release(desk: Desk, **options: Any) -> None:
    """A pipeline with two stages."""
    override = options.pop("key_override", False)
    stages = {
        "Source": [source(BUCKET, "default.zip", key_override=override)],
        "Build": [build("hello", ["CHELA_BRANCH"])],
    }
    desk.engines.codepipeline.create("release", stages, **{"variables": {"CHELA_BRANCH": "main"}, **options})


def given(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def revision(kind: str, value: str, action: str = "Source") -> dict[str, str]:
    return {"actionName": action, "revisionType": kind, "revisionValue": value}


def stop(desk: Desk, execution: Execution, **params: Any) -> Any:
    identity = {"pipelineName": execution.pipeline, "pipelineExecutionId": execution.id}
    return desk.ask("codepipeline", "StopPipelineExecution", **identity, **params)


def stop_refused(desk: Desk, execution: Execution, **params: Any) -> str:
    identity = {"pipelineName": execution.pipeline, "pipelineExecutionId": execution.id}
    return desk.refused("codepipeline", "StopPipelineExecution", **identity, **params)


def retry(execution: Execution, mode: str = "FAILED_ACTIONS", stage: str = "Build") -> dict[str, str]:
    return {
        "pipelineName": execution.pipeline,
        "stageName": stage,
        "pipelineExecutionId": execution.id,
        "retryMode": mode,
    }


def listed(desk: Desk) -> list[dict[str, Any]]:
    answer = desk.ask("codepipeline", "ListPipelineExecutions", pipelineName="release")
    return list(answer["pipelineExecutionSummaries"])


def states(desk: Desk, execution: Execution, kind: str = PIPELINE) -> list[str]:
    return [each["state"] for each in desk.told(kind) if each["execution-id"] == execution.id]


def test_an_execution_builds_the_named_object_and_tells_of_each_step(desk: Desk) -> None:
    release(desk, key_override=True)
    version = desk.shelf.put(SHOWN, "named.zip")
    desk.shelf.put("version: 9", "named.zip")
    asked = [revision(KEY, "named.zip"), revision(VERSION, version)]
    execution = desk.execute(sourceRevisions=asked, variables=given(CHELA_BRANCH="fix"))
    assert desk.engines.codepipeline.await_ended(execution).status == "Succeeded"
    assert desk.shelf.fetched == [("arn:aws:iam::123456789012:role/pipeline-release", "named.zip", version)]
    (built,) = execution.builds
    assert "saw <fix>" in (built.log or "").splitlines()
    assert states(desk, execution) == ["STARTED", "SUCCEEDED"]
    for kind, place in ((STAGE, "stage"), (ACTION, "action")):
        steps = [(each[place], each["state"]) for each in desk.told(kind)]
        assert steps == [(n, s) for n in ("Source", "Build") for s in ("STARTED", "SUCCEEDED")]
    (summary,) = listed(desk)
    assert [each["revisionId"] for each in summary["sourceRevisions"]] == [version]


def test_a_version_alone_is_one_of_the_configured_key(desk: Desk) -> None:
    release(desk)
    execution = desk.execute(sourceRevisions=[revision(VERSION, "version-1")])
    desk.engines.codepipeline.await_ended(execution)
    assert [each[1:] for each in desk.shelf.fetched] == [("default.zip", "version-1")]
    assert execution.builds[0].log is not None and "saw" not in execution.builds[0].log


def test_a_build_inside_a_pipeline_says_so_and_has_its_own_events(desk: Desk) -> None:
    release(desk)
    desk.engines.codepipeline.await_ended(desk.execute(variables=given(CHELA_BRANCH="fix")))
    last = desk.told("CodeBuild Build State Change")[-1]
    information = last["additional-information"]
    assert (last["build-status"], information["initiator"]) == ("SUCCEEDED", "codepipeline/release")
    assert [each["value"] for each in information["environment"]["environment-variables"]] == ["fix"]
    assert information["source"]["type"] == "CODEPIPELINE"


@pytest.mark.parametrize(
    "asked",
    [
        {"sourceRevisions": [revision(KEY, "other.zip")]},
        {"sourceRevisions": [revision(VERSION, "v", action="Build")]},
        {"sourceRevisions": [revision("COMMIT_ID", "0" * 40)]},
        {"sourceRevisions": [revision(VERSION, "a"), revision(VERSION, "b")]},
        {"variables": given(UNDECLARED="x")},
        {"variables": [*given(CHELA_BRANCH="a"), *given(CHELA_BRANCH="b")]},
        {"variables": given(CHELA_BRANCH="")},
        {"variables": given(CHELA_BRANCH="x" * 1001)},
        {"variables": []},
        {"clientRequestToken": "no_underscores"},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_what_a_pipeline_does_not_take_is_refused(desk: Desk, asked: dict[str, Any]) -> None:
    release(desk)
    code = desk.refused("codepipeline", "StartPipelineExecution", name="release", **asked)
    assert code == "ValidationException"
    assert desk.engines.codepipeline.pipelines["release"].executions == []


def test_a_variable_without_a_default_must_be_given(desk: Desk) -> None:
    release(desk, variables={"CHELA_BRANCH": None})
    assert desk.refused("codepipeline", "StartPipelineExecution", name="release") == "ValidationException"
    execution = desk.execute(variables=given(CHELA_BRANCH="x" * 1000))
    assert desk.engines.codepipeline.await_ended(execution).variables == {"CHELA_BRANCH": "x" * 1000}


def test_a_variable_is_pasted_into_json_as_it_is(desk: Desk) -> None:
    release(desk)
    execution = desk.execute(variables=given(CHELA_BRANCH='"breaks'))
    assert desk.engines.codepipeline.await_ended(execution).status == "Failed"
    assert execution.builds == []
    result = desk.told(ACTION)[-1]["execution-result"]
    assert result["error-code"] == "InvalidActionConfiguration"


def test_a_token_is_the_same_execution(desk: Desk) -> None:
    release(desk)
    asked: dict[str, Any] = {"clientRequestToken": "0199a1c2-6f0e", "variables": given(CHELA_BRANCH="fix")}
    first = desk.execute(**asked)
    assert desk.execute(**asked) is first
    other = {"clientRequestToken": "0199a1c2-6f0e", "variables": given(CHELA_BRANCH="other")}
    code = desk.refused("codepipeline", "StartPipelineExecution", name="release", **other)
    assert code == "ValidationException"
    assert len(desk.engines.codepipeline.with_variable("CHELA_BRANCH", "fix")) == 1


def test_a_newer_execution_overtakes_the_one_that_waits(desk: Desk) -> None:
    release(desk, mode=SUPERSEDED)
    desk.engines.codebuild.hold("hello")
    first = desk.execute()
    desk.engines.codebuild.await_held("hello")
    second = desk.execute()
    desk.engines.codepipeline.await_held("release", "Build")
    third = desk.execute()
    desk.engines.codepipeline.await_status(second, "Superseded")
    desk.engines.codebuild.release("hello")
    assert desk.engines.codepipeline.await_ended(first).status == "Succeeded"
    assert desk.engines.codepipeline.await_ended(third).status == "Succeeded"
    assert states(desk, second) == ["STARTED", "SUPERSEDED"]
    assert second.builds == []


def test_queued_executions_wait_for_each_other_and_none_is_lost(desk: Desk) -> None:
    release(desk, mode=QUEUED, limit=3)
    desk.engines.codepipeline.hold("release", "Build")
    all_three = [desk.execute() for _ in range(3)]
    refused = desk.refused("codepipeline", "StartPipelineExecution", name="release")
    assert refused == "ConcurrentPipelineExecutionsLimitExceededException"
    desk.engines.codepipeline.release("release", "Build")
    ended = [desk.engines.codepipeline.await_ended(each).status for each in all_three]
    assert ended == ["Succeeded"] * 3
    started = [each for each in desk.told(STAGE) if each["state"] == "STARTED"]
    order = [each["execution-id"] for each in started if each["stage"] == "Build"]
    assert order == [each.id for each in all_three]


def test_parallel_executions_do_not_wait(desk: Desk) -> None:
    release(desk, mode=PARALLEL)
    desk.engines.codebuild.hold("hello")
    both = [desk.execute(), desk.execute()]
    desk.engines.events.settle()
    wait = desk.engines.floor.changed
    with wait:
        assert wait.wait_for(lambda: all(each.builds for each in both), 30)
    desk.engines.codebuild.release("hello")
    assert [desk.engines.codepipeline.await_ended(each).status for each in both] == ["Succeeded"] * 2


def test_stop_and_wait_lets_the_build_end(desk: Desk) -> None:
    release(desk)
    desk.engines.codebuild.hold("hello")
    execution = desk.execute()
    desk.engines.codebuild.await_held("hello")
    stop(desk, execution, reason="overtaken")
    assert execution.status == "Stopping"
    assert stop_refused(desk, execution) == "DuplicatedStopRequestException"
    desk.engines.codebuild.release("hello")
    assert desk.engines.codepipeline.await_ended(execution).status == "Stopped"
    assert execution.builds[0].status == "SUCCEEDED"
    assert states(desk, execution) == ["STARTED", "STOPPING", "STOPPED"]
    assert states(desk, execution, STAGE)[-3:] == ["STARTED", "STOPPING", "STOPPED"]
    comments = [each.get("stop-execution-comments") for each in desk.told(PIPELINE)]
    assert comments == [None, "overtaken", "overtaken"]
    assert stop_refused(desk, execution) == "PipelineExecutionNotStoppableException"


def test_stop_and_abandon_waits_for_nothing_and_may_follow_a_stop(desk: Desk) -> None:
    release(desk)
    desk.engines.codebuild.hold("hello")
    execution = desk.execute()
    desk.engines.codebuild.await_held("hello")
    stop(desk, execution)
    stop(desk, execution, abandon=True)
    assert desk.engines.codepipeline.await_ended(execution).status == "Stopped"
    assert states(desk, execution, ACTION)[-1] == "ABANDONED"
    assert execution.builds[0].status == "IN_PROGRESS"


def test_an_execution_in_front_of_a_stage_stops_at_once(desk: Desk) -> None:
    release(desk)
    desk.engines.codepipeline.hold("release", "Build")
    execution = desk.execute()
    desk.engines.codepipeline.await_held("release", "Build")
    stop(desk, execution)
    assert execution.status == "Stopped"
    desk.engines.codepipeline.release("release", "Build")
    assert states(desk, execution) == ["STARTED", "STOPPING", "STOPPED"]
    assert execution.builds == []


def test_a_retried_stage_is_resumed_and_may_succeed(desk: Desk) -> None:
    release(desk)
    desk.engines.codebuild.force("hello", "FAILED")
    execution = desk.execute()
    assert desk.engines.codepipeline.await_ended(execution).status == "Failed"
    desk.ask("codepipeline", "RetryStageExecution", **retry(execution))
    assert desk.engines.codepipeline.await_status(execution, "Succeeded").attempt == 2
    assert states(desk, execution) == ["STARTED", "FAILED", "RESUMED", "SUCCEEDED"]
    stages = [(each["stage"], each["state"]) for each in desk.told(STAGE)]
    assert stages[3:] == [("Build", "FAILED"), ("Build", "RESUMED"), ("Build", "SUCCEEDED")]
    assert [each.status for each in execution.builds] == ["FAILED", "SUCCEEDED"]
    assert [each["pipeline-execution-attempt"] for each in desk.told(PIPELINE)] == [1.0, 1.0, 2.0, 2.0]


def test_what_cannot_be_retried_is_refused(desk: Desk) -> None:
    release(desk)
    desk.engines.codebuild.force("hello", "FAILED")
    failed = desk.engines.codepipeline.await_ended(desk.execute())
    refused = desk.refused("codepipeline", "RetryStageExecution", **retry(failed, stage="Source"))
    assert refused == "StageNotRetryableException"
    refused = desk.refused("codepipeline", "RetryStageExecution", **retry(failed, stage="None"))
    assert refused == "StageNotFoundException"
    good = desk.engines.codepipeline.await_ended(desk.execute())
    refused = desk.refused("codepipeline", "RetryStageExecution", **retry(failed))
    assert refused == "NotLatestPipelineExecutionException"
    assert desk.refused("codepipeline", "RetryStageExecution", **retry(good)) == "StageNotRetryableException"


@pytest.mark.parametrize(("approved", "status"), [(True, "Succeeded"), (False, "Failed")])
def test_a_person_decides_on_an_approval(desk: Desk, approved: bool, status: str) -> None:
    stages = {"Source": [source(BUCKET, "default.zip")], "Gate": [approval()], "Build": [build("hello")]}
    desk.engines.codepipeline.create("guarded", stages)
    execution = desk.execute("guarded")
    assert execution.status == "InProgress"
    desk.engines.codepipeline.decide("guarded", "Approve", approved=approved)
    assert desk.engines.codepipeline.await_ended(execution).status == status
    assert len(execution.builds) == (1 if approved else 0)


def test_an_update_of_the_pipeline_cancels_what_is_under_way(desk: Desk) -> None:
    release(desk)
    desk.engines.codebuild.hold("hello")
    execution = desk.execute()
    desk.engines.codebuild.await_held("hello")
    desk.engines.events.hold(of_type(STAGE, state="CANCELED"))
    desk.engines.codepipeline.cancel("release")
    assert desk.engines.codepipeline.await_ended(execution).status == "Cancelled"
    assert states(desk, execution) == ["STARTED", "CANCELED"]
    with desk.engines.floor.changed:
        assert desk.engines.floor.changed.wait_for(lambda: desk.engines.events.held, 30)
    assert states(desk, execution, ACTION)[-1] == "CANCELED"
    assert desk.ask("codepipeline", "GetPipeline", name="release")["pipeline"]["version"] == 2


def test_pipelines_and_executions_are_found_or_missed_as_documented(desk: Desk) -> None:
    release(desk, key_override=True)
    told = desk.ask("codepipeline", "GetPipeline", name="release")
    (action,) = told["pipeline"]["stages"][0]["actions"]
    assert action["configuration"]["AllowOverrideForS3ObjectKey"] == "true"
    assert [each["name"] for each in told["pipeline"]["variables"]] == ["CHELA_BRANCH"]
    execution = desk.engines.codepipeline.await_ended(desk.execute(variables=given(CHELA_BRANCH="fix")))
    identity = {"pipelineName": "release", "pipelineExecutionId": execution.id}
    found = desk.ask("codepipeline", "GetPipelineExecution", **identity)["pipelineExecution"]
    assert (found["status"], found["variables"]) == (
        "Succeeded",
        [{"name": "CHELA_BRANCH", "resolvedValue": "fix"}],
    )
    missing = {**identity, "pipelineExecutionId": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
    code = desk.refused("codepipeline", "GetPipelineExecution", **missing)
    assert code == "PipelineExecutionNotFoundException"
    assert desk.refused("codepipeline", "GetPipeline", name="none") == "PipelineNotFoundException"
    wrong = desk.refused("codepipeline", "GetPipeline", name="release", version=7)
    assert wrong == "PipelineVersionNotFoundException"


def test_executions_are_listed_newest_first_in_pages(desk: Desk) -> None:
    release(desk, mode=PARALLEL)
    ids = [desk.execute().id for _ in range(3)]
    asked: dict[str, Any] = {"pipelineName": "release", "maxResults": 2}
    first = desk.ask("codepipeline", "ListPipelineExecutions", **asked)
    rest = desk.ask("codepipeline", "ListPipelineExecutions", **asked, nextToken=first["nextToken"])
    both = first["pipelineExecutionSummaries"] + rest["pipelineExecutionSummaries"]
    assert [each["pipelineExecutionId"] for each in both] == ids[::-1]
    code = desk.refused("codepipeline", "ListPipelineExecutions", **asked, nextToken="made up")
    assert code == "InvalidNextTokenException"


def test_a_source_that_cannot_be_had_fails_the_execution(desk: Desk) -> None:
    release(desk)
    desk.shelf.put(GREEN)
    execution = desk.execute(sourceRevisions=[revision(VERSION, "version-9")])
    assert desk.engines.codepipeline.await_ended(execution).status == "Failed"
    assert execution.builds == []
    (summary,) = listed(desk)
    assert summary["sourceRevisions"] == []
