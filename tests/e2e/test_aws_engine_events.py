"""The stand-in's events: AWS's shape, a test's hand on them, and their way through a real front and rules."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chela_bed.aws import Cloud, Plan, Stack
from chela_bed.aws.engines import backwards, build, of_type, shuffled, source
from engines_desk import BUCKET, GREEN, Desk, new_desk, pack, variables

STATE, PHASE = "CodeBuild Build State Change", "CodeBuild Build Phase Change"
PIPELINE = "CodePipeline Pipeline Execution State Change"
DATE = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M")
ENVELOPE = {
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
}


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from new_desk()


def test_a_builds_events_have_the_shape_of_awss_samples(desk: Desk) -> None:
    built = desk.run(environmentVariablesOverride=variables(TEST="TEST"), sourceVersion="version-1")
    first, last = desk.told(STATE)
    assert (first["build-status"], last["build-status"]) == ("IN_PROGRESS", "SUCCEEDED")
    assert set(last) == {
        "build-status",
        "project-name",
        "build-id",
        "additional-information",
        "current-phase",
        "current-phase-context",
        "version",
    }
    assert (last["build-id"], last["version"], last["current-phase-context"]) == (built.arn, "1", "[]")
    information = last["additional-information"]
    assert information["environment"]["environment-variables"] == variables(TEST="TEST")
    assert information["source"] == {"location": "sources/default.zip", "type": "S3"}
    assert (information["source-version"], information["build-complete"]) == ("version-1", True)
    assert DATE.fullmatch(information["build-start-time"])
    for name in ("timeout-in-minutes", "build-number"):
        assert isinstance(information[name], float), name
    assert information["phases"][-1].keys() == {"start-time", "phase-type"}
    assert "group-name" not in first["additional-information"]["logs"]


def test_a_phase_change_names_the_phase_that_is_over(desk: Desk) -> None:
    desk.run()
    told = desk.told(PHASE)
    names = [each["completed-phase"] for each in told]
    assert names[:4] == ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"]
    assert names[-3:] == ["UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]
    for each in told:
        assert DATE.fullmatch(each["completed-phase-start"]) and DATE.fullmatch(each["completed-phase-end"])
        assert isinstance(each["completed-phase-duration-seconds"], float)


def test_every_event_has_the_envelope_with_whole_seconds(desk: Desk) -> None:
    built = desk.run()
    desk.engines.codepipeline.create(
        "release", {"Source": [source(BUCKET, "default.zip")], "Build": [build("hello")]}
    )
    execution = desk.engines.codepipeline.await_ended(desk.execute())
    desk.engines.events.settle()
    for event in desk.events:
        assert set(event) == ENVELOPE
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    assert desk.events[0]["resources"] == [built.arn]
    assert desk.events[-1]["resources"] == ["arn:aws:codepipeline:eu-west-1:123456789012:release"]
    started = desk.told(PIPELINE)[0]
    assert started["execution-trigger"]["trigger-type"] == "StartPipelineExecution"
    assert (started["execution-id"], started["version"]) == (execution.id, 1.0)
    assert isinstance(started["version"], float)


def test_events_are_held_and_come_in_another_order(desk: Desk) -> None:
    desk.engines.events.hold()
    desk.run()
    happened = list(desk.engines.events.emitted)
    assert desk.told(STATE) == []
    desk.engines.events.release(backwards)
    desk.engines.events.settle()
    assert desk.events == happened[::-1]
    assert shuffled(7)(happened) == shuffled(7)(happened) != happened


def test_events_are_lost_and_doubled(desk: Desk) -> None:
    desk.engines.events.lose(of_type(STATE, build_status="SUCCEEDED"), times=1)
    desk.engines.events.double(of_type(PHASE, completed_phase="BUILD"))
    desk.run()
    assert [each["build-status"] for each in desk.told(STATE)] == ["IN_PROGRESS"]
    assert [each["completed-phase"] for each in desk.told(PHASE)].count("BUILD") == 2
    desk.engines.events.calm()
    desk.run()
    assert [each["build-status"] for each in desk.told(STATE)][1:] == ["IN_PROGRESS", "SUCCEEDED"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployment whose functions do nothing."""
    plan = Plan("http://127.0.0.1:1", trigger=["true"], report=["true"])
    folder = tmp_path_factory.mktemp("aws")
    with Cloud(folder) as cloud, Stack(cloud, folder / "stack", plan) as made:
        made.reports_poller.pause()
        made.grant(codebuild=["hello"])
        yield made


def project(stack: Stack, folder: Path, key: str) -> str:
    """A project `hello` that builds an object of the sources' bucket; the version that can be built."""
    pack({"buildspec.yml": GREEN}, folder / "source.zip")
    stack.sources.write(key, (folder / "source.zip").read_bytes())
    stack.sources.write(key, b"no zip at all")
    source = {"type": "S3", "location": f"{stack.sources.name}/{key}"}
    stack.engines.codebuild.create("hello", source=source)
    return stack.sources.versions(key)[1]


def came(stack: Stack) -> list[dict[str, Any]]:
    """What lies in the queue `reports`."""
    answer = stack.owner("sqs").receive_message(QueueUrl=stack.reports.address, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_a_build_asked_for_through_the_front_reaches_the_queue_by_the_deployed_rule(
    stack: Stack, tmp_path: Path
) -> None:
    version = project(stack, tmp_path, "sources/codebuild/hello/one.zip")
    started = stack.as_role("trigger")("codebuild").start_build(projectName="hello", sourceVersion=version)
    ended = stack.engines.codebuild.await_ended(started["build"]["id"])
    assert ended.status == "SUCCEEDED", ended.phases
    stack.engines.events.settle()
    arrived = list(itertools.chain.from_iterable(iter(lambda: came(stack), [])))
    emitted = [each for each in stack.engines.events.emitted if each["resources"] == [ended.arn]]
    details = [each["detail"] for each in arrived]
    assert "SUCCEEDED" in [each.get("build-status") for each in details]
    assert all(each["detail"] in [other["detail"] for other in emitted] for each in arrived)
    (call,) = stack.calls.of("s3:GetObject", Key="sources/codebuild/hello/one.zip")
    assert (call.role, call.params["VersionId"]) == ("build-hello", version)


def test_a_build_has_no_more_rights_than_its_role(stack: Stack, tmp_path: Path) -> None:
    version = project(stack, tmp_path, "elsewhere/one.zip")
    codebuild = stack.as_role("trigger")("codebuild")
    started = codebuild.start_build(projectName="hello", sourceVersion=version)
    ended = stack.engines.codebuild.await_ended(started["build"]["id"])
    assert ended.status == "FAILED"
    (found,) = codebuild.batch_get_builds(ids=[ended.id])["builds"]
    (context,) = found["phases"][3]["contexts"]
    assert (context["statusCode"], context["message"][:12]) == ("CLIENT_ERROR", "AccessDenied")
