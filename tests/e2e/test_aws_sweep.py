"""The sweep finds what no event told, ends what nobody works on any more, and leaves alone what is young."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from awsing import SUCCEEDED, Circle, circle_of, deployed, make_pipeline, swept
from chela_bed import Bed, orders, wait_for
from chela_bed.aws import Cloud, Stack
from chela_bed.aws.engines import Build
from chela_bed.programs import Role

FORGOTTEN = "AWS no longer knows this build; ask for a rebuild"


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "sweep") as made:
        yield made


@pytest.fixture
def circle(bed: Bed, stack: Stack) -> Iterator[Circle]:
    with circle_of(bed, stack, on_commits=False) as made:
        yield made
        stack.engines.calm()


@pytest.fixture
def pipeline(bed: Bed, stack: Stack) -> Iterator[Circle]:
    """A project that a pipeline builds."""
    with circle_of(bed, stack, engine="codepipeline", on_commits=False) as made:
        make_pipeline(made)
        yield made
        stack.engines.calm()


def quiet(stack: Stack) -> None:
    """Wait until all that has happened so far is told."""
    stack.engines.events.settle()
    stack.settle()


def begun(circle: Circle, count: int = 1) -> list[Build]:
    """The project's builds, as soon as there are so many and `trigger` has looked at them once more."""
    codebuild = circle.stack.engines.codebuild
    built = wait_for(lambda: circle.builds if len(circle.builds) == count else None, 30, f"{count} builds")
    codebuild.await_held(circle.name)
    quiet(circle.stack)
    return built


def end_unheard(circle: Circle, builds: list[Build]) -> None:
    """Let held builds end, and no event tell it."""
    codebuild = circle.stack.engines.codebuild
    circle.stack.engines.events.lose()
    codebuild.release(circle.name)
    for each in builds:
        codebuild.await_ended(each)
    quiet(circle.stack)


def opened(circle: Circle) -> list[str]:
    """The builds of the project that are open."""
    names = [record["request"]["build_id"] for record in circle.records]
    return [name for name in names if circle.stack.ledger.keys(f"open/{name}")]


def test_ends_that_no_event_told_are_found_together(circle: Circle) -> None:
    stack = circle.stack
    stack.engines.codebuild.hold(circle.name)
    good, bad = circle.propose("good", "true"), circle.propose("bad", "false")
    end_unheard(circle, begun(circle, 2))
    for proposal in (good, bad):
        proposal.await_flag("pending")

    assert swept(stack, timedelta())["told"] == 0, "what is young may still be on its way"
    stack.calls.clear()
    answer = swept(stack)
    assert {name: answer[name] for name in ("open", "told", "failed")} == {"open": 2, "told": 2, "failed": 0}
    assert good.await_flag("success")["comment"] == SUCCEEDED
    assert bad.await_flag("failure")["comment"] == "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"
    assert len(stack.calls.one("codebuild:BatchGetBuilds").params["ids"]) == 2
    assert swept(stack)["open"] == 0


def test_a_build_that_runs_is_looked_at_and_stays_open(circle: Circle) -> None:
    stack = circle.stack
    stack.engines.codebuild.hold(circle.name, "POST_BUILD")
    stack.engines.events.lose()
    proposal = circle.propose("topic", "true")
    stack.engines.codebuild.await_held(circle.name, "POST_BUILD")
    quiet(stack)
    assert swept(stack)["told"] == 1
    proposal.await_flag("pending", "Phase POST_BUILD")
    assert len(opened(circle)) == 1
    stack.engines.events.calm()
    stack.engines.codebuild.release(circle.name, "POST_BUILD")
    proposal.await_flag("success")


def test_an_end_of_a_pipeline_that_no_event_told_is_found(pipeline: Circle) -> None:
    stack = pipeline.stack
    stack.engines.codebuild.hold(pipeline.name)
    proposal = pipeline.propose("topic", "true")
    end_unheard(pipeline, begun(pipeline))
    stack.engines.codepipeline.await_ended(pipeline.executions[0])
    proposal.await_flag("pending")
    assert swept(stack)["told"] == 1
    assert proposal.await_flag("success")["comment"] == "The pipeline succeeded"


def test_what_aws_has_forgotten_is_an_error(circle: Circle) -> None:
    stack = circle.stack
    stack.engines.codebuild.hold(circle.name)
    proposal = circle.propose("topic", "true")
    (built,) = begun(circle)
    end_unheard(circle, [built])
    stack.engines.codebuild.forget(built)
    assert swept(stack)["told"] == 1
    assert proposal.await_flag("error")["comment"] == FORGOTTEN


