"""Mistakes planted in the CloudFormation template: the check that is named beside each has to notice it."""

from __future__ import annotations

from collections.abc import Callable

import infra_stacks
import pytest
import test_infra_cloudformation as rights
import test_infra_cloudformation_settings as settings
from chela_bed.aws.cloudformation import Template
from chela_bed.aws.cloudformation.reading import read
from infra_stacks import FOLDER

Check = tuple[Callable[..., None], tuple[str, ...]]


def right(role: str, variant: str = "everything") -> Check:
    return rights.test_a_role_may_what_its_policy_says_and_nothing_else, (variant, role)


def trust(role: str) -> Check:
    return rights.test_a_role_is_taken_by_its_own_service_only, ("everything", role)


def setting(logical: str) -> Check:
    return settings.test_a_resource_is_set_as_the_specification_says, (logical,)


def encrypted(logical: str) -> Check:
    return settings.test_a_resource_is_encrypted_with_the_key, (logical, "new")


EVENTS: Check = (rights.test_the_rules_take_the_events_of_what_may_be_started, ("both",))
CALLER: Check = (rights.test_a_caller_may_call_the_front_door_and_nothing_else, ("both",))
QUEUE: Check = (rights.test_the_queue_of_reports_takes_the_rules_events_only, ("both",))
KEY: Check = (rights.test_a_new_key_is_for_the_account_and_for_the_rules, ("everything",))
PLAIN_HTTP: Check = (rights.test_a_bucket_refuses_plain_http, ("LedgerBucket",))
PARTITION: Check = (rights.test_every_arn_is_of_the_partition, ("aws-cn",))
TIME_OUT: Check = (settings.test_a_queue_hides_a_message_for_longer_than_its_function_runs, ("both",))

