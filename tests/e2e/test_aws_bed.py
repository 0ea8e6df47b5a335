"""The near-real AWS refuses what AWS refuses: the tests of the functions stand on that."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError
from chela_bed import paths, wait_for
from chela_bed.aws import (
    Answer,
    Cloud,
    Cut,
    Fault,
    Hold,
    Kill,
    Kind,
    Moment,
    Plan,
    Stack,
    conflict,
    denied,
    down,
    throttled,
)
from chela_bed.aws.account import REGION
from chela_bed.aws.faults import Effect
from chela_bed.aws.identities import Identity
from chela_bed.aws.keeper import Keeper

PUPPET = [sys.executable, str(paths.BED / "chela_bed" / "aws" / "inside" / "puppet.py")]
NUMBERS = itertools.count(1)
JOBS: dict[str, Any] = {"demo/hello": {"jobs": {"codebuild/hello": {}, "codepipeline/release": {}}}}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    # Another one than that of the tests which have a Pagure.
    with Cloud(tmp_path_factory.mktemp("cloud")) as made:
        yield made


def make_stack(cloud: Cloud, **plan: Any) -> Stack:
    folder = cloud.folder / f"stack-{next(NUMBERS)}"
    return Stack(cloud, folder, Plan("http://127.0.0.1:1", trigger=PUPPET, report=PUPPET, **plan))


@pytest.fixture
def stack(cloud: Cloud) -> Iterator[Stack]:
    with make_stack(cloud) as made:
        made.add_caller("pagure-hello", JOBS)
        yield made


def refused(call: Callable[..., Any], **params: Any) -> str:
    """The code of the error that a call gets."""
    with pytest.raises(ClientError) as problem:
        call(**params)
    return str(problem.value.response["Error"]["Code"])


# Policies


def test_trigger_writes_the_ledger_and_nothing_beside_it(stack: Stack) -> None:
    s3 = stack.as_role("trigger")("s3")
    s3.put_object(Bucket=stack.ledger.name, Key="builds/1", Body=b"{}")
    assert stack.ledger.read("builds/1") == b"{}"
    assert refused(s3.put_object, Bucket=stack.ledger.name, Key="elsewhere/1", Body=b"") == "AccessDenied"
    assert refused(s3.put_object, Bucket=stack.ledger.name, Key="config.json", Body=b"") == "AccessDenied"
    assert refused(s3.delete_object, Bucket=stack.ledger.name, Key="builds/1") == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket=stack.ledger.name) == "AccessDenied"


def test_a_refusal_names_the_action_and_the_resource(stack: Stack) -> None:
    codebuild = stack.as_role("trigger")("codebuild")
    with pytest.raises(
        ClientError, match=r"codebuild:StartBuild on resource: arn:aws:codebuild:.*project/other"
    ):
        codebuild.start_build(projectName="other")


def test_every_build_of_a_request_needs_the_right_to_its_project(stack: Stack) -> None:
    codebuild = stack.as_role("trigger")("codebuild")
    own = [f"hello:{number}" for number in range(3)]
    assert codebuild.batch_get_builds(ids=own)["builds"] == []
    assert refused(codebuild.batch_get_builds, ids=[*own, "other:1"]) == "AccessDeniedException"
    by_arn = stack.account.arn("codebuild", "build/other:1")
    assert refused(codebuild.batch_get_builds, ids=[*own, by_arn]) == "AccessDeniedException"
    assert refused(codebuild.batch_get_projects, names=["hello", "other"]) == "AccessDeniedException"


@pytest.mark.parametrize(
    "override",
    [
        {"privilegedModeOverride": True},
        {"serviceRoleOverride": "arn:aws:iam::123456789012:role/admin"},
        {"buildspecOverride": "version: 0.2"},
        {"imageOverride": "mallory/image"},
        {"sourceLocationOverride": "elsewhere/sources/1.zip"},
        {"artifactsOverride": {"type": "NO_ARTIFACTS"}},
    ],
    ids=lambda override: next(iter(override)),
)
def test_a_build_may_not_be_started_otherwise_than_its_project_is_set(
    stack: Stack, override: dict[str, Any]
) -> None:
    codebuild = stack.as_role("trigger")("codebuild")
    assert refused(codebuild.start_build, projectName="hello", **override) == "AccessDeniedException"
    granted = {
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": f"{stack.sources.name}/sources/1.zip",
        "environmentVariablesOverride": [{"name": "CI", "value": "true", "type": "PLAINTEXT"}],
        "autoRetryLimitOverride": 0,
    }
    # It may, but nobody has made such a project.
    assert refused(codebuild.start_build, projectName="hello", **granted) == "ResourceNotFoundException"


def test_queues_are_told_apart_by_their_address(stack: Stack) -> None:
    sqs = stack.as_role("trigger")("sqs")
    sqs.send_message(QueueUrl=stack.requests.url, MessageBody='{"do": []}')
    dead = stack.dead_requests.url
    assert refused(sqs.send_message, QueueUrl=dead, MessageBody="x") == "AccessDeniedException"
    assert refused(sqs.receive_message, QueueUrl=stack.reports.url) == "AccessDeniedException"


def test_report_reads_its_secret_by_name_and_by_arn_and_trigger_does_not(stack: Stack) -> None:
    stack.set_token("a-token")
    for name in ("chela/ci-token", stack.secret):
        secrets = stack.as_role("report")("secretsmanager")
        assert secrets.get_secret_value(SecretId=name)["SecretString"] == "a-token"
        assert refused(stack.as_role("trigger")("secretsmanager").get_secret_value, SecretId=name) == (
            "AccessDeniedException"
        )


def test_report_lists_open_builds_and_nothing_else(stack: Stack) -> None:
    s3 = stack.as_role("report")("s3")
    stack.ledger.write("open/1", "{}")
    listed = s3.list_objects_v2(Bucket=stack.ledger.name, Prefix="open/")["Contents"]
    assert [item["Key"] for item in listed] == ["open/1"]
    assert refused(s3.list_objects_v2, Bucket=stack.ledger.name, Prefix="builds/") == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket=stack.ledger.name) == "AccessDenied"


def test_pipelines_are_granted_one_by_one(stack: Stack) -> None:
    codepipeline = stack.as_role("trigger")("codepipeline")
    for call in (codepipeline.get_pipeline, codepipeline.start_pipeline_execution):
        assert refused(call, name="other") == "AccessDeniedException"
        assert refused(call, name="release") != "AccessDeniedException"
    stop = codepipeline.stop_pipeline_execution
    execution = "12345678-1234-1234-1234-123456789012"
    assert refused(stop, pipelineName="other", pipelineExecutionId=execution) == "AccessDeniedException"


def test_a_write_that_depends_on_what_is_there_needs_the_right_to_read(stack: Stack) -> None:
    role = stack.roles["trigger"]
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    role.policies = [{"Version": "2012-10-17", "Statement": [statement]}]
    s3 = stack.as_role("trigger")("s3")
    tag = s3.put_object(Bucket=stack.ledger.name, Key="builds/1", Body=b"1")["ETag"]
    write = {"Bucket": stack.ledger.name, "Key": "builds/1", "Body": b"2"}
    assert refused(s3.put_object, **write, IfMatch=tag) == "AccessDenied"


def test_what_is_absent_looks_forbidden_to_those_who_may_not_list(stack: Stack) -> None:
    absent = {"Bucket": stack.ledger.name, "Key": "builds/none"}
    assert refused(stack.as_role("trigger")("s3").get_object, **absent) == "AccessDenied"
    assert refused(stack.as_role("trigger")("s3").head_object, **absent) == "403"
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    stack.roles["trigger"].policies = [{"Version": "2012-10-17", "Statement": [statement]}]
    assert refused(stack.as_role("trigger")("s3").get_object, **absent) == "NoSuchKey"
    assert refused(stack.as_role("trigger")("s3").head_object, **absent) == "404"


def test_a_request_that_the_model_does_not_know_is_refused(stack: Stack) -> None:
    identity = stack.as_role("trigger").identity
    assert identity
    for members in (
        {"projectName": "hello", "environmentVariables": []},
        {"projectName": "hello", "sourceTypeOverride": "ZIP"},
        {"projectName": "hello", "timeoutInMinutesOverride": 5000},
        {},
    ):
        answer = post_json(stack.front.url, identity, "codebuild", "CodeBuild_20161006.StartBuild", members)
        assert (answer.status_code, answer.json()["__type"]) == (400, "ValidationException"), members


# Signatures


def post_json(url: str, identity: Identity, service: str, target: str, members: Any) -> requests.Response:
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.1"}
    asked = sign(identity, service, "POST", url, json.dumps(members), headers)
    return requests.post(url, data=asked.body, headers=dict(asked.headers), timeout=30)


def sign(
    identity: Identity,
    service: str,
    method: str,
    url: str,
    body: str = "",
    headers: dict[str, str] | None = None,
    region: str = REGION,
    secret: str | None = None,
) -> Any:
    asked = AWSRequest(method, url, data=body, headers=headers or {})
    credentials = Credentials(identity.access_key, secret or identity.secret_key, identity.token)
    SigV4Auth(credentials, service, region).add_auth(asked)
    return asked.prepare()


@pytest.fixture
def caller(stack: Stack) -> Identity:
    return stack.add_caller("pagure-signer", JOBS)


def knock(stack: Stack, identity: Identity, **change: Any) -> requests.Response:
    """A request at the door, tampered with after it was signed by `change`."""
    url = f"{stack.door.url}{change.pop('path', '/a%20b?x=1&a=2')}"
    body, headers = change.pop("body", '{"a": 1}'), change.pop("headers", {})
    target = change.pop("url", url)
    service = change.pop("service", "lambda")
    asked = sign(identity, service, "POST", url, '{"a": 1}', {"content-type": "application/json"}, **change)
    return requests.post(target, data=body, headers={**asked.headers, **headers}, timeout=30)


def test_a_signed_request_becomes_the_urls_event(stack: Stack, caller: Identity) -> None:
    answer = knock(stack, caller)
    assert answer.status_code == 202
    event = answer.json()["event"]
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a b", "x=1&a=2")
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == caller.arn
    assert event["requestContext"]["http"]["method"] == "POST"
    assert "authorization" not in event["headers"]


@pytest.mark.parametrize(
    "change",
    [
        {"body": '{"a": 2}'},
        {"secret": "wrong"},
        {"service": "execute-api"},
        {"region": "us-east-1"},
        {"headers": {"Authorization": ""}},
        {"headers": {"X-Amz-Date": "20200101T000000Z"}},
        {"headers": {"X-Amz-Security-Token": "made-up"}},
    ],
    ids=["body", "secret", "service", "region", "unsigned", "date", "token"],
)
def test_the_door_stays_shut_for_a_request_that_was_signed_otherwise(
    stack: Stack, caller: Identity, change: dict[str, Any]
) -> None:
    assert knock(stack, caller, **change).status_code == 403
    assert stack.trigger.outcomes == []


def test_the_path_and_the_query_are_signed(stack: Stack, caller: Identity) -> None:
    for path in ("/other?x=1&a=2", "/a%20b?x=1&a=3", "/a%20b"):
        assert knock(stack, caller, url=f"{stack.door.url}{path}").status_code == 403


def test_a_request_from_yesterday_is_refused(
    stack: Stack, caller: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = datetime.now(timezone.utc) - timedelta(days=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: then)
    assert knock(stack, caller).status_code == 403


def test_both_rights_are_needed_at_a_function_url(stack: Stack, caller: Identity) -> None:
    whole = caller.role.policies
    for kept in range(2):
        caller.role.policies = [{**whole[0], "Statement": [whole[0]["Statement"][kept]]}]
        assert knock(stack, caller).status_code == 403
    caller.role.policies = whole
    assert knock(stack, caller).status_code == 202


def test_a_user_without_rights_is_refused(stack: Stack) -> None:
    mallory = stack.add_caller("mallory", {})
    mallory.role.policies = []
    assert knock(stack, mallory).status_code == 403


def test_the_http_api_asks_for_its_own_right(cloud: Cloud) -> None:
    with make_stack(cloud, kind=Kind.HTTP_API) as stack:
        caller = stack.add_caller("pagure-hello", JOBS)
        assert stack.door.ci_url.endswith("#region=eu-west-1&service=execute-api")
        assert knock(stack, caller, service="execute-api").status_code == 202
        assert knock(stack, caller, service="lambda").status_code == 403
        caller.role.policies = []
        assert knock(stack, caller, service="execute-api").status_code == 403


def test_a_call_of_aws_is_verified_too(stack: Stack) -> None:
    identity = stack.as_role("trigger").identity
    assert identity
    url = f"{stack.front.url}/{stack.ledger.name}/builds/1"
    assert requests.put(url, data=b"x", timeout=30).status_code == 403
    asked = sign(identity, "s3", "PUT", url, "x", {"x-amz-content-sha256": sha256(b"x").hexdigest()})
    answer = requests.put(url, data=b"y", headers=dict(asked.headers), timeout=30)
    assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True)
    identity.expired.set()
    code = refused(stack_client(stack, identity).put_object, Bucket=stack.ledger.name, Key="builds/1")
    assert code == "ExpiredToken"
    assert stack.ledger.keys() == []


def stack_client(stack: Stack, identity: Identity) -> Any:
    clients = stack.as_role("trigger")
    return type(clients)(clients.url, clients.account, identity)("s3")


# Conditional writes


@pytest.mark.parametrize("condition", ["new", "same"])
def test_of_twenty_conditional_writers_one_wins(stack: Stack, condition: str) -> None:
    place = {"Bucket": stack.ledger.name, "Key": "heads/1"}
    s3 = stack.as_role("trigger")("s3")
    known = s3.put_object(**place, Body=b"first")["ETag"] if condition == "same" else None
    when: dict[str, Any] = {"IfMatch": known} if known else {"IfNoneMatch": "*"}
    together = threading.Barrier(20)

    def write(number: int) -> str:
        together.wait(30)
        try:
            s3.put_object(**place, Body=str(number).encode(), **when)
        except ClientError as problem:
            return str(problem.response["Error"]["Code"])
        return "written"

    with ThreadPoolExecutor(20) as writers:
        outcomes = sorted(writers.map(write, range(20)))
    assert outcomes == ["PreconditionFailed"] * 19 + ["written"]


def test_moto_never_sees_two_writes_of_one_object_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(stack.front._forward)
    monkeypatch.setattr(stack.front, "_forward", meeting.pass_through)
    s3 = stack.as_role("trigger")("s3")

    def write(key: str) -> None:
        s3.put_object(Bucket=stack.ledger.name, Key=key, Body=b"x")

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, ("heads/1", "heads/1")))
        assert not meeting.was
        meeting.patience = 30
        list(writers.map(write, ("heads/1", "heads/2")))
        assert meeting.was


class Meeting:
    """Lets everybody wait a while for another one."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.patience = 0.3
        self._forward = forward
        self._inside = 0
        self._both = threading.Condition()
        self.was = False

    def pass_through(self, *arguments: Any) -> Any:
        with self._both:
            self._inside += 1
            self.was |= self._inside == 2
            self._both.notify_all()
            self._both.wait_for(lambda: self.was, self.patience)
        try:
            return self._forward(*arguments)
        finally:
            with self._both:
                self._inside -= 1


