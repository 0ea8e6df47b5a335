"""What the front and the services behind it say to each other: members in, members or an error out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Members = Mapping[str, Any]


class ServiceError(Exception):
    """An answer of a service that is an error, with the code that SDKs read."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Service(Protocol):
    """A service that lives in this process, as the stand-in for CodeBuild and CodePipeline does.

    The front has verified the signature, evaluated the caller's policies and validated the members
    against botocore's model before it calls.
    """

    def handle(self, service: str, operation: str, params: Members, caller: str) -> Members:
        """Answer e.g. ("codebuild", "StartBuild", {...}) with the answer's members, JSON's types alone
        (times are seconds since 1970), to the principal `caller`, or raise a `ServiceError`."""
