"""The whole circle over CodePipeline: a pull request starts an execution, and the flag says where it is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from awsing import Circle, Proposal, circle_of, deployed
from chela_bed import Bed, wait_for
from chela_bed.aws import Cloud, Fault, Hold, Stack
from chela_bed.aws.engines import QUEUED, SUPERSEDED, Execution, approval, build, of_type, source

ACTION = "CodePipeline Action Execution State Change"
SUCCEEDED = "The pipeline succeeded"
SUPERSEDED_TEXT = "Overtaken by another execution; the pipeline\u2019s execution mode decides"
# What the pipelines declare, with the defaults.
VARIABLES = {"CHELA_BUILD_ID": "none", "CHELA_COMMIT": "none", "TEAM": "ours"}
GIVEN = ["CHELA_BUILD_ID", "CHELA_COMMIT"]

Made = Callable[..., Circle]


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "pipelines") as made:
        yield made


@pytest.fixture
def make(bed: Bed, stack: Stack) -> Iterator[Made]:
    """Makes the test's project, with a pipeline that builds in its second stage."""
    with contextlib.ExitStack() as ends:

        def made(**options: Any) -> Circle:
            circle = ends.enter_context(circle_of(bed, stack, engine="codepipeline", on_commits=False))
            lay(circle, **options)
            return circle

        yield made
        stack.engines.calm()


def lay(circle: Circle, *, key_override: bool = True, gate: bool = False, **options: Any) -> None:
    """Make the pipeline. The project of its action is one whose events come to `report` as well."""
    stack, key = circle.stack, f"pipelines/{circle.name}.zip"
    inside = {"type": "CODEPIPELINE"}
    stack.engines.codebuild.create(inner(circle), source=dict(inside), artifacts=dict(inside))
    stack.grant(codebuild=[inner(circle)], pipeline_sources=[f"{stack.sources.name}/{key}"])
    stages = {
        "Source": [source(stack.sources.name, key, key_override=key_override)],
        "Build": [build(inner(circle), GIVEN)],
        **({"Deploy": [approval()]} if gate else {}),
    }
    stack.engines.codepipeline.create(circle.name, stages, **{"variables": VARIABLES, **options})


def inner(circle: Circle) -> str:
    """The CodeBuild project that the pipeline's action runs."""
    return f"{circle.name}-action"


def propose(circle: Circle, *branches: str) -> list[Proposal]:
    """Pull requests one after the other, each with its execution begun."""
    made = []
    for branch in branches:
        made.append(circle.propose(branch, f"echo saw {branch} as $CHELA_COMMIT"))
        wait_for(lambda: len(circle.executions) == len(made), 30, f"the execution of {branch}")
    return made


def ask(circle: Circle, operation: str, execution: Execution, **members: Any) -> None:
    """What somebody does in AWS's console."""
    identity = {"pipelineName": execution.pipeline, "pipelineExecutionId": execution.id}
    circle.stack.engines.handle("codepipeline", operation, {**identity, **members})


def quiet(circle: Circle) -> None:
    """Wait until all that has happened so far is told."""
    circle.stack.engines.events.settle()
    circle.stack.settle()


def revisions(execution: Execution) -> Mapping[str, str]:
    return {each["revisionType"]: each["revisionValue"] for each in execution.asked["sourceRevisions"]}


@pytest.mark.parametrize("key_override", [True, False], ids=["own key", "configured key"])
def test_a_pipeline_says_its_stages_and_only_its_own_end_turns_the_flag_green(
    make: Made, key_override: bool
) -> None:
    circle = make(key_override=key_override, gate=True)
    engines, stack = circle.stack.engines, circle.stack
    engines.codebuild.hold(inner(circle))
    (proposal,) = propose(circle, "topic")
    flag = proposal.await_flag("pending", "Stage Build, 2 of 3")
    (execution,) = circle.executions
    assert execution.id in flag["url"]
    assert flag["percent"] == 33

    engines.codebuild.release(inner(circle))
    flag = proposal.await_flag("pending", "Stage Deploy, 3 of 3: Approve")
    (built,) = execution.builds
    assert engines.codebuild.await_ended(built).status == "SUCCEEDED"
    quiet(circle)
    flag = proposal.await_flag("pending", "Stage Deploy, 3 of 3")
    assert flag["percent"] == 66

    engines.codepipeline.decide(circle.name, "Approve", approved=True)
    assert proposal.await_flag("success")["comment"] == SUCCEEDED

    (record,) = circle.records
    stored = record["stored"]
    assert f"saw topic as {proposal.commit}" in (built.log or "").splitlines()
    assert built.variables["CHELA_BUILD_ID"] == record["request"]["build_id"]
    assert execution.variables == {**VARIABLES, **{name: built.variables[name] for name in GIVEN}}
    own = f"sources/codepipeline/{circle.name}/{record['request']['build_id']}.zip"
    configured = f"pipelines/{circle.name}.zip"
    assert stored["key"] == (own if key_override else configured)
    asked = revisions(execution)
    assert asked["S3_OBJECT_VERSION_ID"] == stored["version"] == stack.sources.versions(stored["key"])[0]
    assert asked.get("S3_OBJECT_KEY") == (own if key_override else None)


