"""The whole circle: Pagure asks, the functions have CodeBuild build, and the flag says what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from awsing import ELSEWHERE, STARTED, SUCCEEDED, Circle, circle_of, deployed, held
from chela_bed import Bed, Project, orders, wait_for
from chela_bed.aws import Cloud, Fault, Hold, Stack, denied

HELD_AGAIN = "Waits for a committer to ask again for a rebuild of"
ECHO = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo $CHELA_EVENT of $CHELA_COMMIT\n"


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "road") as made:
        yield made


@pytest.fixture
def circle(bed: Bed, stack: Stack) -> Iterator[Circle]:
    with circle_of(bed, stack) as made:
        yield made


@pytest.fixture
def untrusting(bed: Bed, stack: Stack) -> Iterator[Circle]:
    """A job with another CodeBuild project for strangers."""
    forks = f"forks-{time.monotonic_ns()}"
    stack.engines.codebuild.create(forks, source=dict(ELSEWHERE))
    with circle_of(bed, stack, job={"untrusted": forks}) as made:
        yield made


def of_strangers(circle: Circle) -> str:
    """The CodeBuild project for strangers."""
    jobs: dict[str, Any] = circle.stack.callers[circle.caller.arn][circle.project.fullname]["jobs"]
    name: str = jobs[circle.job]["untrusted"]
    return name


def test_a_good_build_turns_the_flag_green(circle: Circle) -> None:
    good = circle.propose("good", "echo all is well")
    flag = good.await_flag("success")
    assert flag["comment"] == SUCCEEDED
    (build,) = circle.builds
    assert build.log is not None and "all is well" in build.log.splitlines()
    assert flag["url"].endswith(f"/build/{build.id.replace(':', '%3A')}/?region={build.account.region}")


def test_a_failing_build_names_the_phase_on_the_flag(circle: Circle) -> None:
    bad = circle.propose("bad", "echo before", "false")
    assert bad.await_flag("failure")["comment"] == "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"


def test_a_build_that_somebody_stops_in_codebuild_is_canceled(circle: Circle) -> None:
    codebuild = circle.stack.engines.codebuild
    codebuild.hold(circle.name)
    begun = circle.propose("stopped", "true")
    begun.await_flag("pending", "Phase INSTALL")
    (build,) = circle.builds
    circle.stack.engines.handle("codebuild", "StopBuild", {"id": build.id})
    assert begun.await_flag("canceled")["comment"] == "Stopped in CodeBuild"


def test_a_pushed_commit_is_built(circle: Circle) -> None:
    commit = circle.push("pushed", "echo begun", hooks=True)
    circle.await_flag(commit, "success", SUCCEEDED, context=f"{circle.job} (commit)")
    (build,) = circle.builds
    assert (build.variables["CHELA_EVENT"], build.variables["CHELA_COMMIT"]) == ("commit", commit)


def test_a_project_without_a_source_gets_the_variables_only(circle: Circle) -> None:
    source = {"type": "NO_SOURCE", "buildspec": ECHO}
    circle.stack.engines.codebuild.create(circle.name, source=source)
    request = circle.propose("sourceless", "false")
    request.await_flag("success")
    (build,) = circle.builds
    assert build.log is not None
    assert f"pull_request of {request.commit}" in build.log.splitlines()
    assert not {"sourceVersion", "sourceTypeOverride", "sourceLocationOverride"} & set(build.asked)
    (record,) = circle.records
    assert record["stored"] is None


def test_a_test_from_pagures_form_goes_through_the_door(circle: Circle) -> None:
    alice = circle.bed.login("alice")
    settings = f"/{circle.project.web}/settings"
    answer = alice.submit(f"{settings}/Pagure CI", {}, action=f"{settings}/ci/test")
    assert "The CI service took the test (answer 204)." in answer.text
    assert not circle.records


def test_a_strangers_pull_request_is_built_apart_when_a_committer_asks_for_it(untrusting: Circle) -> None:
    circle = untrusting
    fork = circle.bed.fork(circle.project, "bob")
    gift = circle.propose_from(fork, "gift", "echo begun")
    held(gift)
    assert not circle.builds

    gift.rebuild()
    gift.await_flag("success")
    (build,) = circle.stack.engines.codebuild.of_project(of_strangers(circle))
    assert not circle.builds
    assert build.variables["CHELA_AUTHOR_CAN_PUSH"] == "false"
    first, second = circle.records_of(gift.commit)
    assert (first["ended"]["status"], first["execution"]) == ("canceled", None)
    assert second["origin"] != "trusted"


def test_what_a_stranger_pushes_after_the_look_is_held_again(circle: Circle) -> None:
    fork = circle.bed.fork(circle.project, "bob")
    first = circle.propose_from(fork, "trick", "echo harmless")
    held(first)
    circle.stack.engines.codebuild.hold(circle.name)
    first.rebuild()
    circle.stack.engines.codebuild.await_held(circle.name)

    second = first.update("echo begun", user="bob", project=fork)
    held(second)
    flag = first.await_flag("canceled")
    assert flag["comment"] == f"Canceled: {second.commit[:12]} is newer"
    circle.stack.engines.codebuild.release(circle.name)
    assert [build.variables["CHELA_COMMIT"] for build in circle.builds] == [first.commit]

    second.rebuild()
    second.await_flag("success")


def test_a_comment_from_before_the_hold_releases_nothing(circle: Circle) -> None:
    fork = circle.bed.fork(circle.project, "bob")
    gift = circle.propose_from(fork, "hurry", "echo begun")
    held(gift)
    (record,) = circle.records
    open_ = circle.stack.ledger.json(f"open/{record['request']['build_id']}")
    by = {"user": "alice", "can_push": True, "reason": "rebuild", "at": open_["acknowledged"]}
    again = {**record["request"], "build_id": orders.fresh_id(), "requested_by": by}
    circle.enqueue(again)
    held(gift, HELD_AGAIN)
    assert not circle.builds
    gift.rebuild()
    gift.await_flag("success")


def test_strangers_are_refused_where_the_settings_say_so(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack, settings={"strangers": "refuse"}) as circle:
        fork = bed.fork(circle.project, "bob")
        gift = circle.propose_from(fork, "refused", "true")
        gift.await_flag("error", "403")
        assert not circle.records


def test_a_job_that_is_not_configured_is_an_error_that_lists_those_that_are(circle: Circle) -> None:
    job = circle.job
    circle.set_ci("codebuild/nothing")
    flag = circle.propose("misnamed", "true").await_flag("error")
    said = f"no such job: codebuild/nothing; the receiver runs {job} for {circle.project.fullname}"
    assert said in flag["comment"]


def test_a_project_that_codebuild_does_not_have_is_an_error_that_names_it(circle: Circle) -> None:
    del circle.stack.engines.codebuild.projects[circle.name]
    flag = circle.propose("absent", "true").await_flag("error")
    assert flag["comment"].startswith(f"There is no CodeBuild project {circle.name} in the account")


def test_one_projects_key_cannot_ask_for_anothers_job(circle: Circle, untrusting: Circle) -> None:
    key = {"username": untrusting.caller.access_key, "password": untrusting.caller.secret_key}
    circle.set_ci(**key)
    flag = circle.propose("foreign", "true").await_flag("error", "403")
    assert circle.project.fullname in flag["comment"]
    assert circle.stack.door.visits[-1].status == 403
    assert not circle.records
    # The other one's job under its own name is just as far away.
    circle.set_ci(untrusting.job)
    flag = circle.propose("named", "true").await_flag("error")
    assert f"no such job: {untrusting.job}" in flag["comment"]


def test_a_newer_commit_stops_the_older_build_and_its_flag_says_so_at_once(circle: Circle) -> None:
    codebuild = circle.stack.engines.codebuild
    codebuild.hold(circle.name, "FINALIZING")
    codebuild.hold(circle.name)
    first = circle.propose("twice", "true")
    codebuild.await_held(circle.name)
    second = first.update("true")
    # The older one is still on its way out when its flag tells it.
    flag = first.await_flag("canceled")
    assert flag["comment"] == f"Canceled: {second.commit[:12]} is newer"
    older = circle.builds[0]
    assert (older.end, older.interrupted is not None) == (None, True)
    codebuild.release(circle.name)
    codebuild.release(circle.name, "FINALIZING")
    second.await_flag("success")
    circle.settle()
    # CodeBuild's own word comes later, and changes nothing.
    assert older.status == "STOPPED"
    assert circle.flags(first.commit)[circle.job]["comment"] == flag["comment"]


def test_a_newer_commit_leaves_a_flag_alone_that_shows_an_end(circle: Circle) -> None:
    first = circle.propose("finished", "true")
    first.await_flag("success")
    circle.settle()
    second = first.update("true")
    second.await_flag("success")
    assert circle.flags(first.commit)[circle.job]["status"] == "success"
    assert not circle.stack.calls.of("codebuild:StopBuild", id=circle.builds[0].id)


def test_a_build_that_ends_while_a_newer_one_stops_it_keeps_its_own_end(circle: Circle) -> None:
    circle.stack.engines.codebuild.hold(circle.name)
    first = circle.propose("race", "true")
    circle.stack.engines.codebuild.await_held(circle.name)
    events = circle.stack.engines.events
    events.hold()
    stop = Hold()
    with circle.stack.faults.during(Fault("codebuild:StopBuild", stop)):
        second = first.update("true")
        stop.await_caller()
        circle.stack.engines.codebuild.release(circle.name)
        circle.stack.engines.codebuild.await_ended(circle.builds[0])
        stop.release()
        wait_for(lambda: len(circle.builds) == 2, 30, "the newer one's start")
    events.release()
    first.await_flag("success")
    second.await_flag("success")


def test_a_build_waits_for_capacity_until_there_is_some(circle: Circle) -> None:
    project = circle.stack.engines.codebuild.projects[circle.name]
    project.concurrent = 0
    request = circle.propose("crowded", "true")
    flag = request.await_flag("pending", "Waits for capacity")
    assert "Cannot have more than 0 concurrent builds for the project" in flag["comment"]
    circle.stack.calls.wait("codebuild:StartBuild", 3, projectName=circle.name)
    project.concurrent = None
    request.await_flag("success")
    (message,) = {each["request"]["build_id"]: each for each in circle.messages()}.values()
    assert message["tries"] >= 2


def test_a_build_that_finds_no_place_for_a_day_is_an_error(circle: Circle) -> None:
    circle.stack.engines.codebuild.projects[circle.name].concurrent = 0
    circle.stack.requests_poller.pause()
    request = circle.propose("stale", "true")
    request.await_flag("pending")
    (body,) = circle.stack.requests.take()
    circle.stack.requests_poller.resume()
    circle.enqueue(queued=body, age=86_401)
    flag = request.await_flag("error")
    assert flag["comment"].startswith("Could not be started within a day: ")
    assert "Cannot have more than 0 concurrent builds" in flag["comment"]
    assert not circle.builds


def test_a_clone_that_is_refused_is_an_error(circle: Circle) -> None:
    """The repository is gone when `trigger` comes to fetch it."""
    circle.stack.requests_poller.pause()
    request = circle.propose("gone", "true")
    request.await_flag("pending")
    repository = circle.bed.repository(circle.project)
    aside = repository.rename(repository.with_suffix(".aside"))
    try:
        circle.stack.requests_poller.resume()
        wait_for(lambda: circle.records and circle.records[0]["ended"], 30, "an end")
    finally:
        aside.rename(repository)
    flag = request.await_flag("error")
    assert "does not show this repository without a password (HTTP status 404)" in flag["comment"]
    assert not circle.builds


def test_a_repository_that_is_too_large_is_an_error_that_names_the_setting(circle: Circle) -> None:
    variables = circle.stack.trigger.settings.variables
    variables["CHELA_MAX_FILES"] = "2"
    circle.stack.trigger.retire()
    try:
        flag = circle.propose("large", "true").await_flag("error")
        circle.settle()
    finally:
        del variables["CHELA_MAX_FILES"]
        circle.stack.trigger.retire()
    assert "CHELA_MAX_FILES" in flag["comment"]
    assert not circle.builds


@pytest.mark.parametrize("action", ["codebuild:StartBuild", "codebuild:BatchGetProjects"])
def test_a_right_that_is_missing_is_named_on_the_flag(circle: Circle, action: str) -> None:
    with circle.stack.faults.during(Fault(action, denied, times=None)):
        flag = circle.propose("denied", "true").await_flag("error")
    assert f"{action} on {circle.name}" in flag["comment"]
    assert "policy" in flag["comment"]


def test_a_note_about_the_source_does_not_keep_a_build_from_its_end(circle: Circle) -> None:
    request = circle.propose("started", "true")
    request.await_flag("success")
    said = [each for each in circle.told() if each["data"]["description"] == STARTED]
    assert len(said) == 1


def test_two_projects_of_one_caller_share_a_key(bed: Bed, stack: Stack, circle: Circle) -> None:
    other = Project(f"{circle.project.name}-sister", "demo")
    bed.create_project(other, "alice", {"README.md": "# sister\n"})
    mine = {**stack.callers[circle.caller.arn], other.fullname: {"jobs": {circle.job: {}}}}
    stack.callers[circle.caller.arn] = mine
    stack.trigger.settings.variables["CHELA_CONFIG"] = stack.config()
    stack.trigger.retire()
    sister = Circle(bed, stack, other, circle.caller, circle.job, "")
    sister.set_ci()
    sister.propose("shared", "echo begun").await_flag("success")
    sister.settle()
    assert [build.variables["CHELA_PROJECT"] for build in circle.builds] == [other.fullname]
