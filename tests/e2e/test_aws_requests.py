"""What exactly the functions ask of AWS, call by call: moto and the stand-in need not look at all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from awsing import Circle, Proposal, circle_of, deployed, make_pipeline
from chela_bed import Bed
from chela_bed.aws import Call, Cloud, Stack

TRIGGER, REPORT = "chela-trigger", "chela-report"
# Any text will do.
SOME = object()
# What the SDK adds by itself: it has contents checked on both ways.
OF_THE_SDK = {"ChecksumMode", "ChecksumAlgorithm", "ChecksumCRC32", "ContentLength", "ContentType"}


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "requests") as made:
        yield made


def good_run(circle: Circle) -> Proposal:
    """A pull request whose build is over and told, and no call of anything else."""
    circle.settle()
    circle.stack.calls.clear()
    request = circle.propose("asked", "true")
    request.await_flag("success")
    circle.settle()
    return request


def asked(stack: Stack, role: str) -> list[tuple[str, Mapping[str, Any]]]:
    """A function's calls with the members that were asked, in order."""
    return [(call.name, own(call)) for call in stack.calls if call.role == role]


def own(call: Call) -> dict[str, Any]:
    """A call's members that we have chosen."""
    return {name: value for name, value in call.params.items() if name not in OF_THE_SDK}


def assert_asked(
    found: list[tuple[str, Mapping[str, Any]]], expected: list[tuple[str, Mapping[str, Any]]]
) -> None:
    """Each call has just these members."""
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (name, params), (_, members) in zip(found, expected, strict=True):
        assert set(params) == set(members), name
        for member, value in members.items():
            assert value is SOME or params[member] == value, f"{name} {member}: {params[member]!r}"


def s3(stack: Stack, key: str, **members: Any) -> dict[str, Any]:
    """A call about an object of the ledger."""
    return {"Bucket": stack.ledger.name, "Key": key, **members}


def plaintext(values: Mapping[str, str]) -> list[dict[str, str]]:
    """As StartBuild has them: never a reference to a parameter or a secret."""
    return [{"name": name, "value": values[name], "type": "PLAINTEXT"} for name in sorted(values)]


def variables(request: Proposal, build: str) -> dict[str, str]:
    """The contract's, of a pull request of alice's."""
    circle = request.circle
    clone = f"{circle.bed.git_url}/{circle.project.fullname}.git"
    return {
        "CI": "true",
        "CHELA_BUILD_ID": build,
        "CHELA_JOB": circle.job,
        "CHELA_EVENT": "pull_request",
        "CHELA_PROJECT": circle.project.fullname,
        "CHELA_CLONE_URL": clone,
        "CHELA_BRANCH": request.branch,
        "CHELA_COMMIT": request.commit,
        "CHELA_REPORT_URL": f"{circle.bed.url}/api/0/ci/webhook/{circle.project.fullname}",
        "CHELA_PULL_REQUEST": str(request.id),
        "CHELA_TARGET_BRANCH": "main",
        "CHELA_AUTHOR": "alice",
        "CHELA_AUTHOR_CAN_PUSH": "true",
        "REPO": clone,
        "BRANCH": request.branch,
        "BRANCH_TO": "main",
        "cause": str(request.id),
    }


def way_to_the_start(
    stack: Stack, circle: Circle, record: Mapping[str, Any], head: str
) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """What is the same for both engines: before it is prepared, its upload, and after the start."""
    build, stored = record["request"]["build_id"], record["stored"]
    builds = f"builds/{build}"
    new, changed = {"IfNoneMatch": "*"}, {"IfMatch": SOME}
    execution = record["execution"]["id"].replace(":", "%3A")
    link = f"executions/{record['target']['service']}/{execution}"
    source = {"Bucket": stored["bucket"], "Key": stored["key"]}
    return {
        "before": [
            ("sqs:SendMessage", {"QueueUrl": stack.requests.url, "MessageBody": SOME, "DelaySeconds": 0}),
            ("s3:PutObject", s3(stack, builds, **new)),
            ("s3:PutObject", s3(stack, f"open/{build}", **new)),
            ("s3:GetObject", s3(stack, head)),
            ("s3:PutObject", s3(stack, head, **new)),
        ],
        "upload": [
            ("s3:PutObject", {**source, "IfNoneMatch": "*", "Metadata": {"commit": record["commit"]}}),
            ("s3:PutObject", s3(stack, builds, **changed)),
        ],
        "after": [
            ("s3:PutObject", s3(stack, builds, **changed)),
            ("s3:PutObject", s3(stack, link, **new)),
            (
                "sqs:SendMessage",
                {"QueueUrl": stack.reports.url, "MessageBody": SOME, "DelaySeconds": 60},
            ),
            ("sqs:SendMessage", {"QueueUrl": stack.reports.url, "MessageBody": SOME, "DelaySeconds": 0}),
            ("s3:GetObject", s3(stack, head)),
        ],
    }


def head_of(circle: Circle, request: Proposal) -> str:
    job = circle.job.replace("/", "%2F")
    return f"heads/{circle.project.fullname}/{request.id}/{job}"


