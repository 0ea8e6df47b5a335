"""What CodeBuild tells of builds reaches the flag, whatever happens on the way, and only what is ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from awsing import ELSEWHERE, SUCCEEDED, Circle, circle_of, deployed
from chela_bed import Bed, wait_for
from chela_bed.aws import Cloud, Fault, Hold, Stack
from chela_bed.aws.engines import Build, backwards, build, of_type, shuffled, source
from chela_bed.programs import Role
from engines_desk import GREEN, pack, variables

STATE, PHASE = "CodeBuild Build State Change", "CodeBuild Build Phase Change"


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "reports") as made:
        yield made


@pytest.fixture
def circle(bed: Bed, stack: Stack) -> Iterator[Circle]:
    with circle_of(bed, stack, on_commits=False) as made:
        yield made
        stack.engines.calm()


def quiet(circle: Circle) -> None:
    """Wait until all that has happened so far is told."""
    circle.stack.engines.events.settle()
    circle.stack.settle()


def begun(circle: Circle, count: int = 1) -> list[Build]:
    """The project's builds, as soon as there are so many."""
    return wait_for(lambda: circle.builds if len(circle.builds) == count else None, 30, f"{count} builds")


def said(stack: Stack, **members: object) -> list[dict[str, Any]]:
    """What `report` has logged with these members."""
    return stack.report.log.entries(**members)


# Every way of CodeBuild


@pytest.mark.parametrize(
    ("ending", "phase", "status", "text"),
    [
        ("FAILED", "BUILD", "failure", "Phase BUILD failed"),
        ("CLIENT_ERROR", "DOWNLOAD_SOURCE", "failure", "Phase DOWNLOAD_SOURCE failed"),
        (
            "FAULT",
            "PROVISIONING",
            "error",
            "CodeBuild could not carry the build out in phase PROVISIONING; ask for a rebuild",
        ),
        (
            "TIMED_OUT",
            "BUILD",
            "error",
            "Stopped in phase BUILD: it took longer than the CodeBuild project allows",
        ),
    ],
    ids=["failed", "client error", "fault", "timed out"],
)
def test_each_end_that_is_no_success_says_what_it_is(
    circle: Circle, ending: str, phase: str, status: str, text: str
) -> None:
    circle.stack.engines.codebuild.force(circle.name, ending, phase)
    assert circle.propose("topic", "true").await_flag(status)["comment"] == text


def test_a_build_that_is_stopped_in_the_console_is_canceled(circle: Circle) -> None:
    engines = circle.stack.engines
    engines.codebuild.hold(circle.name)
    proposal = circle.propose("topic", "true")
    engines.codebuild.await_held(circle.name)
    engines.handle("codebuild", "StopBuild", {"id": circle.builds[0].id})
    assert proposal.await_flag("canceled")["comment"] == "Stopped in CodeBuild"
    engines.codebuild.release(circle.name)


def test_the_flag_names_the_phase_that_runs_and_how_far_it_is(circle: Circle) -> None:
    codebuild = circle.stack.engines.codebuild
    steps = [
        ("PROVISIONING", "Phase PROVISIONING", 5),
        ("INSTALL", "Phase INSTALL", 20),
        ("POST_BUILD", "Phase POST_BUILD", 80),
        ("FINALIZING", "Phase FINALIZING", 95),
    ]
    for phase, _, _ in steps:
        codebuild.hold(circle.name, phase)
    proposal = circle.propose("topic", "true")
    for phase, text, percent in steps:
        codebuild.await_held(circle.name, phase)
        flag = proposal.await_flag("pending", text)
        assert flag["percent"] == percent
        codebuild.release(circle.name, phase)
    assert proposal.await_flag("success")["comment"] == SUCCEEDED