def test_one_of_two_multipart_uploads_wins(stack: Stack) -> None:
    s3 = stack.as_role("trigger")("s3")
    place = {"Bucket": stack.sources.name, "Key": "sources/1.zip"}
    uploads = [s3.create_multipart_upload(**place)["UploadId"] for _ in range(2)]
    parts = []
    for number, upload in enumerate(uploads):
        part = s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=bytes([number]) * 6_000_000)
        parts.append({"ETag": part["ETag"], "PartNumber": 1})
    complete = {**place, "IfNoneMatch": "*"}
    done = s3.complete_multipart_upload(**complete, UploadId=uploads[0], MultipartUpload={"Parts": parts[:1]})
    assert stack.sources.versions("sources/1.zip") == [done["VersionId"]]
    late = {**complete, "UploadId": uploads[1], "MultipartUpload": {"Parts": parts[1:]}}
    assert refused(s3.complete_multipart_upload, **late) == "PreconditionFailed"


@pytest.mark.parametrize(
    ("effect", "service", "code", "status"),
    [
        (conflict, "s3", "ConditionalRequestConflict", 409),
        (throttled, "s3", "SlowDown", 503),
        (throttled, "sqs", "ThrottlingException", 400),
        (denied, "s3", "AccessDenied", 403),
        (denied, "sqs", "AccessDeniedException", 400),
        (down, "sqs", "ServiceUnavailable", 503),
        (Answer("InternalError", 500), "s3", "InternalError", 500),
    ],
    ids=str,
)
def test_a_fault_strikes_once_and_is_over(
    stack: Stack, effect: Effect, service: str, code: str, status: int
) -> None:
    clients = stack.as_role("trigger")
    calls = {
        "s3": lambda: clients("s3").put_object(
            Bucket=stack.ledger.name, Key="builds/1", Body=b"x", IfNoneMatch="*"
        ),
        "sqs": lambda: clients("sqs").send_message(QueueUrl=stack.requests.url, MessageBody='{"do": []}'),
    }
    stack.faults.add(Fault(f"{service}:*", effect, role="chela-trigger"))
    assert refused(calls[service]) == code
    assert [call.status for call in stack.calls] == [status]
    calls[service]()


