"""The whole circle on the stack as CloudFormation deploys it: its roles, rules, queues and names alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from awsing import SUCCEEDED, Circle, Proposal, held, swept
from chela_bed import Bed, wait_for
from chela_bed.aws import Cloud, Stack
from chela_bed.aws.dialects import CloudFormation
from chela_bed.aws.engines import Build
from chela_bed.aws.evaluator import Access
from chela_bed.programs import Role
from infra_circle import HELLO, RELEASE, Site, builds_of, deploy

PIPELINE_SUCCEEDED = "The pipeline succeeded"


@pytest.fixture(scope="module")
def site(bed: Bed, stacks_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with deploy(bed, stacks_cloud, CloudFormation(tmp_path_factory.mktemp("plain"))) as made:
        yield made


@pytest.fixture
def circle(site: Site) -> Iterator[Circle]:
    with site.job(HELLO, on_commits=False) as made:
        yield made


@pytest.fixture
def line(site: Site) -> Iterator[Circle]:
    with site.job(RELEASE, on_commits=False) as made:
        yield made


def begun(circle: Circle, commit: str) -> Build:
    """A commit's build, as soon as it is held."""
    circle.stack.engines.codebuild.await_held(circle.name)
    (build,) = wait_for(lambda: builds_of(circle, commit), 30, "the build")
    return build


def test_a_good_build_turns_the_flag_green(circle: Circle) -> None:
    good = circle.propose("good", "echo all is well")
    assert good.await_flag("success")["comment"] == SUCCEEDED
    (build,) = builds_of(circle, good.commit)
    assert build.log is not None and "all is well" in build.log.splitlines()
    assert build.settings.role.endswith(":role/chela-build-eu-west-1")
    read = circle.stack.calls.of("s3:GetObject", role="chela-build-eu-west-1")
    assert [call.params["VersionId"] for call in read] == [build.settings.source_version]


def test_a_good_pipeline_turns_the_flag_green(line: Circle) -> None:
    good = line.propose("released", "echo saw $CHELA_PULL_REQUEST")
    assert good.await_flag("success")["comment"] == PIPELINE_SUCCEEDED
    (build,) = builds_of(line, good.commit)
    assert f"saw {good.id}" in (build.log or "").splitlines()
    # The source went through the pipeline's own store, with the roles of both.
    roles = ["chela-pipeline-eu-west-1", "chela-pipeline-build-eu-west-1"]
    stored = [call.params["Key"] for call in line.stack.calls.of("s3:PutObject", role=roles[0])]
    taken = [call.params["Key"] for call in line.stack.calls.of("s3:GetObject", role=roles[1])]
    assert stored[-1] == taken[-1]
    assert stored[-1].startswith("chela-release/")


def test_a_failing_build_names_the_phase_on_the_flag(circle: Circle) -> None:
    bad = circle.propose("bad", "false")
    assert bad.await_flag("failure")["comment"] == "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"


def test_a_failing_pipeline_names_the_stage_on_the_flag(line: Circle) -> None:
    bad = line.propose("broken", "false")
    flag = bad.await_flag("failure", "The pipeline failed: action Build of stage Build")
    assert flag["username"] == RELEASE


def test_a_strangers_pull_request_waits_until_a_committer_lets_it_through(circle: Circle) -> None:
    fork = circle.bed.fork(circle.project, "bob")
    gift = circle.propose_from(fork, "gift", "echo begun")
    held(gift)
    assert not builds_of(circle, gift.commit)
    gift.rebuild()
    assert gift.await_flag("success")["comment"] == SUCCEEDED


def test_a_newer_commit_stops_the_older_build(circle: Circle) -> None:
    codebuild = circle.stack.engines.codebuild
    codebuild.hold(circle.name)
    first = circle.propose("twice", "true")
    older = begun(circle, first.commit)
    second = first.update("true")
    flag = first.await_flag("canceled")
    assert flag["comment"] == f"Canceled: {second.commit[:12]} is newer"
    codebuild.release(circle.name)
    second.await_flag("success")
    assert codebuild.await_ended(older).status == "STOPPED"


