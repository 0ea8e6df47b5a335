"""What the samples' roles may do, and what they may not: a build runs what a pull request brings."""

from __future__ import annotations

from rights_functions import PIPELINE, PROJECT, STREAM, via
from rights_row import Row, no, start, yes

READS = "s3:GetObject s3:GetObjectVersion"
FINDS = "s3:GetBucketLocation"
LOOKS = "s3:GetBucketAcl s3:GetBucketVersioning"
ARTIFACT = "${SourcesBucket}/${ArtifactsPrefix}SourceArti/0a1b"
SOURCES = "${SourcesBucket}/sources/"
SOURCE = {
    "build": SOURCES + "codebuild/${Prefix}-hello/1.zip",
    "pipeline": SOURCES + "codepipeline/${Prefix}-release/1.zip",
    "pipeline-build": SOURCES + "codebuild/${Prefix}-release-build/1.zip",
}
# Beside them: what is another's, or nobody's, or begins like theirs.
OTHERS = [
    "codebuild/hello/1.zip",
    "codebuild/${Prefix}-hello-2/1.zip",
    "codepipeline/hello/1.zip",
    "codepipeline/${Prefix}-release-2/1.zip",
    "${Prefix}-hello/1.zip",
    "1.zip",
]


def _all(who: str, group: str) -> list[Row]:
    """What is alike for the three."""
    return [
        *yes(who, FINDS, "${SourcesBucket}", "CodeBuild and CodePipeline ask where the bucket is"),
        *no(
            who,
            "s3:ListBucket s3:ListBucketVersions s3:GetBucketPolicy",
            "${SourcesBucket}",
            "no key tells more",
        ),
        *no(who, FINDS, "${LedgerBucket}", "the ledger is not for builds"),
        *no(who, "s3:GetObject s3:PutObject", "${LedgerBucket}/builds/b1", "the ledger is not for builds"),
        *no(who, "s3:GetObject", "${LedgerBucket}/config.json", "the ledger is not for builds"),
        *no(who, "s3:PutObject s3:DeleteObject", SOURCE[who], "a source stays as it was"),
        *[
            row
            for key in OTHERS
            for row in no(who, READS, SOURCES + key, "another project's sources, which may be private")
        ],
        *no(who, "s3:GetObject", "${SourcesBucket}/others/1.zip", "another prefix"),
        *no(who, "s3:GetObject", SOURCE[who], "never over plain HTTP", aws__SecureTransport="false"),
        *no(who, "s3:GetObject", "arn:${Partition}:s3:::elsewhere/sources/1.zip", "another bucket"),
        *no(who, "secretsmanager:GetSecretValue", "${TokenSecret}", "a build must not flag anything"),
        *no(who, "sqs:SendMessage", "${ReportsQueue}", "a build must not report anything"),
        *no(who, "sqs:SendMessage", "${RequestsQueue}", "a build must not start another"),
        *no(who, "codebuild:StartBuild", f"{PROJECT}/hello", "a build must not start another", **start()),
        *no(
            who, "codepipeline:StartPipelineExecution", "${SamplePipeline}", "a build must not start another"
        ),
        *no(who, "lambda:InvokeFunction", "${TriggerFunction}", "a build must not start another"),
        *no(who, "iam:PassRole", "${TriggerRole}", "no way to other rights"),
        *no(who, "logs:PutLogEvents", "${TriggerLogGroup}" + STREAM, "another's log"),
        *no(who, "logs:DeleteLogGroup logs:DeleteLogStream", group + STREAM, "nobody wipes his traces"),
        *yes(who, "kms:Decrypt", "${Key}", "what it reads is encrypted", **via("s3")),
        *no(who, "kms:Encrypt kms:PutKeyPolicy", "${Key}", "the owner's"),
        *no(
            who,
            "kms:Decrypt",
            "arn:${Partition}:kms:${Region}:${Account}:key/other",
            "another key",
            **via("s3"),
        ),
    ]


def _builds(who: str, group: str) -> list[Row]:
    """What is alike for the two that run commands."""
    return [
        *yes(who, "logs:CreateLogStream logs:PutLogEvents", group + STREAM, "it writes its log"),
        *no(who, LOOKS, "${SourcesBucket}", "CodePipeline alone asks that"),
        *no(who, "kms:GenerateDataKey", "${Key}", "it writes nothing", **via("s3")),
        *no(who, "s3:PutObject", ARTIFACT, "it writes nothing"),
        *no(who, "codebuild:BatchGetBuilds codebuild:StopBuild", f"{PROJECT}/hello", "it asks for no build"),
    ]


SAMPLES: list[Row] = [
    *_all("build", "${BuildLogGroup}"),
    *_builds("build", "${BuildLogGroup}"),
    *yes("build", READS, SOURCE["build"], "what it builds"),
    *no("build", "logs:CreateLogGroup", "${BuildLogGroup}" + STREAM, "the stack makes it"),
    *no("build", "kms:Decrypt", "${Key}", "only what S3 holds is for it"),
    *no("build", "kms:Decrypt", "${Key}", "only what S3 holds is for it", **via("sqs")),
    *no("build", READS, ARTIFACT, "artifacts are the pipeline's"),
    *no("build", "logs:PutLogEvents", "${PipelineBuildLogGroup}" + STREAM, "another's log"),
    *_all("pipeline-build", "${PipelineBuildLogGroup}"),
    *_builds("pipeline-build", "${PipelineBuildLogGroup}"),
    *yes("pipeline-build", "kms:Decrypt", "${Key}", "CodeBuild itself decrypts artifacts"),
    *yes("pipeline-build", READS, ARTIFACT, "CodePipeline hands the source over as an artifact"),
    *no("pipeline-build", READS, SOURCE["pipeline"], "it gets its source from CodePipeline"),
    *no("pipeline-build", "logs:CreateLogGroup", "${PipelineBuildLogGroup}" + STREAM, "the stack makes it"),
    *no("pipeline-build", "logs:PutLogEvents", "${BuildLogGroup}" + STREAM, "another's log"),
    *_all("pipeline", "${PipelineBuildLogGroup}"),
    *yes("pipeline", READS, SOURCE["pipeline"], "what it builds"),
    *yes("pipeline", READS, "${PipelineSource}", "its source action may be fixed to an object"),
    *no("pipeline", READS, "${PipelineSource}x", "only the object that is named"),
    *no("pipeline", "s3:PutObject", "${PipelineSource}", "it only reads it"),
    *yes("pipeline", READS + " s3:PutObject", ARTIFACT, "it keeps its artifacts there"),
    *no("pipeline", "s3:DeleteObject s3:PutObjectAcl", ARTIFACT, "they expire"),
    *yes("pipeline", LOOKS, "${SourcesBucket}", "its source action asks whether there are versions"),
    *yes("pipeline", "kms:Decrypt kms:GenerateDataKey", "${Key}", "CodePipeline itself encrypts artifacts"),
    *yes(
        "pipeline",
        "codebuild:StartBuild codebuild:BatchGetBuilds",
        "${PipelineBuildProject}",
        "its action runs there",
    ),
    *no("pipeline", "codebuild:BatchGetBuilds codebuild:StopBuild", f"{PROJECT}/hello", "not its own"),
    *no("pipeline", "codebuild:StopBuild codebuild:UpdateProject", "${PipelineBuildProject}", "as it is set"),
    *no("pipeline", "codepipeline:UpdatePipeline", f"{PIPELINE}:line", "as it is set"),
    *no("pipeline", "logs:PutLogEvents", "${PipelineBuildLogGroup}" + STREAM, "its build writes"),
]