def test_an_answer_can_get_lost_after_the_deed(stack: Stack) -> None:
    s3 = stack.as_role("trigger")("s3")
    with (
        stack.faults.during(Fault("s3:PutObject", Cut(), Moment.AFTER)),
        pytest.raises(ConnectionClosedError),
    ):
        s3.put_object(Bucket=stack.ledger.name, Key="builds/1", Body=b"done")
    assert stack.ledger.read("builds/1") == b"done"


def test_a_fault_waits_for_its_turn(stack: Stack) -> None:
    s3 = stack.as_role("trigger")("s3")
    wants = Fault("s3:PutObject", conflict, matches=lambda call: call.params["Key"] == "builds/1", after=1)
    stack.faults.add(wants)
    for key in ("builds/1", "builds/2"):
        s3.put_object(Bucket=stack.ledger.name, Key=key, Body=b"x")
    code = refused(s3.put_object, Bucket=stack.ledger.name, Key="builds/1", Body=b"x")
    assert code == "ConditionalRequestConflict"


def test_requests_are_kept_for_looking_at(stack: Stack) -> None:
    s3 = stack.as_role("trigger")("s3")
    s3.put_object(
        Bucket=stack.ledger.name, Key="builds/1", Body=b"x", IfNoneMatch="*", Metadata={"commit": "abc"}
    )
    call = stack.calls.one("s3:PutObject", Key="builds/1")
    assert (call.params["IfNoneMatch"], call.params["Metadata"]) == ("*", {"commit": "abc"})
    assert stack.calls.accesses("chela-trigger") == {
        ("s3:PutObject", f"arn:aws:s3:::{stack.ledger.name}/builds/1")
    }