def test_of_executions_that_wait_the_older_is_superseded_and_its_flag_says_so(make: Made) -> None:
    circle = make(mode=SUPERSEDED)
    engines = circle.stack.engines
    engines.codebuild.hold(inner(circle))
    (first,) = propose(circle, "one")
    engines.codebuild.await_held(inner(circle))
    second = circle.propose("two", "true")
    engines.codepipeline.await_held(circle.name, "Build")
    third = circle.propose("three", "true")
    flag = second.await_flag("canceled")
    assert flag["comment"] == SUPERSEDED_TEXT
    engines.codebuild.release(inner(circle))
    for proposal in (first, third):
        assert proposal.await_flag("success")["comment"] == SUCCEEDED
    quiet(circle)
    assert second.await_flag("canceled")["comment"] == SUPERSEDED_TEXT
    assert [each.status for each in circle.executions] == ["Succeeded", "Superseded", "Succeeded"]


def test_queued_executions_wait_for_each_other_and_all_turn_green(make: Made) -> None:
    circle = make(mode=QUEUED)
    engines = circle.stack.engines
    engines.codepipeline.hold(circle.name, "Build")
    proposals = propose(circle, "one", "two", "three")
    quiet(circle)
    for proposal in proposals:
        proposal.await_flag("pending")
    engines.codepipeline.release(circle.name, "Build")
    for proposal in proposals:
        proposal.await_flag("success")
    assert [each.status for each in circle.executions] == ["Succeeded"] * 3


def test_a_pipeline_without_room_is_asked_again_until_it_has_some(make: Made) -> None:
    circle = make(mode=QUEUED, limit=1)
    engines = circle.stack.engines
    engines.codebuild.hold(inner(circle))
    (first,) = propose(circle, "one")
    second = circle.propose("two", "true")
    flag = second.await_flag("pending", "Waits for capacity: ")
    assert "has reached the limit of 1 executions" in flag["comment"]
    asked = circle.stack.calls.of("codepipeline:StartPipelineExecution")
    errors = [each.error for each in asked if each.params["name"] == circle.name]
    assert errors[-1] == "ConcurrentPipelineExecutionsLimitExceededException"
    engines.codebuild.release(inner(circle))
    for proposal in (first, second):
        proposal.await_flag("success")
    assert len(circle.executions) == 2


def test_a_failed_stage_that_is_retried_opens_the_flag_again_and_turns_it_green(make: Made) -> None:
    circle = make()
    engines = circle.stack.engines
    engines.codebuild.force(inner(circle), "FAILED")
    engines.codebuild.hold(inner(circle))
    (proposal,) = propose(circle, "topic")
    engines.codebuild.await_held(inner(circle))
    # The look at it that `trigger` asks for has been: it would find the end, and no action.
    quiet(circle)
    engines.codebuild.release(inner(circle))
    proposal.await_flag("failure", "The pipeline failed: action Build of stage Build")
    quiet(circle)
    (record,) = circle.records
    opened = f"open/{record['request']['build_id']}"
    assert circle.stack.ledger.keys("open/") == []

    # Events tell whole seconds, and of one second the failure would stand.
    failed = int(time.time())
    wait_for(lambda: int(time.time()) > failed, 30, "the next second")
    engines.codebuild.hold(inner(circle))
    (execution,) = circle.executions
    ask(circle, "RetryStageExecution", execution, stageName="Build", retryMode="FAILED_ACTIONS")
    engines.codebuild.await_held(inner(circle))
    proposal.await_flag("pending", "Stage Build, 2 of 2")
    quiet(circle)
    assert circle.stack.ledger.keys("open/") == [opened]

    engines.codebuild.release(inner(circle))
    assert proposal.await_flag("success")["comment"] == SUCCEEDED
    assert execution.attempt == 2