def test_an_execution_that_aws_has_forgotten_is_an_error(pipeline: Circle) -> None:
    stack = pipeline.stack
    stack.engines.codebuild.hold(pipeline.name)
    proposal = pipeline.propose("topic", "true")
    end_unheard(pipeline, begun(pipeline))
    (execution,) = pipeline.executions
    stack.engines.codepipeline.forget(stack.engines.codepipeline.await_ended(execution))
    assert swept(stack)["told"] == 1
    assert proposal.await_flag("error")["comment"] == FORGOTTEN


def test_an_end_of_our_own_that_was_lost_is_told_again(circle: Circle) -> None:
    stack = circle.stack
    stack.engines.codebuild.hold(circle.name)
    first = circle.propose("topic", "true")
    begun(circle)
    stack.reports_poller.pause()
    stack.engines.events.lose()
    second = first.update("true")
    wait_for(lambda: circle.records[0]["ended"], 30, "the end of the older build")
    wait_for(lambda: not stack.requests.count(), 30, "the start of the newer build")
    lost = stack.reports.take()
    assert any("canceled" in body for body in lost)
    stack.reports_poller.resume()
    stack.engines.codebuild.release(circle.name)
    for each in circle.builds:
        stack.engines.codebuild.await_ended(each)
    quiet(stack)
    first.await_flag("pending")
    assert swept(stack)["failed"] == 0
    first.await_flag("canceled", f"{second.commit[:12]} is newer")
    second.await_flag("success")


def test_a_held_build_waits_for_a_month_and_can_still_be_asked_for(circle: Circle, bed: Bed) -> None:
    stack = circle.stack
    fork = bed.fork(circle.project, "bob")
    gift = circle.propose_from(fork, "gift", "echo thanks")
    gift.await_flag("pending", "Waits for a committer to ask for a rebuild of")
    quiet(stack)
    accepted_earlier(circle, timedelta(days=29))
    answer = swept(stack)
    assert (answer["open"], answer["told"], answer["waiting"]) == (1, 0, 1)
    accepted_earlier(circle, timedelta(days=2))
    assert swept(stack)["told"] == 1
    flag = gift.await_flag("canceled")
    assert flag["comment"] == "No committer asked for it in time; a rebuild can still be asked for"
    assert opened(circle) == []
    # What was seen of it a month ago is not known any more: it is shown once again.
    gift.rebuild()
    gift.await_flag("pending", "Waits for a committer to ask again for a rebuild of")
    past_hold(circle)
    gift.rebuild()
    gift.await_flag("success")


def past_hold(circle: Circle) -> None:
    """Wait until Pagure has said that it shows the newest hold, and people act later than that."""
    newest = f"open/{circle.records[-1]['request']['build_id']}"
    shown = wait_for(lambda: circle.stack.ledger.json(newest)["acknowledged"], 30, "the acknowledgement")
    wait_for(lambda: orders.moment(time.time_ns() // 1000) > shown, 30, "the second of it to be over")


def accepted_earlier(circle: Circle, by: timedelta) -> None:
    """Date back when a project's only build was accepted: the ledger is all that tells."""
    (record,) = circle.records
    moment = datetime.fromisoformat(record["accepted"].replace("Z", "+00:00")) - by
    record["accepted"] = orders.moment(round(moment.timestamp() * 1_000_000))
    circle.stack.ledger.write(f"builds/{record['request']['build_id']}", json.dumps(record))


def test_what_nobody_starts_any_more_is_an_error_after_a_day(circle: Circle) -> None:
    stack, codebuild = circle.stack, circle.stack.engines.codebuild
    codebuild.limit(0, 0)
    with contextlib.ExitStack() as again:
        again.callback(codebuild.limit, 20, 100)
        proposal = circle.propose("topic", "true")
        proposal.await_flag("pending", "Waits for capacity: ")
        # Somebody empties the queue.
        stack.requests_poller.pause()
        again.callback(stack.requests_poller.resume)
        wait_for(stack.requests.take, 30, "the message of the build")
    quiet(stack)
    accepted_earlier(circle, timedelta(hours=24))
    assert swept(stack)["waiting"] == 1
    accepted_earlier(circle, timedelta(hours=2))
    assert swept(stack)["told"] == 1
    flag = proposal.await_flag("error")
    assert flag["comment"] == "It was not started within a day; ask for a rebuild"
    proposal.rebuild()
    proposal.await_flag("success")


def test_a_sweep_stops_while_pagure_is_down(circle: Circle, bed: Bed) -> None:
    stack = circle.stack
    stack.engines.codebuild.hold(circle.name)
    proposals = [circle.propose(name, "true") for name in ("one", "two")]
    end_unheard(circle, begun(circle, 2))
    bed.stop(Role.WEB)
    answer = swept(stack)
    bed.start(Role.WEB)
    assert (answer["open"], answer["told"]) == (2, 0)
    assert answer["stopped"]
    assert swept(stack)["told"] == 2
    for proposal in proposals:
        proposal.await_flag("success")