def test_a_large_body_goes_through_unchanged(stack: Stack) -> None:
    content = bytes(range(256)) * 65536 * 2
    place = {"Bucket": stack.sources.name, "Key": "sources/codebuild/hello/large.zip"}
    version = stack.as_role("trigger")("s3").put_object(**place, Body=content)["VersionId"]
    answer = stack.service_role("arn:aws:iam::1:role/build-hello")("s3").get_object(
        **place, VersionId=version
    )
    assert answer["Body"].read() == content


# The runtime


def call_step(stack: Stack, key: str) -> list[Any]:
    return ["call", "s3", "put_object", {"Bucket": stack.ledger.name, "Key": key, "Body": "x"}]


def test_a_process_serves_one_event_after_the_other(stack: Stack) -> None:
    first, second = stack.trigger.invoke({"do": []}), stack.trigger.invoke({"do": []})
    assert first.answer == second.answer
    stack.trigger.retire()
    assert stack.trigger.invoke({"do": []}).answer != first.answer


def test_two_events_at_once_have_two_processes(stack: Stack) -> None:
    hold = Hold()
    stack.faults.add(Fault("s3:PutObject", hold, times=2))
    with ThreadPoolExecutor(2) as both:
        answers = [
            both.submit(stack.trigger.invoke, {"do": [call_step(stack, f"builds/{number}")]})
            for number in range(2)
        ]
        callers = hold.await_caller(2)
        assert callers[0].identity != callers[1].identity
        assert len(stack.trigger.running()) == 2
        hold.release()
    assert [answer.result().error for answer in answers] == [None, None]