def test_a_newer_commit_stops_the_older_execution(line: Circle) -> None:
    engines = line.stack.engines
    engines.codebuild.hold("chela-release-build")
    first = line.propose("onwards", "true")
    engines.codebuild.await_held("chela-release-build")
    second = first.update("true")
    first.await_flag("canceled", f"{second.commit[:12]} is newer")
    engines.codebuild.release("chela-release-build")
    second.await_flag("success")
    (older,) = [each for each in line.executions if each.variables["CHELA_COMMIT"] == first.commit]
    engines.codepipeline.await_status(older, "Stopped")


def test_a_rebuild_builds_the_same_commit_once_more(circle: Circle) -> None:
    again = circle.propose("again", "true")
    again.await_flag("success")
    circle.settle()
    again.rebuild()
    wait_for(lambda: len(builds_of(circle, again.commit)) == 2, 30, "the second build")
    circle.settle()
    assert again.await_flag("success")["comment"] == SUCCEEDED


def test_a_pushed_commit_is_built(site: Site) -> None:
    with site.job(HELLO) as circle:
        commit = circle.push("pushed", "echo begun", hooks=True)
        circle.await_flag(commit, "success", SUCCEEDED, context=f"{HELLO} (commit)")
        (build,) = builds_of(circle, commit)
        assert build.variables["CHELA_EVENT"] == "commit"


def test_a_build_waits_for_capacity_until_there_is_some(circle: Circle) -> None:
    project = circle.stack.engines.codebuild.projects[circle.name]
    usual, project.concurrent = project.concurrent, 0
    crowded = circle.propose("crowded", "true")
    crowded.await_flag("pending", "Waits for capacity")
    project.concurrent = usual
    crowded.await_flag("success")


def test_nothing_is_lost_while_pagure_is_down(circle: Circle) -> None:
    stack, codebuild = circle.stack, circle.stack.engines.codebuild
    codebuild.hold(circle.name)
    late = circle.propose("late", "true")
    build = begun(circle, late.commit)
    late.await_flag("pending", "Phase INSTALL")
    earlier = len(_given_back(stack))
    circle.bed.stop(Role.WEB)
    codebuild.release(circle.name)
    codebuild.await_ended(build)
    # Lambda would have given up after three attempts.
    wait_for(lambda: max(_given_back(stack)[earlier:], default=0) >= 4, 60, "attempts in vain")
    circle.bed.start(Role.WEB)
    assert late.await_flag("success")["comment"] == SUCCEEDED


def _given_back(stack: Stack) -> list[int]:
    """How often messages had been received that `report` has given back."""
    return [entry["receives"] for entry in stack.report.log.entries(message="will report later")]


def looked_at(circle: Circle, branch: str) -> tuple[Proposal, Build]:
    """A pull request whose build is held, and the look at it that `trigger` asks for has been."""
    circle.stack.engines.codebuild.hold(circle.name)
    proposal = circle.propose(branch, "true")
    build = begun(circle, proposal.commit)
    circle.stack.engines.events.settle()
    circle.stack.settle()
    return proposal, build


def end(circle: Circle, build: Build) -> None:
    """Let a held build end, and all that is told of it be read."""
    circle.stack.engines.codebuild.release(circle.name)
    circle.stack.engines.codebuild.await_ended(build)
    circle.stack.engines.events.settle()
    circle.stack.settle()


def test_the_scheduled_sweep_finds_what_no_event_told(circle: Circle) -> None:
    lost, build = looked_at(circle, "lost")
    circle.stack.engines.events.lose()
    end(circle, build)
    lost.await_flag("pending")
    assert swept(circle.stack)["told"] == 1
    assert lost.await_flag("success")["comment"] == SUCCEEDED