def test_the_link_of_a_public_project_is_its_public_page(circle: Circle) -> None:
    codebuild = circle.stack.engines.codebuild
    public = codebuild.create(circle.name, source=dict(ELSEWHERE), visibility="PUBLIC_READ")
    flag = circle.propose("topic", "true").await_flag("success")
    region = circle.stack.account.region
    assert flag["url"] == f"https://{region}.codebuild.aws.amazon.com/project/{public.alias}"


# On the way


def test_events_that_come_twice_say_the_same(circle: Circle) -> None:
    circle.stack.engines.events.double()
    assert circle.propose("topic", "true").await_flag("success")["comment"] == SUCCEEDED


@pytest.mark.parametrize("order", [backwards, shuffled(7)], ids=["backwards", "shuffled"])
def test_events_in_any_order_end_in_the_same_flag(circle: Circle, order: Any) -> None:
    stack = circle.stack
    stack.engines.events.hold()
    failing = circle.propose("failing", "false")
    (built,) = begun(circle)
    stack.engines.codebuild.await_ended(built)
    # All but the events: the look at the build that `trigger` asks for has been.
    stack.settle()
    stack.engines.events.release(order)
    flag = failing.await_flag("failure")
    assert flag["comment"] == "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"


def test_events_before_the_link_are_told_by_the_builds_own_name(circle: Circle) -> None:
    stack = circle.stack
    link = Fault("s3:PutObject", Hold(), role="chela-trigger", matches=is_at("executions/"))
    with stack.faults.during(link):
        proposal = circle.propose("topic", "true")
        link.await_strike()
        assert proposal.await_flag("success")["comment"] == SUCCEEDED
        assert stack.ledger.keys("executions/codebuild/" + circle.name) == []
    quiet(circle)
    assert proposal.await_flag("success")["comment"] == SUCCEEDED


def is_at(start: str) -> Any:
    """Whether a call is about a key that begins so."""
    return lambda call: call.params["Key"].startswith(start)


def test_a_build_that_somebody_else_starts_is_passed_over(circle: Circle) -> None:
    stack = circle.stack
    foreign = start(stack, circle.name)
    stack.engines.codebuild.await_ended(foreign)
    quiet(circle)
    assert [each.error for each in stack.report.outcomes if each.error] == []
    assert not [line for line in said(stack, level="ERROR") if foreign.id in json.dumps(line)]
    assert circle.records == []
    circle.propose("topic", "true").await_flag("success")


def start(stack: Stack, project: str, **given: str) -> Build:
    """A build as somebody with rights of their own starts it."""
    params = {"projectName": project, "environmentVariablesOverride": variables(**given)}
    answer = stack.engines.handle("codebuild", "StartBuild", params)
    return stack.engines.codebuild.builds[answer["build"]["id"]]


def test_a_build_of_another_job_cannot_pass_for_ours(circle: Circle) -> None:
    stack, codebuild = circle.stack, circle.stack.engines.codebuild
    other = f"{circle.name}-other"
    stack.grant(codebuild=[other])
    codebuild.create(other, source=dict(ELSEWHERE))
    asked = Fault("codebuild:StartBuild", Hold(), role="chela-trigger")
    with stack.faults.during(asked):
        proposal = circle.propose("topic", "false")
        asked.await_strike()
        forged = start(stack, other, CHELA_BUILD_ID=name_of(circle))
        codebuild.await_ended(forged)
        stack.engines.events.settle()
        wait_for(lambda: not stack.reports.count(), 30, "all events to be read")
        flag = proposal.await_flag("pending")
        assert "Phase" not in flag["comment"]
    # It has our name, and is no second build of ours.
    codebuild.forget(forged)
    assert proposal.await_flag("failure")["comment"].startswith("Phase BUILD failed")


def name_of(circle: Circle) -> str:
    """The id of the project's only build."""
    (record,) = circle.records
    return str(record["request"]["build_id"])