def test_a_function_without_a_free_process_refuses_who_cannot_wait(stack: Stack, caller: Identity) -> None:
    stack.trigger.settings.concurrency = 1
    hold = Hold()
    stack.faults.add(Fault("s3:PutObject", hold))
    with ThreadPoolExecutor(1) as other:
        busy = other.submit(stack.trigger.invoke, {"do": [call_step(stack, "builds/1")]})
        hold.await_caller()
        assert knock(stack, caller).status_code == 429
        hold.release()
        assert busy.result().error is None


def test_the_deadline_kills(stack: Stack) -> None:
    stack.trigger.settings.timeout = 1
    outcome = stack.trigger.invoke({"do": [["sleep", 600]]})
    assert outcome.error == "Task timed out after 1.00 seconds"
    assert stack.trigger.running() == []


@pytest.mark.parametrize(("step", "error"), [(["exit", 3], "exit status 3"), (["fail"], "asked to fail")])
def test_a_failure_is_told(stack: Stack, step: list[Any], error: str) -> None:
    outcome = stack.trigger.invoke({"do": [step]})
    assert outcome.error and error in outcome.error
    assert stack.trigger.invoke({"do": []}).error is None


def test_a_function_that_fails_is_a_bad_gateway(cloud: Cloud) -> None:
    with make_stack(cloud) as stack:
        stack.trigger.command = ["/bin/false"]
        answer = knock(stack, stack.add_caller("pagure-hello", JOBS))
        assert (answer.status_code, answer.json()) == (502, {"Message": "Internal Server Error"})