# What the template says, what it would say, and who notices.
RIGHTS: dict[str, tuple[str, str, Check]] = {
    "a wildcard of a resource": (
        "Resource: !Sub ${LedgerBucket.Arn}/executions/*",
        "Resource: '*'",
        right("TriggerRole"),
    ),
    "a wildcard of an action": (
        "Action: [s3:PutObject, s3:DeleteObject]",
        "Action: 's3:*'",
        right("ReportRole"),
    ),
    "a missing permission": (
        "sqs:DeleteMessage, sqs:ChangeMessageVisibility,",
        "sqs:DeleteMessage,",
        right("ReportRole"),
    ),
    "a role that builds may swap": (
        '                  codebuild:serviceRole: "true"\n',
        "",
        right("TriggerRole"),
    ),
    "a source from elsewhere": (
        "codebuild:source.location: !Sub ${SourcesBucket}/sources/*",
        "codebuild:source.location: '*'",
        right("TriggerRole"),
    ),
    "a token that trigger may read": (
        "Action: sqs:SendMessage\n            Resource: !GetAtt ReportsQueue.Arn\n          - !If",
        "Action: secretsmanager:GetSecretValue\n            Resource: '*'\n          - !If",
        right("TriggerRole"),
    ),
    "a map that trigger may read and has not": (
        "          - !If\n            - ConfigIsObject\n",
        "          - !If\n            - HasUrl\n",
        right("TriggerRole", "both"),
    ),
    "a key for other services": ("kms:ViaService:\n", "kms:CallerAccount:\n", right("ReportRole")),
    "interfaces that the function may make": (
        "Sid: TheFunctionDoesNot\n              Effect: Deny\n",
        "Sid: TheFunctionDoesNot\n              Effect: Allow\n",
        right("ReportRole"),
    ),
    "interfaces of the other function": (
        "lambda:SourceFunctionArn: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
        ":function:${NamePrefix}-report",
        "lambda:SourceFunctionArn: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
        ":function:${NamePrefix}-trigger",
        right("ReportRole"),
    ),
    "a build that may write": (
        "PolicyName: build\n      Roles: [!Ref BuildRole]\n      PolicyDocument:\n"
        '        Version: "2012-10-17"\n        Statement:\n          - Sid: FetchSources\n'
        "            Effect: Allow\n            Action: [s3:GetObject, s3:GetObjectVersion]",
        "PolicyName: build\n      Roles: [!Ref BuildRole]\n      PolicyDocument:\n"
        '        Version: "2012-10-17"\n        Statement:\n          - Sid: FetchSources\n'
        "            Effect: Allow\n            Action: [s3:GetObject, s3:PutObject]",
        right("BuildRole"),
    ),
    "a pipeline that may start anything": (
        "Resource: !GetAtt PipelineBuildProject.Arn",
        "Resource: '*'",
        right("PipelineRole"),
    ),
    "a sweep of the other function": (
        "Action: lambda:InvokeFunction\n            Resource: !GetAtt ReportFunction.Arn",
        "Action: lambda:InvokeFunction\n            Resource: !GetAtt TriggerFunction.Arn",
        right("SweepRole"),
    ),
    "the second action of the URL missing": (
        "              Action: lambda:InvokeFunction\n              Resource: !GetAtt TriggerFunction.Arn\n",
        "              Action: lambda:InvokeAsync\n              Resource: !GetAtt TriggerFunction.Arn\n",
        CALLER,
    ),
    "a plain invoke": (
        '              Condition: { Bool: { lambda:InvokedViaFunctionUrl: "true" } }\n',
        "",
        CALLER,
    ),
    "a partition that is written out": (
        "arn:${AWS::Partition}:codebuild",
        "arn:aws:codebuild",
        PARTITION,
    ),
    "a role that every service may take": (
        "Principal: { Service: lambda.amazonaws.com }",
        "Principal: { Service: [lambda.amazonaws.com, ec2.amazonaws.com] }",
        trust("TriggerRole"),
    ),
    "a role that every schedule may take": (
        "              ArnEquals:\n                aws:SourceArn: !Sub arn:${AWS::Partition}:scheduler",
        "              ArnLike:\n                aws:SourceArn: !Sub arn:${AWS::Partition}:scheduler",
        trust("SweepRole"),
    ),
    "a role that every build may take": (
        "- arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/${Name}\n",
        "- arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/*\n",
        trust("BuildRole"),
    ),
    "a pipeline's role that builds may take": (
        "Principal: { Service: codepipeline.amazonaws.com }",
        "Principal: { Service: codebuild.amazonaws.com }",
        trust("PipelineRole"),
    ),
    "a role of the pipeline's build for the sample's": (
        "project/${Name}-build\n",
        "project/${Name}\n",
        trust("PipelineBuildRole"),
    ),
    "no events principal in the queue": (
        "Principal: { Service: events.amazonaws.com }\n            Action: sqs",
        "Principal: { Service: sns.amazonaws.com }\n            Action: sqs",
        QUEUE,
    ),
    "anybody's rule in the queue": (
        "              ArnEquals:\n                aws:SourceArn:\n                  - !If [HasProjects",
        "              ArnLike:\n                aws:SourceArn:\n                  - !If [HasProjects",
        QUEUE,
    ),
    "a key that events may not use": (
        "Principal: { Service: events.amazonaws.com }\n            Action: [kms",
        "Principal: { Service: sns.amazonaws.com }\n            Action: [kms",
        KEY,
    ),
    "a key for every rule": (":rule/${NamePrefix}-codepipeline\n", ":rule/*\n", KEY),
    "plain HTTP": ('aws:SecureTransport: "false"', 'aws:SecureTransport: "true"', PLAIN_HTTP),
    "a wrong event pattern": ("CodeBuild Build Phase Change", "CodeBuild Build Phases Change", EVENTS),
    "events of all pipelines": (
        '          pipeline: !Split [",", !Ref Pipelines]',
        "          pipeline: ['*']",
        EVENTS,
    ),
}
SETTINGS: dict[str, tuple[str, str, Check]] = {
    "polling left on": (
        'PollForSourceChanges: "false"',
        'PollForSourceChanges: "true"',
        setting("SamplePipeline"),
    ),
    "mode SUPERSEDED": ("ExecutionMode: PARALLEL", "ExecutionMode: SUPERSEDED", setting("SamplePipeline")),
    "builds without a limit": ("      ConcurrentBuildLimit: 2\n", "", setting("PipelineBuildProject")),
    "an unencrypted queue": (
        "SqsManagedSseEnabled: !If [HasKey, !Ref AWS::NoValue, true]",
        "SqsManagedSseEnabled: false",
        setting("RequestsQueue"),
    ),
    "a queue without the key": (
        "KmsMasterKeyId: !If [MakesKey, !GetAtt Key.Arn, !If [HasKey, !Ref KmsKey, !Ref AWS::NoValue]]",
        "KmsMasterKeyId: !If [MakesKey, alias/aws/sqs, !Ref AWS::NoValue]",
        encrypted("ReportsDeadLetters"),
    ),
    "a bucket without the key": (
        "SSEAlgorithm: !If [HasKey, aws:kms, AES256]",
        "SSEAlgorithm: AES256",
        encrypted("LedgerBucket"),
    ),
    "artifacts without the key": (
        "        EncryptionKey: !If\n",
        "        Other: !If\n",
        encrypted("SamplePipeline"),
    ),
    "a URL for everybody": (
        "AuthType: AWS_IAM\n\n  TriggerApi",
        "AuthType: NONE\n\n  TriggerApi",
        setting("TriggerUrl"),
    ),
    "an API for everybody": (
        "AuthorizationType: AWS_IAM",
        "AuthorizationType: NONE",
        setting("TriggerApiRoute"),
    ),
    "visibility below the time-out": ("VisibilityTimeout: 360", "VisibilityTimeout: 299", TIME_OUT),
    "visibility of another length": (
        "VisibilityTimeout: 180",
        "VisibilityTimeout: 1800",
        setting("ReportsQueue"),
    ),
    "noncurrent versions for ever": (
        "            NoncurrentVersionExpiration: { NoncurrentDays: 7 }\n",
        "",
        setting("SourcesBucket"),
    ),
    "uploads without an end": (
        "            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }\n",
        "",
        setting("SourcesBucket"),
    ),
    "a ledger that expires open builds": ("Prefix: builds/", "Prefix: open/", setting("LedgerBucket")),
    "a public bucket": (
        "RestrictPublicBuckets: true",
        "RestrictPublicBuckets: false",
        setting("SourcesBucket"),
    ),
    "batches that fail as a whole": (
        "FunctionResponseTypes: [ReportBatchItemFailures]",
        "FunctionResponseTypes: []",
        setting("ReportsMapping"),
    ),
    "dead letters that nobody keeps": (
        "MessageRetentionPeriod: 1209600\n      SqsManaged",
        "MessageRetentionPeriod: 60\n      SqsManaged",
        setting("RequestsDeadLetters"),
    ),
    "no sweep": ("rate(15 minutes)", "rate(15 days)", setting("SweepSchedule")),
    "an alarm about nothing": (
        "MetricName: ApproximateAgeOfOldestMessage",
        "MetricName: NumberOfMessagesSent",
        setting("ReportsAgeAlarm"),
    ),
    "logs for ever": ("      RetentionInDays: !Ref LogRetentionDays\n", "", setting("ReportLogGroup")),
}
PLANTED = RIGHTS | SETTINGS


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_noticed(PLANTED[mistake], monkeypatch)


def is_noticed(mistake: tuple[str, str, Check], monkeypatch: pytest.MonkeyPatch) -> None:
    """The check passes as long as the template is right, and fails as soon as it is not."""
    old, new, (check, arguments) = mistake
    text = (FOLDER / "chela.yaml").read_text()
    assert old in text, "the template no longer says so; plant the mistake elsewhere"
    check(*arguments)
    wrong = Template(read(text.replace(old, new)))
    monkeypatch.setattr(infra_stacks, "template", lambda _name: wrong)
    with pytest.raises(AssertionError):
        check(*arguments)