def test_a_build_inside_a_pipeline_cannot_pass_for_ours(circle: Circle) -> None:
    """Even of the same CodeBuild project, and before anybody knows which build is ours."""
    stack, engines = circle.stack, circle.stack.engines
    asked = Fault("codebuild:StartBuild", Hold(), role="chela-trigger")
    with stack.faults.during(asked):
        proposal = circle.propose("topic", "false")
        asked.await_strike()
        run_pipeline(circle, name_of(circle))
        (inside,) = circle.builds
        assert (inside.status, inside.initiator) == ("SUCCEEDED", f"codepipeline/{circle.name}-theirs")
        engines.events.settle()
        wait_for(lambda: not stack.reports.count(), 30, "all events to be read")
        assert "Phase" not in proposal.await_flag("pending")["comment"]
    assert proposal.await_flag("failure")["comment"].startswith("Phase BUILD failed")


def run_pipeline(circle: Circle, build_id: str) -> None:
    """Somebody's pipeline runs the job's CodeBuild project, and gives it this build's name."""
    stack, name = circle.stack, f"{circle.name}-theirs"
    archive = stack.folder / f"{name}.zip"
    pack({"buildspec.yml": GREEN}, archive)
    key = f"sources/codepipeline/{name}/one.zip"
    stack.sources.write(key, archive.read_bytes())
    stages = {
        "Source": [source(stack.sources.name, key)],
        "Build": [build(circle.name, ["CHELA_BUILD_ID"])],
    }
    pipelines = stack.engines.codepipeline
    pipelines.create(name, stages, variables={"CHELA_BUILD_ID": build_id})
    answer = stack.engines.handle("codepipeline", "StartPipelineExecution", {"name": name})
    ended = pipelines.await_ended(answer["pipelineExecutionId"])
    # That it is given our name is its own affair, and no second build of ours.
    pipelines.forget(ended)


def test_what_cannot_be_read_is_dropped_and_counted(circle: Circle) -> None:
    stack = circle.stack
    before = len(said(stack, counted="unparsable"))
    odd = {"source": "aws.codebuild", "detail-type": "CodeBuild Build Batch State Change", "detail": {}}
    for body in ("no JSON", "[]", {"a": 1}, odd, {**odd, "detail-type": STATE}, {"do": "check"}):
        stack.reports.send(body)
    quiet(circle)
    dropped = said(stack, counted="unparsable")[before:]
    assert len(dropped) == 6
    assert all(entry["reason"] and entry["level"] == "ERROR" for entry in dropped)
    circle.propose("topic", "true").await_flag("success")


# Pagure


def test_nothing_is_lost_while_pagure_is_down_for_long(circle: Circle, bed: Bed) -> None:
    stack, codebuild = circle.stack, circle.stack.engines.codebuild
    codebuild.hold(circle.name)
    good, bad = circle.propose("good", "true"), circle.propose("bad", "false")
    begun(circle, 2)
    for proposal in (good, bad):
        proposal.await_flag("pending", "Phase INSTALL")
    stack.engines.events.double(of_type(STATE))
    bed.stop(Role.WEB)
    codebuild.release(circle.name)
    for built in begun(circle, 2):
        codebuild.await_ended(built)
    # Lambda would have given up after three attempts.
    wait_for(lambda: outlasted(stack, 6), 60, "many attempts in vain")
    bed.start(Role.WEB)
    assert good.await_flag("success")["comment"] == SUCCEEDED
    assert bad.await_flag("failure")["comment"] == "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"


def outlasted(stack: Stack, attempts: int) -> bool:
    """Whether a message has been given back so often."""
    return any(entry["receives"] >= attempts for entry in said(stack, message="will report later"))


