"""What was deployed wrongly does not work in the bed either: mistakes are made by hand in a good stack."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from chela_bed.aws import Cloud
from chela_bed.aws.clients import Clients
from chela_bed.aws.dialects import SAMPLES, CloudFormation, Wish
from chela_bed.aws.engines import Engines, Event, S3Sources
from chela_bed.aws.engines.envelope import event
from chela_bed.aws.layouts import ReadBack
from chela_bed.paths import BedError

# Made for as long as the context lasts.
Mistake = Callable[[Clients], contextlib.AbstractContextManager[None]]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(tmp_path_factory.mktemp("cloud"), stacks=True) as made:
        yield made


@pytest.fixture(scope="module")
def plain(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    return deploy(cloud, CloudFormation(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def with_key(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    return deploy(cloud, CloudFormation(tmp_path_factory.mktemp("key")), key="new")


def deploy(cloud: Cloud, dialect: CloudFormation, **wish: Any) -> Clients:
    """A good stack."""
    return dialect.deploy(Wish(jobs=SAMPLES, samples=True, **wish), cloud.moto, cloud.account()).clients


def start(cloud: Cloud, clients: Clients) -> None:
    """All that happens before the first request, and the first sweep."""
    layout = ReadBack(clients, cloud.evaluator)
    for name in ("trigger", "report"):
        layout.feed(name)
    with Engines(S3Sources(lambda _: None), lambda _: None, clients.account) as engines:
        layout.stock(engines)
    layout.sweep()


def document(*statements: Mapping[str, Any]) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def role(clients: Clients, name: str) -> str:
    """A role's name."""
    return f"chela-{name}-{clients.account.region}"


def trust(name: str, service: str, source: str = "") -> Mistake:
    """A role is trusted to another service, or for something else."""

    @contextlib.contextmanager
    def made(aws: Clients) -> Iterator[None]:
        iam, asked = aws("iam"), {"RoleName": role(aws, name)}
        usual = json.dumps(iam.get_role(**asked)["Role"]["AssumeRolePolicyDocument"])
        condition = {"Condition": {"ArnEquals": {"aws:SourceArn": source}}} if source else {}
        said = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(**asked, PolicyDocument=document({**said, **condition}))
        yield
        iam.update_assume_role_policy(**asked, PolicyDocument=usual)

    return made


def deny(name: str, sid: str) -> Mistake:
    """A role lacks a statement."""

    @contextlib.contextmanager
    def made(aws: Clients) -> Iterator[None]:
        iam, asked = aws("iam"), {"RoleName": role(aws, name)}
        (policy,) = iam.list_role_policies(**asked)["PolicyNames"]
        usual = iam.get_role_policy(**asked, PolicyName=policy)["PolicyDocument"]
        changed = [{**each, "Effect": "Deny"} if each["Sid"] == sid else each for each in usual["Statement"]]
        iam.put_role_policy(**asked, PolicyName=policy, PolicyDocument=document(*changed))
        yield
        iam.put_role_policy(**asked, PolicyName=policy, PolicyDocument=json.dumps(usual))

    return made


def queue(name: str, attribute: str, value: str) -> Mistake:
    """A queue is set otherwise."""

    @contextlib.contextmanager
    def made(aws: Clients) -> Iterator[None]:
        sqs = aws("sqs")
        asked = {"QueueUrl": sqs.get_queue_url(QueueName=f"chela-{name}")["QueueUrl"]}
        told = sqs.get_queue_attributes(**asked, AttributeNames=["All"])["Attributes"]
        # moto forgets a policy that is not named again.
        usual = {each: told[each] for each in (attribute, "Policy") if each in told}
        sqs.set_queue_attributes(**asked, Attributes={**usual, attribute: value})
        yield
        sqs.set_queue_attributes(**asked, Attributes=usual)

    return made


def only(service: str, rule: str) -> Mistake:
    """Only this service, and only for this rule, may write into the queue of reports."""

    def made(aws: Clients) -> contextlib.AbstractContextManager[None]:
        said = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": aws.account.arn("sqs", "chela-reports"),
            "Condition": {"ArnEquals": {"aws:SourceArn": aws.account.arn("events", f"rule/{rule}")}},
        }
        return queue("reports", "Policy", document(said))(aws)

    return made


@contextlib.contextmanager
def unfed(aws: Clients) -> Iterator[None]:
    """The functions are not fed."""
    client = aws("lambda")
    mappings = client.list_event_source_mappings()["EventSourceMappings"]
    for each in mappings:
        client.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
    yield
    for each in mappings:
        client.update_event_source_mapping(UUID=each["UUID"], Enabled=True)