def test_every_call_of_a_good_build(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack) as circle:
        request = good_run(circle)
        (record,) = circle.records
        build, stored = record["request"]["build_id"], record["stored"]
        way = way_to_the_start(stack, circle, record, head_of(circle, request))
        started = stack.calls.one("codebuild:StartBuild")
        start: dict[str, Any] = {
            "projectName": circle.name,
            "idempotencyToken": build,
            "autoRetryLimitOverride": 0,
            "sourceTypeOverride": "S3",
            "sourceLocationOverride": f"{stack.sources.name}/{stored['key']}",
            "sourceVersion": stored["version"],
            "environmentVariablesOverride": plaintext(variables(request, build)),
        }
        assert_asked(
            asked(stack, TRIGGER),
            [
                *way["before"],
                ("codebuild:BatchGetProjects", {"names": [circle.name]}),
                *way["upload"],
                ("codebuild:StartBuild", start),
                *way["after"],
            ],
        )
        assert stack.sources.versions(stored["key"]) == [stored["version"]]
        assert started.status == 200


def test_every_call_of_a_good_pipeline(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack, engine="codepipeline") as circle:
        make_pipeline(circle)
        request = good_run(circle)
        (record,) = circle.records
        build, stored = record["request"]["build_id"], record["stored"]
        way = way_to_the_start(stack, circle, record, head_of(circle, request))
        given = {
            "CHELA_BUILD_ID": build,
            "CHELA_COMMIT": request.commit,
            "CHELA_PULL_REQUEST": str(request.id),
        }
        revision = {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID"}
        start: dict[str, Any] = {
            "name": circle.name,
            "clientRequestToken": build,
            "sourceRevisions": [
                {**revision, "revisionType": "S3_OBJECT_KEY", "revisionValue": stored["key"]},
                {**revision, "revisionValue": stored["version"]},
            ],
            "variables": [{"name": name, "value": value} for name, value in sorted(given.items())],
        }
        assert_asked(
            asked(stack, TRIGGER),
            [
                *way["before"],
                ("codepipeline:GetPipeline", {"name": circle.name}),
                *way["upload"],
                ("codepipeline:StartPipelineExecution", start),
                *way["after"],
            ],
        )


def test_report_reads_the_ledger_and_writes_open_builds_alone(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack) as circle:
        good_run(circle)
        calls = [call for call in stack.calls if call.role == REPORT]
        by_name: dict[str, list[Call]] = {}
        for call in calls:
            by_name.setdefault(call.name, []).append(call)
        assert set(by_name) <= {
            "s3:GetObject",
            "s3:DeleteObject",
            "codebuild:BatchGetBuilds",
            "secretsmanager:GetSecretValue",
        }
        for call in by_name["s3:GetObject"]:
            folder = str(call.params["Key"]).partition("/")[0]
            assert folder in ("executions", "builds", "open")
            assert own(call) == {"Bucket": stack.ledger.name, "Key": call.params["Key"]}
        (record,) = circle.records
        opened = f"open/{record['request']['build_id']}"
        closed = [call for call in by_name["s3:DeleteObject"] if call.status == 204]
        assert {(call.params["Key"], "IfMatch" in call.params) for call in closed} == {(opened, True)}


def test_a_stop_names_the_build(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack) as circle:
        codebuild = stack.engines.codebuild
        codebuild.hold(circle.name)
        first = circle.propose("stopped", "true")
        codebuild.await_held(circle.name)
        stack.calls.clear()
        second = first.update("true")
        first.await_flag("canceled")
        assert stack.calls.one("codebuild:StopBuild").params == {"id": circle.builds[0].id}
        codebuild.release(circle.name)
        second.await_flag("success")


def test_a_stop_of_an_execution_waits_for_its_actions(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack, engine="codepipeline") as circle:
        make_pipeline(circle)
        pipelines = stack.engines.codepipeline
        pipelines.hold(circle.name, "Build")
        first = circle.propose("stopped", "true")
        pipelines.await_held(circle.name, "Build")
        stack.calls.clear()
        second = first.update("true")
        first.await_flag("canceled")
        params = stack.calls.one("codepipeline:StopPipelineExecution").params
        assert params == {
            "pipelineName": circle.name,
            "pipelineExecutionId": circle.executions[0].id,
            "abandon": False,
            "reason": "Chela: this build of the pull request was overtaken",
        }
        pipelines.release(circle.name, "Build")
        second.await_flag("success")


def test_a_build_that_may_have_been_started_is_looked_for(bed: Bed, stack: Stack) -> None:
    with circle_of(bed, stack) as circle:
        request = good_run(circle)
        (record,) = circle.records
        build = record["request"]["build_id"]
        # As a process leaves it that dies between the start and the next word.
        stack.ledger.write(f"builds/{build}", json.dumps({**record, "execution": None}))
        stack.ledger.write(f"open/{build}", json.dumps({}))
        stack.calls.clear()
        (message,) = circle.messages()
        stack.requests.send(message)
        circle.settle()
        listed = stack.calls.one("codebuild:ListBuildsForProject").params
        assert listed == {"projectName": circle.name, "sortOrder": "DESCENDING"}
        looked = stack.calls.of("codebuild:BatchGetBuilds", TRIGGER)
        assert [call.params for call in looked] == [{"ids": [circle.builds[0].id]}]
        assert not stack.calls.of("codebuild:StartBuild")
        request.await_flag("success")
