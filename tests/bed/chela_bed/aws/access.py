"""Which actions on which resources an operation needs: "Service Authorization Reference", AWS.

An operation that names several things needs the right to every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.api import Members
from chela_bed.aws.evaluator import Access, Context
from chela_bed.aws.overrides import conditions
from chela_bed.paths import BedError

S3_OBJECT = {
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts",
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "DeleteObject": "DeleteObject",
}
S3_VERSION = {"GetObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion"}
S3_BUCKET = {
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketAcl": "GetBucketAcl",
}
SQS_BATCH = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
PIPELINE_NAMES = ("pipelineName", "name")


@dataclass(frozen=True)
class Accesses:
    """Knows the account's names."""

    account: Account
    # The ARN of a secret that is called by its name, if there is such a one.
    secret: Callable[[str], str | None]

    def of(self, service: str, operation: str, params: Members) -> list[Access]:
        """All that a call needs."""
        name = f"_{service}"
        if not hasattr(self, name):
            raise BedError(f"the front knows no actions of {service}; teach chela_bed.aws.access")
        found = list(getattr(self, name)(operation, params))
        if not found:
            raise BedError(f"the front knows no action of {service}:{operation}; teach chela_bed.aws.access")
        return found

    def _s3(self, operation: str, params: Members) -> Iterator[Access]:
        bucket = self.account.bucket(params["Bucket"])
        if operation in S3_BUCKET:
            yield Access(f"s3:{S3_BUCKET[operation]}", bucket, _listing(params))
        elif operation in S3_OBJECT:
            action = S3_OBJECT[operation]
            if "VersionId" in params:
                action = S3_VERSION[action]
            resource = f"{bucket}/{params['Key']}"
            yield Access(f"s3:{action}", resource, _writing(params))
            # Whether it matches is knowledge of what is there.
            if action in ("PutObject", "DeleteObject") and "IfMatch" in params:
                yield Access("s3:GetObject", resource)
            if "Tagging" in params:
                yield Access("s3:PutObjectTagging", resource)
            if "ACL" in params:
                yield Access("s3:PutObjectAcl", resource)

    def _sqs(self, operation: str, params: Members) -> Iterator[Access]:
        name = params["QueueUrl"].rpartition("/")[2]
        yield Access(f"sqs:{SQS_BATCH.get(operation, operation)}", self.account.arn("sqs", name))

    def _secretsmanager(self, operation: str, params: Members) -> Iterator[Access]:
        asked = params["SecretId"]
        arn = asked if asked.startswith("arn:") else self.secret(asked)
        stage = params.get("VersionStage")
        context: Context = {"secretsmanager:VersionStage": stage} if stage else {}
        resource = arn or self.account.arn("secretsmanager", f"secret:{asked}")
        yield Access(f"secretsmanager:{operation}", resource, context)

    def _codebuild(self, operation: str, params: Members) -> Iterator[Access]:
        context = conditions(params) if operation == "StartBuild" else {}
        for project in _projects(params):
            resource = project if project.startswith("arn:") else self._project(project)
            yield Access(f"codebuild:{operation}", resource, context)

    def _project(self, name: str) -> str:
        return self.account.arn("codebuild", f"project/{name}")

    def _codepipeline(self, operation: str, params: Members) -> Iterator[Access]:
        for name in PIPELINE_NAMES:
            if name in params:
                resource = self.account.arn("codepipeline", params[name])
                stage = params.get("stageName")
                yield Access(f"codepipeline:{operation}", f"{resource}/{stage}" if stage else resource)
                return


def _listing(params: Members) -> Context:
    names = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys"}
    return {key: str(params[name]) for name, key in names.items() if name in params}


def _writing(params: Members) -> Context:
    names = {
        "IfMatch": "s3:if-match",
        "IfNoneMatch": "s3:if-none-match",
        "ServerSideEncryption": "s3:x-amz-server-side-encryption",
        "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "StorageClass": "s3:x-amz-storage-class",
        "ACL": "s3:x-amz-acl",
        "VersionId": "s3:versionid",
    }
    return {key: str(params[name]) for name, key in names.items() if name in params}


def _projects(params: Members) -> list[str]:
    """The CodeBuild projects that a request is about; a build's id begins with its project's name."""
    if "projectName" in params:
        return [params["projectName"]]
    names: list[Any] = list(params.get("names", []))
    ids = [params["id"]] if "id" in params else list(params.get("ids", []))
    return names + [_project_of(build) for build in ids]


def _project_of(build: str) -> str:
    # arn:aws:codebuild:<region>:<account>:build/<project>:<uuid>
    start, slash, rest = build.partition(":build/")
    return f"{start}:project/{rest.partition(':')[0]}" if slash else build.partition(":")[0]
