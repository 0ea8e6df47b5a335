"""Mistakes planted in the CDK's package: the check that is named beside each has to notice it.

Each is one change in a compiled copy, whose stacks the running program makes like those of the good one.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import rights_designs
import test_infra_side_by_side as side_by_side
from chela_bed.aws.dialects import Design
from chela_bed.aws.dialects.cdk import Cdk

NUMBERS = itertools.count(1)


class Check(NamedTuple):
    """A test of the side by side, and what it is asked about."""

    test: Callable[..., None]
    arguments: tuple[str, ...] = ()

    def run(self) -> None:
        self.test("cdk", *self.arguments)


def rights(wish: str = "whole") -> Check:
    return Check(side_by_side.test_a_stack_has_the_policies_of_infra_and_no_other, (wish,))


EVENTS = Check(side_by_side.test_a_stack_takes_the_events_that_infra_says, ("whole",))
SETTINGS = Check(side_by_side.test_a_stack_is_set_as_the_specification_says)
ENCRYPTED = Check(
    side_by_side.test_a_stack_is_encrypted_as_the_specification_says, ("key and secret of theirs",)
)
MAP = Check(side_by_side.test_the_map_of_callers_is_what_was_wished_for, ("least",))
SAME = Check(side_by_side.test_a_stack_is_the_same_in_every_dialect, ("samples",))

# What a file says, what it would say, and who notices.
Planted = tuple[str, str, str, Check]
OF_RIGHTS: dict[str, Planted] = {
    "a wildcard of a resource": (
        "policies/trigger.json",
        '"Resource": "${LedgerBucket}/executions/*"',
        '"Resource": "*"',
        rights(),
    ),
    "a wildcard of an action": (
        "policies/report.json",
        '["s3:PutObject", "s3:DeleteObject"]',
        '"s3:*"',
        rights(),
    ),
    "a missing permission": (
        "policies/report.json",
        '        "sqs:ChangeMessageVisibility",\n',
        "",
        rights(),
    ),
    "a role that builds may swap": (
        "policies/trigger.json",
        '          "codebuild:serviceRole": "true",\n',
        "",
        rights(),
    ),
    "the second action of the URL missing": (
        "policies/caller.json",
        '"Action": "lambda:InvokeFunction",',
        '"Action": "lambda:GetFunction",',
        rights("least"),
    ),
    "no events principal in the queue": (
        "policies/reports-queue.json",
        "events.amazonaws.com",
        "sns.amazonaws.com",
        rights("least"),
    ),
    "a key that events may not use": (
        "policies/key.json",
        "events.amazonaws.com",
        "sns.amazonaws.com",
        rights(),
    ),
    "a key without its owner": (
        "dist/lib/naming.js",
        "Root: naming.iam('root')",
        "Root: naming.iam('user/me')",
        rights(),
    ),
    "a key for every rule": (
        "dist/lib/naming.js",
        "`rule/${naming.codePipelineRule}`",
        "`rule/*`",
        rights(),
    ),
    "a key that the functions may not use": (
        "dist/lib/prepared.js",
        "key: key ? [key.keyArn] : [],",
        "key: [],",
        rights(),
    ),
    "a role of everybody": (
        "dist/lib/functions.js",
        "    role.node.defaultChild.assumeRolePolicyDocument = trust;\n",
        "",
        rights(),
    ),
    "a grant that the library makes by itself": (
        "dist/lib/pagure-ci.js",
        "        this.triggerFunction = trigger;\n",
        "        this.triggerFunction = trigger;\n        buckets.ledger.grantRead(trigger);\n",
        rights("least"),
    ),
    "a statement of a queue that the library makes by itself": (
        "dist/lib/pagure-ci.js",
        "        this.triggerFunction = trigger;\n",
        "        this.triggerFunction = trigger;\n        reports.queue.grantSendMessages(\n"
        "            new (require('aws-cdk-lib/aws-iam').ServicePrincipal)('sns.amazonaws.com'));\n",
        rights("least"),
    ),
    "artifacts of every pipeline": (
        "dist/lib/naming.js",
        "ArtifactsPrefix: `${naming.samplePipeline.slice(0, 20)}/`",
        "ArtifactsPrefix: ''",
        rights(),
    ),
    "sources of every prefix": (
        "dist/lib/naming.js",
        "SourcesPrefix: exports.SOURCES_PREFIX",
        "SourcesPrefix: ''",
        rights(),
    ),
    "interfaces for those outside a VPC": (
        "dist/lib/naming.js",
        "AnyInterface: props.vpc === undefined ? [] : '*'",
        "AnyInterface: '*'",
        rights("least"),
    ),
    "a map of callers that trigger may not read": (
        "dist/lib/config.js",
        "objects: [naming.s3(`${asset.s3BucketName}/${asset.s3ObjectKey}`)]",
        "objects: []",
        rights("map as object"),
    ),
    "plain HTTP": (
        "dist/lib/storage.js",
        "    refusePlainHttp(ledger, names);\n",
        "",
        rights("least"),
    ),
    "a partition that is written out": (
        "dist/lib/naming.js",
        "`arn:${partition}:${service}:",
        "`arn:aws:${service}:",
        rights("another region and partition"),
    ),
    "a wrong event pattern": (
        "rules/codebuild.json",
        "CodeBuild Build Phase Change",
        "CodeBuild Build Phases Change",
        EVENTS,
    ),
    "events of projects that are not started": (
        "dist/lib/jobs.js",
        "all.filter((one) => one.engine === engine)",
        "all",
        EVENTS,
    ),
    "events that go nowhere": (
        "dist/lib/events.js",
        "arn: reports.queueArn",
        "arn: reports.queueArn + '-dead'",
        EVENTS,
    ),
    "strangers that are refused": ("dist/lib/jobs.js", "?? 'hold'", "?? 'refuse'", MAP),
}
OF_SETTINGS: dict[str, Planted] = {
    "polling left on": (
        "dist/lib/samples.js",
        "PollForSourceChanges: 'false'",
        "PollForSourceChanges: 'true'",
        SETTINGS,
    ),
    "mode SUPERSEDED": ("dist/lib/samples.js", "'PARALLEL'", "'SUPERSEDED'", SETTINGS),
    "builds without a limit": ("dist/lib/samples.js", "        concurrentBuildLimit: 2,\n", "", SETTINGS),
    "an unencrypted queue": ("dist/lib/storage.js", "SQS_MANAGED", "UNENCRYPTED", SETTINGS),
    "a queue without the key": (
        "dist/lib/storage.js",
        "{ queueName, encryption, encryptionMasterKey: key, ...more }",
        "{ queueName, encryption: sqs.QueueEncryption.SQS_MANAGED, ...more }",
        ENCRYPTED,
    ),
    "a bucket without the key": (
        "dist/lib/storage.js",
        "        encryption: key ? s3.BucketEncryption.KMS : s3.BucketEncryption.S3_MANAGED,\n"
        "        encryptionKey: key,\n        bucketKeyEnabled: key && true,\n",
        "        encryption: s3.BucketEncryption.S3_MANAGED,\n",
        ENCRYPTED,
    ),
    "artifacts without the key": (
        "dist/lib/samples.js",
        "            encryptionKey: key && { id: key.keyArn, type: 'KMS' },\n",
        "",
        ENCRYPTED,
    ),
    "visibility below the function's time-out": (
        "dist/lib/storage.js",
        "visibilityTimeout: aws_cdk_lib_1.Duration.seconds(360)",
        "visibilityTimeout: aws_cdk_lib_1.Duration.seconds(299)",
        SETTINGS,
    ),
    "noncurrent versions for ever": (
        "dist/lib/storage.js",
        "                noncurrentVersionExpiration: aws_cdk_lib_1.Duration.days(7),\n",
        "",
        SETTINGS,
    ),
    "uploads without an end": (
        "dist/lib/storage.js",
        "                abortIncompleteMultipartUploadAfter: aws_cdk_lib_1.Duration.days(1),\n",
        "",
        SETTINGS,
    ),
    "a ledger that expires open builds": (
        "dist/lib/storage.js",
        "['builds', 'executions']",
        "['builds', 'executions', 'open']",
        SETTINGS,
    ),
    "a public bucket": (
        "dist/lib/storage.js",
        "BlockPublicAccess.BLOCK_ALL",
        "BlockPublicAccess.BLOCK_ACLS",
        SETTINGS,
    ),
    "a secret with a value": (
        "dist/lib/storage.js",
        "        kmsKeyId: key?.keyArn,\n",
        "        kmsKeyId: key?.keyArn,\n        secretString: 'token',\n",
        SETTINGS,
    ),
    "a URL for everybody": (
        "dist/lib/front.js",
        "FunctionUrlAuthType.AWS_IAM,\n    });\n    if",
        "FunctionUrlAuthType.NONE,\n    });\n    if",
        SETTINGS,
    ),
    "an API for everybody": (
        "dist/lib/front.js",
        "authorizationType: 'AWS_IAM'",
        "authorizationType: 'NONE'",
        SETTINGS,
    ),
    "batches that fail as a whole": (
        "dist/lib/functions.js",
        "functionResponseTypes: ['ReportBatchItemFailures']",
        "functionResponseTypes: []",
        SETTINGS,
    ),
    "logs for ever": ("dist/lib/functions.js", "RetentionDays.ONE_MONTH", "RetentionDays.INFINITE", SETTINGS),
    "no sweep": ("dist/lib/events.js", "rate(15 minutes)", "rate(15 days)", SETTINGS),
    "an alarm about nothing": (
        "dist/lib/events.js",
        "queue.metricApproximateAgeOfOldestMessage(",
        "queue.metricNumberOfMessagesSent(",
        SETTINGS,
    ),
    "dead letters that nobody hears of": (
        "dist/lib/events.js",
        "return alarmsOf(watched)",
        "return alarmsOf(watched).slice(1)",
        SAME,
    ),
    "concurrency that new accounts cannot give": (
        "dist/lib/functions.js",
        "        ...network(props),\n",
        "        ...network(props),\n        reservedConcurrentExecutions: 1,\n",
        SETTINGS,
    ),
}
PLANTED = OF_RIGHTS | OF_SETTINGS


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_noticed(
    mistake: str, cdk: Cdk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, old, new, check = PLANTED[mistake]
    check.run()
    bad = copied(cdk.package, tmp_path)
    text = (bad / file).read_text()
    assert text.count(old) == 1, f"{file} does not say so once; plant the mistake elsewhere"
    (bad / file).write_text(text.replace(old, new))
    look_at(Cdk(tmp_path, package=bad), monkeypatch)
    with pytest.raises(AssertionError):
        check.run()


def copied(good: Path, scratch: Path) -> Path:
    """The parts of the package that run."""
    bad = scratch / f"package-{next(NUMBERS)}"
    for folder in ("dist", "policies", "rules"):
        shutil.copytree(good / folder, bad / folder)
    (bad / "node_modules").symlink_to(good / "node_modules")
    return bad


def look_at(cdk: Cdk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the side by side look at this one's stacks."""
    right = rights_designs.design

    def design(dialect: str, wish: str) -> Design:
        if dialect != "cdk":
            return right(dialect, wish)
        wished = rights_designs.WISHES[wish]
        return cdk.design(wished, rights_designs.account(wished.region))

    monkeypatch.setattr(rights_designs, "design", design)
    monkeypatch.setattr(side_by_side, "differences", side_by_side.differences.__wrapped__)
