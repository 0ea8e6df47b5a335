"""The way of a source out of S3 into a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError


class SourceError(Exception):
    """The source cannot be had; the text is what the service says of it."""


@dataclass(frozen=True)
class Fetched:
    """Which object it was."""

    version: str
    etag: str


class Sources(Protocol):
    """Gets objects, and puts them, with the rights of a role."""

    def fetch(self, role: str, location: tuple[str, str], version: str | None, to: Path) -> Fetched:
        """Write the object at `location` (bucket and key) into `to`, or raise a `SourceError`."""

    def store(self, role: str, location: tuple[str, str], content: Path) -> None:
        """Write an object, or raise a `SourceError`."""


@dataclass
class S3Sources:
    """Out of S3; `client` makes a role's S3 client, by the role's ARN."""

    client: Callable[[str], Any]

    def fetch(self, role: str, location: tuple[str, str], version: str | None, to: Path) -> Fetched:
        bucket, key = location
        wanted = {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
        try:
            answer = self.client(role).get_object(**wanted)
        except ClientError as error:
            raise SourceError(_sentence(error)) from error
        with to.open("wb") as file:
            for chunk in answer["Body"].iter_chunks(1 << 20):
                file.write(chunk)
        return Fetched(answer.get("VersionId", "null"), answer["ETag"].strip('"'))

    def store(self, role: str, location: tuple[str, str], content: Path) -> None:
        bucket, key = location
        try:
            self.client(role).put_object(Bucket=bucket, Key=key, Body=content.read_bytes())
        except ClientError as error:
            raise SourceError(_sentence(error)) from error


def _sentence(error: ClientError) -> str:
    said = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return f"{said['Code']}: {said.get('Message', '')}, status code: {status}"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack as an ordinary unzipper does, with modes and links; any complaint of it is an error."""
    folder.mkdir(mode=0o755)
    command = ["unzip", "-q", str(archive), "-d", str(folder)]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    unzipped = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if unzipped.returncode != 0:
        said = (unzipped.stderr + unzipped.stdout).decode(errors="replace").strip()
        raise SourceError(f"cannot unzip the source: {said}")
