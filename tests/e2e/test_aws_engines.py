"""The stand-in for CodeBuild does what AWS documents; its answers pass botocore's models (`Desk.ask`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chela_bed import wait_for
from chela_bed.aws.api import ServiceError
from engines_desk import GREEN, LOCATION, Desk, new_desk, variables

STATE, PHASE = "CodeBuild Build State Change", "CodeBuild Build Phase Change"
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
HOSTILE = "a'b\"c $(touch /tmp/x) `id`; #{variables.X}\\\nsecond line \u00e9"
WAITING = "version: 0.2\nphases: {build: {commands: ['echo here; sleep 60']}}\n"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from new_desk()


def failing(phase: str) -> str:
    return (
        f"version: 0.2\nphases: {{{phase}: {{commands: ['exit 3']}}, post_build: {{commands: ['true']}}}}\n"
    )


def test_a_build_runs_what_the_named_version_says_with_modes_and_links_as_they_were(desk: Desk) -> None:
    script = "#!/bin/sh\nprintf '%s' \"$VALUE\" | od -An -tx1 | tr -d ' \\n'\n"
    commands = ["bin/show", "readlink link", "echo $CODEBUILD_SOURCE_VERSION"]
    spec = json.dumps({"version": "0.2", "phases": {"build": {"commands": commands}}})
    version = desk.shelf.put({"buildspec.yml": spec, "bin/show": script, "link": "-> bin/show"})
    desk.shelf.put(failing("build"))
    build = desk.run(sourceVersion=version, environmentVariablesOverride=variables(VALUE=HOSTILE))
    assert build.status == "SUCCEEDED", build.log
    lines = (build.log or "").splitlines()
    assert any(line.startswith(HOSTILE.encode().hex()) for line in lines)
    assert "bin/show" in lines and version in lines
    assert desk.shelf.fetched == [("arn:aws:iam::123456789012:role/build-hello", "default.zip", version)]


@pytest.mark.parametrize(
    ("phase", "passed"),
    [
        ("install", ["INSTALL"]),
        ("pre_build", ["PRE_BUILD"]),
        ("build", ["BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS"]),
    ],
)
def test_after_a_failed_phase_runs_what_aws_says(desk: Desk, phase: str, passed: list[str]) -> None:
    desk.shelf.put(failing(phase))
    build = desk.run()
    assert build.status == "FAILED"
    statuses = {each.name: each.status for each in build.phases}
    assert statuses.pop(passed[0]) == "FAILED"
    after = [each.name for each in build.phases]
    assert after[after.index(passed[0]) :] == [*passed, "FINALIZING", "COMPLETED"]
    assert set(statuses.values()) == {"SUCCEEDED", None}


@pytest.mark.parametrize(
    ("files", "status", "says"),
    [
        ({"README": "nothing"}, "FAILED", "YAML_FILE_ERROR: buildspec.yml: No such file"),
        ({"buildspec.yml": "version: 9"}, "FAILED", "YAML_FILE_ERROR: "),
        (None, "CLIENT_ERROR", "CLIENT_ERROR: AccessDenied"),
    ],
)
def test_a_source_that_cannot_be_had_fails_the_download(
    desk: Desk, files: dict[str, str] | None, status: str, says: str
) -> None:
    if files is None:
        desk.shelf.barred.add("arn:aws:iam::123456789012:role/build-hello")
    else:
        desk.shelf.put(files)
    build = desk.run()
    assert (build.status, build.log) == ("FAILED", None)
    told = [each for each in desk.told(PHASE) if each["completed-phase-status"] == status]
    assert [each["completed-phase"] for each in told] == ["DOWNLOAD_SOURCE"]
    assert told[0]["completed-phase-context"].startswith(f"[{says}")
    (found,) = desk.ask("codebuild", "BatchGetBuilds", ids=[build.id])["builds"]
    assert found["phases"][3]["phaseStatus"] == "FAILED"


def test_a_token_is_the_same_build_for_five_minutes_and_a_mismatch_with_other_parameters(desk: Desk) -> None:
    first = desk.run(idempotencyToken="t", sourceVersion="version-1")
    desk.engines.clock.advance(minutes=4, seconds=50)
    assert desk.start(idempotencyToken="t", sourceVersion="version-1") is first
    other: dict[str, Any] = {"projectName": "hello", "idempotencyToken": "t", "sourceVersion": "version-2"}
    assert desk.refused("codebuild", "StartBuild", **other) == "InvalidInputException"
    assert desk.engines.codebuild.of_project("hello") == [first]
    desk.engines.clock.advance(seconds=11)
    assert desk.start(idempotencyToken="t", sourceVersion="version-1") is not first
    assert desk.start(idempotencyToken="u", sourceVersion="version-1").number == 3


HONOURED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "image": ({"imageOverride": "mine"}, {"environment.image": "mine"}),
    "privileged": ({"privilegedModeOverride": True}, {"environment.privilegedMode": True}),
    "compute": (
        {"computeTypeOverride": "BUILD_GENERAL1_LARGE"},
        {"environment.computeType": "BUILD_GENERAL1_LARGE"},
    ),
    "time-outs": (
        {"timeoutInMinutesOverride": 7, "queuedTimeoutInMinutesOverride": 8},
        {"timeoutInMinutes": 7, "queuedTimeoutInMinutes": 8},
    ),
    "role": ({"serviceRoleOverride": OTHER_ROLE}, {"serviceRole": OTHER_ROLE}),
    "location": ({"sourceLocationOverride": "sources/other.zip"}, {"source.location": "sources/other.zip"}),
    "buildspec": ({"buildspecOverride": GREEN}, {"source.buildspec": GREEN}),
    "retries": ({"autoRetryLimitOverride": 0}, {"autoRetryConfig.autoRetryLimit": 0}),
    "none": ({}, {"source.location": "sources/default.zip", "initiator": "chela-trigger/one"}),
}


@pytest.mark.parametrize("name", HONOURED)
def test_an_override_holds_for_that_build_alone(desk: Desk, name: str) -> None:
    override, expected = HONOURED[name]
    desk.shelf.put(GREEN, "other.zip")
    desk.engines.caller = "arn:aws:sts::123456789012:assumed-role/chela-trigger/one"
    before = desk.ask("codebuild", "BatchGetProjects", names=["hello"])["projects"]
    desk.engines.codebuild.hold("hello")
    build = desk.start(**override)
    (told,) = desk.ask("codebuild", "BatchGetBuilds", ids=[build.arn])["builds"]
    for path, value in expected.items():
        found: Any = told
        for member in path.split("."):
            found = found[member]
        assert found == value, path
    assert desk.ask("codebuild", "BatchGetProjects", names=["hello"])["projects"] == before


@pytest.mark.parametrize(
    "params",
    [
        {"reportBuildStatusOverride": True},
        {"sourceTypeOverride": "GITHUB", "sourceLocationOverride": "https://github.com/a/b"},
        {"sourceTypeOverride": "NO_SOURCE"},
        {"sourceLocationOverride": "only-a-bucket"},
        {"secondarySourcesOverride": [{"type": "S3", "location": "a/b", "sourceIdentifier": "c"}]},
        {"artifactsOverride": {"type": "S3", "location": "b"}},
    ],
    ids=lambda params: next(iter(params)),
)
def test_an_override_that_cannot_be_is_refused(desk: Desk, params: dict[str, Any]) -> None:
    assert desk.refused("codebuild", "StartBuild", projectName="hello", **params) == "InvalidInputException"
    assert desk.engines.codebuild.builds == {}


@pytest.mark.parametrize(
    "params", [{"timeoutInMinutesOverride": 4}, {"timeoutInMinutesOverride": 2161}, {"unknown": 1}]
)
def test_what_the_model_does_not_allow_is_refused(desk: Desk, params: dict[str, Any]) -> None:
    assert desk.refused("codebuild", "StartBuild", projectName="hello", **params) == "ValidationException"


def test_a_project_without_a_source_runs_its_own_buildspec_with_the_variables(desk: Desk) -> None:
    spec = "version: 0.2\nphases:\n  build: {commands: ['echo \"saw $CHELA_COMMIT\"', 'test -z \"$(ls)\"']}\n"
    desk.engines.codebuild.create("bare", source={"type": "NO_SOURCE", "buildspec": spec})
    build = desk.run("bare", environmentVariablesOverride=variables(CHELA_COMMIT="abc"))
    assert build.status == "SUCCEEDED", build.log
    assert "saw abc" in (build.log or "").splitlines()
    with pytest.raises(ServiceError, match="inline"):
        desk.engines.codebuild.create("broken", source={"type": "NO_SOURCE"})


def test_a_variable_that_names_a_secret_is_never_its_text(desk: Desk) -> None:
    secret = [{"name": "X", "value": "/prod/password", "type": "PARAMETER_STORE"}]
    build = desk.run(environmentVariablesOverride=secret)
    assert (build.status, build.log) == ("FAILED", None)


def test_stopping_ends_the_commands_of_a_running_build(desk: Desk) -> None:
    desk.shelf.put(WAITING)
    build = desk.start()
    wait_for(lambda: build.phase == "BUILD", 30, "the phase BUILD")
    answer = desk.ask("codebuild", "StopBuild", id=build.id)
    assert answer["build"]["buildStatus"] == "STOPPED"
    assert desk.engines.codebuild.await_ended(build, 20).status == "STOPPED"
    assert [each.status for each in build.phases if each.name == "BUILD"] == ["STOPPED"]
    assert [each["build-status"] for each in desk.told(STATE)] == [
        "IN_PROGRESS",
        "STOPPED",
    ]


def test_stopping_a_build_that_is_over_changes_nothing(desk: Desk) -> None:
    build = desk.run()
    assert desk.ask("codebuild", "StopBuild", id=build.arn)["build"]["buildStatus"] == "SUCCEEDED"
    desk.engines.codebuild.stop_of_ended = "InvalidInputException"
    assert desk.refused("codebuild", "StopBuild", id=build.id) == "InvalidInputException"
    assert desk.refused("codebuild", "StopBuild", id="hello:none") == "ResourceNotFoundException"


def test_builds_wait_in_the_queue_and_beyond_it_are_refused(desk: Desk) -> None:
    desk.engines.codebuild.limit(running=1, queued=1)
    desk.engines.codebuild.hold("hello")
    first, second = desk.start(), desk.start()
    desk.engines.codebuild.await_held("hello")
    assert (first.phase, second.phase) == ("INSTALL", "QUEUED")
    assert desk.refused("codebuild", "StartBuild", projectName="hello") == "AccountLimitExceededException"
    third = desk.ask("codebuild", "StopBuild", id=second.id)
    assert third["build"]["currentPhase"] == "QUEUED"
    assert desk.engines.codebuild.await_ended(second).status == "STOPPED"
    assert not second.passed("PROVISIONING")
    desk.engines.codebuild.release("hello")
    assert desk.engines.codebuild.await_ended(first).status == "SUCCEEDED"
    assert desk.run().status == "SUCCEEDED"


def test_a_projects_own_limit_refuses_and_does_not_queue(desk: Desk) -> None:
    desk.engines.codebuild.create("narrow", source=dict(LOCATION), concurrent=1)
    desk.engines.codebuild.hold("narrow")
    desk.start("narrow")
    assert desk.refused("codebuild", "StartBuild", projectName="narrow") == "AccountLimitExceededException"
    assert desk.run("hello").status == "SUCCEEDED"


def test_the_clock_times_builds_out(desk: Desk) -> None:
    desk.engines.codebuild.limit(running=1, queued=1)
    desk.engines.codebuild.hold("hello")
    running, queued = desk.start(timeoutInMinutesOverride=30), desk.start(queuedTimeoutInMinutesOverride=20)
    desk.engines.codebuild.await_held("hello")
    desk.engines.clock.advance(minutes=21)
    assert desk.engines.codebuild.await_ended(queued).status == "TIMED_OUT"
    assert running.end is None
    desk.engines.clock.advance(minutes=10)
    assert desk.engines.codebuild.await_ended(running).status == "TIMED_OUT"


@pytest.mark.parametrize(
    ("status", "phase", "ends"),
    [
        ("FAULT", "PROVISIONING", "FAULT"),
        ("FAULT", "BUILD", "FAULT"),
        ("TIMED_OUT", "BUILD", "TIMED_OUT"),
        ("STOPPED", "PRE_BUILD", "STOPPED"),
        ("CLIENT_ERROR", "UPLOAD_ARTIFACTS", "FAILED"),
        ("SUCCEEDED", "BUILD", "SUCCEEDED"),
    ],
)
def test_a_build_ends_as_the_test_wants(desk: Desk, status: str, phase: str, ends: str) -> None:
    desk.shelf.put(failing("build") if status == "SUCCEEDED" else GREEN)
    desk.engines.codebuild.force("hello", status, phase)
    build = desk.run()
    assert build.status == ends
    told = desk.told(PHASE)
    assert (phase, status) in [(each["completed-phase"], each["completed-phase-status"]) for each in told]
    assert desk.ask("codebuild", "BatchGetBuilds", ids=[build.id])["builds"][0]["buildComplete"]


def test_a_failed_build_is_repeated_only_where_nobody_said_no(desk: Desk) -> None:
    desk.engines.codebuild.create("stubborn", source=dict(LOCATION), auto_retries=1)
    desk.shelf.put(failing("build"))
    desk.run("stubborn", autoRetryLimitOverride=0)
    first = desk.run("stubborn")
    second = wait_for(lambda: first.retried_as, 30, "the repetition")
    desk.engines.codebuild.await_ended(second)
    assert [build.number for build in desk.engines.codebuild.of_project("stubborn")] == [1, 2, 3]
    assert (second.retries, second.retried_as) == (1, None)


def test_builds_and_projects_are_found_by_name_and_arn_and_the_others_are_named(desk: Desk) -> None:
    build = desk.run()
    answer = desk.ask("codebuild", "BatchGetBuilds", ids=[build.id, "hello:none"])
    assert [each["id"] for each in answer["builds"]] == [build.id]
    assert answer["buildsNotFound"] == ["hello:none"]
    desk.engines.codebuild.create("open", source=dict(LOCATION), visibility="PUBLIC_READ")
    arn = "arn:aws:codebuild:eu-west-1:123456789012:project/open"
    answer = desk.ask("codebuild", "BatchGetProjects", names=[arn, "none", "hello"])
    assert [("publicProjectAlias" in each) for each in answer["projects"]] == [True, False]
    assert answer["projectsNotFound"] == ["none"]


def test_builds_are_listed_newest_first_in_pages_and_many_cannot_be_sorted(desk: Desk) -> None:
    desk.engines.codebuild.page = 2
    ids = [desk.start().id for _ in range(3)]
    first = desk.ask("codebuild", "ListBuildsForProject", projectName="hello")
    rest = desk.ask("codebuild", "ListBuildsForProject", projectName="hello", nextToken=first["nextToken"])
    assert first["ids"] + rest["ids"] == ids[::-1]
    assert "nextToken" not in rest
    sort: dict[str, Any] = {"projectName": "hello", "sortOrder": "ASCENDING"}
    assert desk.refused("codebuild", "ListBuildsForProject", **sort) == "InvalidInputException"
    desk.engines.codebuild.page = 100
    assert desk.ask("codebuild", "ListBuildsForProject", **sort)["ids"] == ids
    for operation in ("ListBuildsForProject", "StartBuild"):
        assert desk.refused("codebuild", operation, projectName="none") == "ResourceNotFoundException"
