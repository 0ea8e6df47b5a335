"""Where names, suffixes, keys or accounts are others."""

from __future__ import annotations

from rights_functions import PROJECT, REPORT, TRIGGER, via
from rights_row import Row, no, start, yes
from rights_samples import ARTIFACT, SOURCE

CHINA, THEIRS = "another region and partition", "key and secret of theirs"
USES, READS_SECRET = "kms:Decrypt kms:GenerateDataKey", "secretsmanager:GetSecretValue"
# A bucket that somebody else has made where ours was.
SOMEBODYS = {"aws__ResourceAccount": "999999999999"}


def _of_somebody() -> list[Row]:
    """Names of buckets are everybody's: what has the name of ours need not be ours."""
    asked = [
        (TRIGGER, "s3:GetObject s3:PutObject", "${LedgerBucket}/builds/b1"),
        (TRIGGER, "s3:PutObject", "${LedgerBucket}/executions/e1"),
        (TRIGGER, "s3:GetObject s3:PutObject", SOURCE["build"]),
        (REPORT, "s3:GetObject", "${LedgerBucket}/builds/b1"),
        (REPORT, "s3:PutObject s3:DeleteObject", "${LedgerBucket}/open/b1"),
        ("build", "s3:GetObject", SOURCE["build"]),
        ("build", "s3:GetBucketLocation", "${SourcesBucket}"),
        ("pipeline", "s3:GetObject", SOURCE["pipeline"]),
        ("pipeline", "s3:GetBucketLocation", "${SourcesBucket}"),
        ("pipeline", "s3:GetObject s3:PutObject", ARTIFACT),
        ("pipeline-build", "s3:GetObject", ARTIFACT),
        ("pipeline-build", "s3:GetBucketLocation", "${SourcesBucket}"),
    ]
    why, listing = "somebody else's bucket of this name", {"s3__prefix": "open/"}
    return [
        *[row for who, actions, place in asked for row in no(who, actions, place, why, **SOMEBODYS)],
        *no(REPORT, "s3:ListBucket", "${LedgerBucket}", why, **listing, **SOMEBODYS),
        *no(TRIGGER, "s3:GetObject", "${ConfigObject}", why, "map as object", **SOMEBODYS),
    ]


def _functions(who: str) -> list[Row]:
    return [
        *yes(who, USES, "${Key}", "services end otherwise there", CHINA, **via("s3")),
        *no(who, USES, "${Key}", "nothing but a service", CHINA),
        *yes(who, USES, "${Key}", "theirs is used", THEIRS, **via("sqs")),
        *no(who, USES, "${Key}", "nothing but a service", THEIRS),
    ]


ELSEWHERE: list[Row] = [
    *yes(TRIGGER, "codebuild:StartBuild", "${BuildProject}", "in every partition", CHINA, **start()),
    *no(TRIGGER, "codebuild:StartBuild", f"{PROJECT}/other", "in every partition", CHINA, **start()),
    *yes(TRIGGER, "s3:PutObject", SOURCE["build"], "in every partition", CHINA),
    *yes(REPORT, READS_SECRET, "${TokenSecret}", "in every partition", CHINA),
    *yes(REPORT, READS_SECRET, "${TokenSecret}", "theirs is used", THEIRS),
    *no(TRIGGER, READS_SECRET, "${TokenSecret}", "the CI token is report's", THEIRS),
    *yes("build", "kms:Decrypt", "${Key}", "theirs is used", THEIRS, **via("s3")),
    *yes("pipeline", USES, "${Key}", "theirs is used", THEIRS),
    *_functions(TRIGGER),
    *_functions(REPORT),
    *_of_somebody(),
]