@pytest.mark.parametrize(("moment", "written"), [(Moment.BEFORE, []), (Moment.AFTER, ["builds/2"])])
def test_a_process_dies_at_a_named_call(stack: Stack, moment: Moment, written: list[str]) -> None:
    steps = [call_step(stack, f"builds/{number}") for number in (1, 2, 3)]
    stack.faults.add(Fault("s3:PutObject", Kill(), moment, after=1))
    outcome = stack.trigger.invoke({"do": steps})
    assert outcome.error == "Runtime exited with error: signal: SIGKILL"
    assert stack.ledger.keys() == ["builds/1", *written]


def test_a_process_is_frozen_between_events(stack: Stack) -> None:
    stack.trigger.invoke({"do": []})
    (pid,) = stack.trigger.running()
    wait_for(lambda: "T (stopped)" in Path(f"/proc/{pid}/status").read_text(), 10, "a frozen process")
    assert stack.trigger.invoke({"do": []}).answer == {"pid": pid}


def test_nothing_outlives_a_test_run_that_was_killed(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    with subprocess.Popen(["sleep", "600"]) as frozen, subprocess.Popen(["sleep", "600"]) as over:
        for process in (frozen, over):
            keeper.began(process.pid)
        keeper.ended(over.pid)
        frozen.send_signal(signal.SIGSTOP)
        # The end of its input is all that it learns of the end of a test run.
        keeper.stop()
        assert frozen.wait(10) == -signal.SIGKILL
        assert over.poll() is None
        over.kill()


def test_the_functions_have_what_lambda_gives_them(stack: Stack) -> None:
    variables = stack.trigger.invoke({"do": [["environment"]]}).answer
    assert variables["AWS_ENDPOINT_URL"] == stack.front.url
    assert variables["AWS_SESSION_TOKEN"] and variables["AWS_REGION"] == REGION
    assert variables["CHELA_LEDGER_BUCKET"] == stack.ledger.name
    assert json.loads(variables["CHELA_CONFIG"])["callers"][stack.account.user("pagure-hello")] == JOBS
    assert "HOME" not in variables


def test_a_caller_who_comes_later_is_known_to_the_next_process(stack: Stack) -> None:
    for number in range(2):
        later = stack.add_caller(f"later-{number}", JOBS)
        variables = stack.trigger.invoke({"do": [["environment"]]}).answer
        assert later.arn in json.loads(variables["CHELA_CONFIG"])["callers"]


def test_logs_are_kept(stack: Stack) -> None:
    stack.trigger.invoke({"do": [["log", "one"], ["log", "two"]]})
    wait_for(lambda: stack.trigger.log.entries(message="two"), 10, "the log")
    assert len(stack.trigger.log.entries()) == 2


# Queues


def bodies(event: Any) -> list[Any]:
    return [record["body"] for record in event["Records"]]


def receives(event: Any) -> list[str]:
    return [record["attributes"]["ApproximateReceiveCount"] for record in event["Records"]]


def test_what_failed_of_a_batch_comes_again_alone(stack: Stack) -> None:
    stack.reports_poller.pause()
    stack.reports.send({"do": [["fail"]]})
    stack.reports.send({"do": [["log", "good"]]})
    stack.reports_poller.resume()
    wait_for(lambda: len(stack.reports_poller.given) >= 3, 30, "two deliveries more")
    assert len(bodies(stack.reports_poller.given[0])) == 2
    again = stack.reports_poller.given[1:3]
    assert [bodies(event) for event in again] == [['{"do": [["fail"]]}']] * 2
    assert [receives(event) for event in again] == [["2"], ["3"]]


def test_a_message_that_fails_for_ever_ends_in_the_dead_letter_queue(cloud: Cloud) -> None:
    with make_stack(cloud, requests_receives=3) as stack:
        stack.requests.send({"do": [["exit", 1]]})
        wait_for(stack.dead_requests.count, 30, "a dead letter")
        assert stack.dead_requests.take() == ['{"do": [["exit", 1]]}']
        assert [receives(event) for event in stack.requests_poller.given] == [["1"], ["2"], ["3"]]
        assert stack.requests.count() == 0


def test_the_dead_of_a_killed_function_are_delivered_again(stack: Stack) -> None:
    kill = stack.faults.add(Fault("s3:PutObject", Kill()))
    stack.requests.send({"do": [call_step(stack, "builds/1")]})
    kill.await_strike()
    stack.settle()
    assert [receives(event) for event in stack.requests_poller.given] == [["1"], ["2"]]
    assert stack.ledger.keys() == ["builds/1"]


def test_minutes_of_delay_pass_in_a_blink_and_are_remembered(stack: Stack) -> None:
    late = {"QueueUrl": stack.reports.url, "MessageBody": '{"do": []}', "DelaySeconds": 900}
    stack.as_role("trigger")("sqs").send_message(**late)
    assert stack.reports.count() == 1
    stack.settle(20)
    assert len(stack.reports_poller.given) == 1
    assert stack.calls.one("sqs:SendMessage").params["DelaySeconds"] == 900
    code = refused(stack.as_role("trigger")("sqs").send_message, **{**late, "DelaySeconds": 901})
    assert code == "InvalidParameterValue"


def test_a_delay_holds_a_message_back(stack: Stack) -> None:
    stack.front.pace.second = 1.0
    sqs = stack.as_role("trigger")("sqs")
    sqs.send_message(QueueUrl=stack.reports.url, MessageBody='{"do": [["log", "late"]]}', DelaySeconds=600)
    sqs.send_message(QueueUrl=stack.reports.url, MessageBody='{"do": [["log", "early"]]}')
    wait_for(lambda: stack.report.log.entries(message="early"), 30, "the message without a delay")
    wait_for(lambda: stack.reports.count() == 1, 30, "its end, and the other still there")
    assert stack.report.log.entries(message="late") == []


def test_a_function_may_say_when_a_message_comes_again(stack: Stack) -> None:
    # In real time, the queue would give it back after 90 seconds only.
    stack.front.pace.second = 1.0
    hide = {"QueueUrl": stack.reports.url, "ReceiptHandle": "$receipt", "VisibilityTimeout": 1}
    stack.reports.send({"do": [["call", "sqs", "change_message_visibility", hide], ["fail"]]})
    wait_for(lambda: len(stack.reports_poller.given) >= 2, 30, "the second delivery")
    call = stack.calls.of("sqs:ChangeMessageVisibility")[0]
    assert call.params["VisibilityTimeout"] == 1
    # `trigger` has no such right.
    stack.requests.send(
        {"do": [["call", "sqs", "change_message_visibility", {**hide, "VisibilityTimeout": 0}]]}
    )
    wait_for(lambda: [c for c in stack.calls if c.role == "chela-trigger" and c.error], 30, "a refusal")


def test_a_batch_can_be_delivered_twice_at_once(stack: Stack) -> None:
    hold = Hold()
    stack.faults.add(Fault("s3:PutObject", hold, times=2))
    stack.requests_poller.deliver_twice()
    stack.requests.send({"do": [call_step(stack, "builds/1")]})
    one, other = hold.await_caller(2)
    assert one.identity != other.identity
    hold.release()
    stack.settle()


def test_at_most_so_many_batches_are_in_hand_as_were_agreed(stack: Stack) -> None:
    hold = Hold()
    stack.faults.add(Fault("s3:PutObject", hold, times=None))
    for number in range(3):
        stack.requests.send({"do": [call_step(stack, f"builds/{number}")]})
    hold.await_caller(2)
    assert len(stack.requests_poller.given) == 2
    hold.release()
    stack.settle()
    assert len(stack.requests_poller.given) == 3


# Events


def test_the_rules_pass_the_stacks_own_events_to_the_queue(stack: Stack) -> None:
    detail = {"project-name": "hello", "build-status": "SUCCEEDED", "note": "<time> is no placeholder"}
    stack.put_event("aws.codebuild", "CodeBuild Build State Change", {**detail, "project-name": "other"})
    stack.put_event("aws.codebuild", "Something Else", detail)
    stack.put_event("aws.codebuild", "CodeBuild Build State Change", detail)
    stack.put_event("aws.codepipeline", "CodePipeline Stage Execution State Change", {"pipeline": "release"})
    stack.settle()
    events = [json.loads(body) for event in stack.reports_poller.given for body in bodies(event)]
    assert {event["source"] for event in events} == {"aws.codebuild", "aws.codepipeline"}
    assert len(events) == 2
    (build,) = [event for event in events if event["source"] == "aws.codebuild"]
    assert build["detail"] == detail
    assert build["account"] == stack.account.number


def test_the_scheduler_invokes_report_directly(stack: Stack) -> None:
    assert stack.sweep().error is None


def test_two_stacks_do_not_meet(cloud: Cloud, stack: Stack) -> None:
    with make_stack(cloud) as other:
        assert other.account != stack.account
        stack.put_event("aws.codebuild", "CodeBuild Build State Change", {"project-name": "hello"})
        stack.settle()
        assert other.reports.count() == 0 and other.reports_poller.given == []
        identity = other.as_role("trigger").identity
        assert identity
        assert refused(stack_client(stack, identity).list_objects_v2, Bucket="b") == "InvalidAccessKeyId"