def test_a_rejected_approval_is_named_by_the_failure_even_if_it_is_told_after_it(make: Made) -> None:
    circle = make(gate=True)
    events = circle.stack.engines.events
    (proposal,) = propose(circle, "topic")
    proposal.await_flag("pending", "Stage Deploy, 3 of 3: Approve")
    events.hold(of_type(ACTION, state="FAILED"))
    circle.stack.engines.codepipeline.decide(circle.name, "Approve", approved=False)
    assert proposal.await_flag("failure")["comment"] == "The pipeline failed"
    quiet(circle)
    events.release()
    proposal.await_flag("failure", "The pipeline failed: action Approve of stage Deploy")


def test_a_branch_whose_name_a_pipeline_would_paste_into_commands_is_refused_with_a_sentence(
    make: Made,
) -> None:
    circle = make(variables={**VARIABLES, "CHELA_BRANCH": "main"})
    refused = circle.propose("odd,branch$(id)", "true")
    flag = refused.await_flag("error")
    assert flag["comment"].startswith("CHELA_BRANCH has characters other than A-Z a-z 0-9 . _ / : @ + -")
    assert "rename what it names" in flag["comment"]
    assert circle.executions == []
    (record,) = circle.records
    assert record["stored"] is None, "what cannot be started need not be fetched"
    circle.propose("plain/branch+1", "true").await_flag("success")


def test_a_newer_commit_cancels_at_once_and_the_pipeline_stops_when_its_action_is_over(make: Made) -> None:
    circle = make()
    engines = circle.stack.engines
    engines.codebuild.hold(inner(circle))
    (first,) = propose(circle, "topic")
    engines.codebuild.await_held(inner(circle))
    second = first.update("true")
    flag = first.await_flag("canceled", f"{second.commit[:12]} is newer")
    (older, newer) = wait_for(lambda: circle.executions if len(circle.executions) == 2 else None)
    assert older.status == "Stopping"
    assert older.stop_reason == "Chela: this build of the pull request was overtaken"
    engines.codebuild.release(inner(circle))
    second.await_flag("success")
    engines.codepipeline.await_status(older, "Stopped")
    quiet(circle)
    assert first.await_flag("canceled")["comment"] == flag["comment"]
    assert newer.status == "Succeeded"


def test_an_execution_that_is_stopped_in_the_console_is_canceled(make: Made) -> None:
    circle = make()
    engines = circle.stack.engines
    engines.codebuild.hold(inner(circle))
    (proposal,) = propose(circle, "topic")
    engines.codebuild.await_held(inner(circle))
    proposal.await_flag("pending", "Stage Build, 2 of 2")
    (execution,) = circle.executions
    ask(circle, "StopPipelineExecution", execution, reason="not today")
    proposal.await_flag("pending", "being stopped")
    engines.codebuild.release(inner(circle))
    assert proposal.await_flag("canceled")["comment"] == "Stopped in CodePipeline"


def test_a_change_of_the_pipeline_cancels_what_runs_and_the_flag_says_what_to_do(make: Made) -> None:
    circle = make(gate=True)
    (proposal,) = propose(circle, "topic")
    proposal.await_flag("pending", "Stage Deploy, 3 of 3: Approve")
    circle.stack.engines.codepipeline.cancel(circle.name)
    flag = proposal.await_flag("canceled")
    assert flag["comment"] == "Canceled: the pipeline was changed meanwhile; ask for a rebuild"


def test_an_end_before_the_link_is_found_by_the_look_that_follows_it(make: Made) -> None:
    circle = make()
    stack = circle.stack
    link = Fault("s3:PutObject", Hold(), role="chela-trigger", matches=is_link)
    with stack.faults.during(link):
        (proposal,) = propose(circle, "topic")
        link.await_strike()
        (execution,) = circle.executions
        stack.engines.codepipeline.await_ended(execution)
        stack.engines.events.settle()
        wait_for(lambda: not stack.reports.count(), 30, "all events to be read")
        assert proposal.await_flag("pending")
    assert proposal.await_flag("success")["comment"] == SUCCEEDED


def is_link(call: Any) -> bool:
    return bool(call.params["Key"].startswith("executions/"))