def test_a_report_that_pagure_refuses_for_good_closes_the_build(bed: Bed, stack: Stack) -> None:
    codebuild = stack.engines.codebuild
    with circle_of(bed, stack) as circle:
        name = f"{circle.job} (commit)"
        codebuild.hold(circle.name)
        commit = circle.push("gone", "true", hooks=True)
        circle.await_flag(commit, "pending", "Phase INSTALL", name)
        quiet(circle)
        forget(circle, "gone")
        codebuild.release(circle.name)
        codebuild.await_ended(begun(circle)[0])
        quiet(circle)
        assert {entry["build"] for entry in said(stack, counted="refused")} == {name_of(circle)}
        assert stack.ledger.keys("open/") == []

        # Once somebody brings the commit back, it can be told again.
        bed.work_tree(circle.project).push("alice", "gone")
        circle.await_flag(commit, "success", context=name)


def forget(circle: Circle, branch: str) -> None:
    """Take a branch and its commits out of the project, as its removal and some weeks do."""
    repository = circle.bed.repository(circle.project)
    for command in (["update-ref", "-d", f"refs/heads/{branch}"], ["prune", "--expire=now"]):
        git = ["git", "-c", "safe.directory=*", *command]
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(git, cwd=repository, check=True, env=environment)


# The token


def cold(stack: Stack) -> None:
    """Let `report` begin anew: it knows no token yet."""
    stack.settle()
    stack.report.retire()


def test_a_rotated_token_works_without_a_deploy(circle: Circle, bed: Bed) -> None:
    stack = circle.stack
    circle.propose("before", "true").await_flag("success")
    quiet(circle)
    processes = stack.report.running()
    old = circle.token
    bed.remove_ci(circle.project)
    key: dict[str, Any] = {"username": circle.caller.access_key, "password": circle.caller.secret_key}
    circle.token = bed.set_ci(circle.project, stack.door.ci_url, circle.job, **key)
    assert circle.token != old
    before = len(said(stack, counted="token"))
    proposal = circle.propose("after", "true")
    wait_for(lambda: said(stack, counted="token")[before:], 30, "a report with the old token")
    stack.set_token(circle.token, circle.project.fullname)
    proposal.await_flag("success")
    quiet(circle)
    assert set(processes) <= set(stack.report.running())


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (" \n", "is empty: put the project's CI token into it"),
        ('{"demo/other": "x"}', "has no token of demo/{project}: add one under that name"),
        ('["a token"]', "is neither a bare token nor a JSON object of texts"),
    ],
    ids=["empty", "another project's", "no text"],
)
def test_a_secret_without_the_token_is_told_in_a_sentence_until_it_has_it(
    circle: Circle, kept: str, sentence: str
) -> None:
    stack = circle.stack
    cold(stack)
    before = len(said(stack, counted="token"))
    stack.set_token(kept)
    proposal = circle.propose("topic", "true")
    entries = wait_for(lambda: said(stack, counted="token")[before:], 30, "a report without a token")
    stack.set_token(circle.token, circle.project.fullname)
    assert sentence.format(project=circle.project.name) in entries[0]["reason"]
    assert "panicked" not in json.dumps(entries)
    proposal.await_flag("success")


def test_a_bare_token_is_every_projects(circle: Circle) -> None:
    stack = circle.stack
    cold(stack)
    stack.set_token(f"{circle.token}\n")
    circle.propose("topic", "true").await_flag("success")
    quiet(circle)
    stack.set_token(circle.token, circle.project.fullname)
    cold(stack)


def test_the_token_may_be_in_the_environment(circle: Circle) -> None:
    stack = circle.stack
    usual = stack.report.settings.variables
    named = {name: value for name, value in usual.items() if name != "CHELA_TOKEN_SECRET"}
    cold(stack)
    asked = len(stack.calls.of("secretsmanager:GetSecretValue"))
    stack.report.settings.variables = {**named, "CHELA_TOKEN": circle.token}
    try:
        circle.propose("topic", "true").await_flag("success")
        quiet(circle)
    finally:
        stack.report.settings.variables = usual
    assert len(stack.calls.of("secretsmanager:GetSecretValue")) == asked
    assert not [line for line in stack.report.log.lines if circle.token in line]
    cold(stack)