def test_a_rotated_token_works_without_a_deploy(circle: Circle) -> None:
    stack, bed = circle.stack, circle.bed
    circle.propose("before", "true").await_flag("success")
    circle.settle()
    old, before = circle.token, len(stack.report.log.entries(counted="token"))
    bed.remove_ci(circle.project)
    key: dict[str, Any] = {"username": circle.caller.access_key, "password": circle.caller.secret_key}
    circle.token = bed.set_ci(circle.project, stack.door.ci_url, circle.job, **key, on_commits=False)
    assert circle.token != old
    after = circle.propose("after", "true")
    wait_for(lambda: stack.report.log.entries(counted="token")[before:], 30, "a report with the old token")
    stack.set_token(circle.token, circle.project.fullname)
    after.await_flag("success")


# Who may not.


def test_a_user_without_a_policy_does_not_get_in(site: Site) -> None:
    nobody = site.stranger("nobody")
    with site.job(HELLO, on_commits=False) as circle:
        circle.set_ci(username=nobody.access_key, password=nobody.secret_key)
        circle.propose("unknown", "true").await_flag("error", "403")
    visit = site.stack.door.visits[-1]
    assert (visit.caller, visit.status) == (None, 403)


def test_a_user_whom_the_map_does_not_name_gets_nothing_built(site: Site) -> None:
    other = site.stranger("other", like=site.caller)
    with site.job(HELLO, on_commits=False) as circle:
        circle.set_ci(username=other.access_key, password=other.secret_key)
        unmapped = circle.propose("unmapped", "true")
        flag = unmapped.await_flag("error", "403")
        assert f"{other.arn} is no caller of this receiver" in flag["comment"]
        assert not circle.records_of(unmapped.commit)
    visit = site.stack.door.visits[-1]
    assert (visit.caller, visit.status) == (other.arn, 403)


def test_a_plain_invoke_is_refused_to_the_user(site: Site) -> None:
    function = site.made.clients.account.function("chela-trigger")
    through_url = {"lambda:InvokedViaFunctionUrl": "true"}
    assert site.stack.may(site.caller, Access("lambda:InvokeFunction", function, through_url))
    assert not site.stack.may(site.caller, Access("lambda:InvokeFunction", function))
    plain = {"lambda:InvokedViaFunctionUrl": "false"}
    assert not site.stack.may(site.caller, Access("lambda:InvokeFunction", function, plain))


def test_a_project_that_the_role_may_not_start_is_named_on_the_flag(site: Site) -> None:
    codebuild = site.stack.engines.codebuild
    codebuild.create("foreign", source={"type": "S3", "location": "elsewhere/source.zip"})
    with site.promised({"codebuild/foreign": {}}), site.job("codebuild/foreign", on_commits=False) as circle:
        flag = circle.propose("foreign", "true").await_flag("error")
        assert "on foreign" in flag["comment"] and "policy" in flag["comment"]
        assert not circle.builds


# What holds it together.


def test_without_the_queues_policy_no_event_arrives(circle: Circle) -> None:
    reports = circle.stack.reports
    usual = reports.attributes()["Policy"]
    unheard, build = looked_at(circle, "unheard")
    reports.sqs.set_queue_attributes(QueueUrl=reports.address, Attributes={"Policy": ""})
    end(circle, build)
    unheard.await_flag("pending")
    reports.sqs.set_queue_attributes(QueueUrl=reports.address, Attributes={"Policy": usual})
    assert swept(circle.stack)["told"] == 1
    unheard.await_flag("success")
    circle.propose("heard", "true").await_flag("success")


def test_dead_letters_raise_an_alarm(site: Site) -> None:
    told = site.made.clients("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {
        (alarm["Namespace"], alarm["MetricName"], dimension["Value"])
        for alarm in told
        for dimension in alarm["Dimensions"]
    }
    for dead in (site.stack.dead_requests, site.stack.dead_reports):
        assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", dead.name) in watched