@contextlib.contextmanager
def open_door(aws: Clients) -> Iterator[None]:
    """The function URL asks for no signature."""
    asked = {"FunctionName": "chela-trigger"}
    aws("lambda").update_function_url_config(**asked, AuthType="NONE")
    yield
    aws("lambda").update_function_url_config(**asked, AuthType="AWS_IAM")


@contextlib.contextmanager
def unscheduled(aws: Clients) -> Iterator[None]:
    """The sweep's schedule is off."""
    told = aws("scheduler").get_schedule(Name="chela-sweep")
    names = ("Name", "GroupName", "ScheduleExpression", "Target", "FlexibleTimeWindow")
    asked = {name: told[name] for name in names}
    aws("scheduler").update_schedule(**asked, State="DISABLED")
    yield
    aws("scheduler").update_schedule(**asked, State="ENABLED")


@contextlib.contextmanager
def other_pattern(aws: Clients) -> Iterator[None]:
    """The rule waits for another project."""
    events, asked = aws("events"), {"Name": "chela-codebuild"}
    usual = events.describe_rule(**asked)["EventPattern"]
    events.put_rule(**asked, EventPattern=usual.replace("chela-hello", "another"))
    yield
    events.put_rule(**asked, EventPattern=usual)


@contextlib.contextmanager
def barred_from_the_key(aws: Clients) -> Iterator[None]:
    """EventBridge may not use the key."""
    (key,) = aws("kms").list_keys()["Keys"]
    asked = {"KeyId": key["KeyId"], "PolicyName": "default"}
    usual = aws("kms").get_key_policy(**asked)["Policy"]
    kept = [each for each in json.loads(usual)["Statement"] if each["Sid"] != "EventsGoIntoTheQueue"]
    aws("kms").put_key_policy(**asked, Policy=document(*kept))
    yield
    aws("kms").put_key_policy(**asked, Policy=usual)


def test_a_good_stack_starts(cloud: Cloud, plain: Clients) -> None:
    start(cloud, plain)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (trust("trigger", "codebuild.amazonaws.com"), "does not trust lambda.amazonaws.com"),
        (
            trust("build", "codebuild.amazonaws.com", "arn:aws:codebuild:eu-west-1:1:project/other"),
            "does not trust codebuild.amazonaws.com for .*:project/chela-hello",
        ),
        (trust("pipeline", "codebuild.amazonaws.com"), "does not trust codepipeline.amazonaws.com for"),
        (trust("sweep", "events.amazonaws.com"), "does not trust scheduler.amazonaws.com for"),
        (deny("trigger", "TakeRequestsAndPutThemBack"), "wants sqs:ReceiveMessage on .*:chela-requests"),
        (deny("report", "TakeReports"), "wants sqs:ReceiveMessage on .*:chela-reports"),
        (deny("report", "Log"), "wants logs:CreateLogStream"),
        (deny("sweep", "Sweep"), "wants lambda:InvokeFunction on .*:chela-report"),
        (queue("requests", "VisibilityTimeout", "299"), "299 seconds is less than Function timeout: 300"),
        (queue("reports", "VisibilityTimeout", "119"), "119 seconds is less than Function timeout: 120"),
        (unfed, "chela-trigger is fed by 0 queues"),
        (open_door, "anybody could come in"),
        (unscheduled, "the schedule invokes nothing of ours"),
    ],
)
def test_what_aws_could_not_work_with_is_refused(
    cloud: Cloud, plain: Clients, mistake: Mistake, sentence: str
) -> None:
    with mistake(plain), pytest.raises(BedError, match=sentence):
        start(cloud, plain)
    start(cloud, plain)


def of_the_sample(clients: Clients) -> Event:
    """An event of the sample project."""
    kind, now = ("aws.codebuild", "CodeBuild Build State Change"), datetime.now(timezone.utc)
    return event(clients.account, kind, "build", now, {"project-name": "chela-hello"})


@pytest.mark.parametrize(
    ("mistake", "stack"),
    [
        (queue("reports", "Policy", ""), "plain"),
        (only("events.amazonaws.com", "other"), "plain"),
        (only("sns.amazonaws.com", "chela-codebuild"), "plain"),
        (other_pattern, "plain"),
        (barred_from_the_key, "with_key"),
    ],
    ids=["no policy", "another rule", "another service", "another pattern", "not with the key"],
)
def test_an_event_arrives_only_where_aws_would_deliver_it(
    request: pytest.FixtureRequest, cloud: Cloud, mistake: Mistake, stack: str
) -> None:
    clients: Clients = request.getfixturevalue(stack)
    layout = ReadBack(clients, cloud.evaluator)
    deliver = layout.bridge()
    deliver(of_the_sample(clients))
    assert len(layout.reports.take()) == 1
    with mistake(clients):
        deliver(of_the_sample(clients))
        assert layout.reports.take() == []
    deliver(of_the_sample(clients))
    assert len(layout.reports.take()) == 1
