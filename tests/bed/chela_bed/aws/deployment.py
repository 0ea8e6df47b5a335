"""Deploys a CloudFormation template on moto, as its account's owner."""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.moto import Moto


@dataclass(frozen=True)
class Deployment:
    """A stack that moto has made."""

    name: str
    clients: Clients

    @classmethod
    def create(
        cls, moto: Moto, account: Account, name: str, template: Path, parameters: Mapping[str, str]
    ) -> Deployment:
        """Make it; fails with CloudFormation's words."""
        clients = Clients(moto.url, account)
        made = cls(name, clients)
        # All accounts share the names of buckets.
        bucket = f"zips-{account.number}"
        parameters = {key: bucket if key == "FunctionsBucket" else each for key, each in parameters.items()}
        _upload(clients, bucket, template, parameters)
        clients("cloudformation").create_stack(
            StackName=name,
            # A body may have 51,200 bytes; a file in S3 a million.
            TemplateURL=f"https://{bucket}.s3.amazonaws.com/{template.name}",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        status = made.describe()["StackStatus"]
        assert status == "CREATE_COMPLETE", made.describe()
        return made

    def describe(self) -> Mapping[str, Any]:
        """What CloudFormation says of it."""
        answer = self.clients("cloudformation").describe_stacks(StackName=self.name)
        found: Mapping[str, Any] = answer["Stacks"][0]
        return found

    @functools.cached_property
    def outputs(self) -> dict[str, str]:
        """What it says in the end."""
        return {each["OutputKey"]: each["OutputValue"] for each in self.describe()["Outputs"]}

    @functools.cached_property
    def resources(self) -> dict[str, str]:
        """The physical ids by the logical ones."""
        answer = self.clients("cloudformation").list_stack_resources(StackName=self.name)
        found = answer["StackResourceSummaries"]
        # What a condition leaves out has no name.
        named = [each for each in found if each["LogicalResourceId"]]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in named}

    def delete(self) -> None:
        """Take it away; what is to be kept stays."""
        self.clients("cloudformation").delete_stack(StackName=self.name)

    def remove(self) -> None:
        """Take it away without a trace: the users' keys first, and what stays in the end."""
        made, kinds = self.resources, self._kinds()
        for user in (made[logical] for logical, kind in kinds.items() if kind == "AWS::IAM::User"):
            _delete_keys(self.clients("iam"), user)
        self.delete()
        for bucket in (made[logical] for logical, kind in kinds.items() if kind == "AWS::S3::Bucket"):
            _delete_bucket(self.clients("s3"), bucket)

    def _kinds(self) -> dict[str, str]:
        answer = self.clients("cloudformation").list_stack_resources(StackName=self.name)
        return {each["LogicalResourceId"]: each["ResourceType"] for each in answer["StackResourceSummaries"]}


def _delete_keys(iam: Any, user: str) -> None:
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])


def _delete_bucket(s3: Any, bucket: str) -> None:
    answer = s3.list_object_versions(Bucket=bucket)
    for each in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())):
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def _upload(clients: Clients, bucket: str, template: Path, parameters: Mapping[str, str]) -> None:
    """Put the template and two zips where the stack looks for them."""
    s3 = clients("s3")
    place = {"LocationConstraint": clients.account.region}
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    s3.put_object(Bucket=bucket, Key=template.name, Body=template.read_bytes())
    for name in ("TriggerKey", "ReportKey"):
        if name in parameters:
            s3.put_object(Bucket=bucket, Key=parameters[name], Body=empty_zip())


def empty_zip() -> bytes:
    """A function that does nothing."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    return into.getvalue()
