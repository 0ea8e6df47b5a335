"""A bucket of a stack as its owner sees it, past the front."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bucket:
    """One bucket."""

    name: str
    s3: Any

    @classmethod
    def create(cls, s3: Any, name: str, region: str, *, versioned: bool = False) -> Bucket:
        """Make a bucket."""
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return cls(name, s3)

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin so."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key: str, version: str | None = None) -> bytes:
        """An object's content."""
        which = {"VersionId": version} if version else {}
        content: bytes = self.s3.get_object(Bucket=self.name, Key=key, **which)["Body"].read()
        return content

    def json(self, key: str) -> Any:
        """An object that is JSON."""
        return json.loads(self.read(key))

    def write(self, key: str, content: bytes | str) -> None:
        """Put an object there."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def versions(self, key: str) -> list[str]:
        """An object's versions, the newest first."""
        answer = self.s3.list_object_versions(Bucket=self.name, Prefix=key)
        return [entry["VersionId"] for entry in answer.get("Versions", []) if entry["Key"] == key]

    def uploads(self) -> list[str]:
        """Multipart uploads that nobody has completed."""
        answer = self.s3.list_multipart_uploads(Bucket=self.name)
        return [entry["Key"] for entry in answer.get("Uploads", [])]
