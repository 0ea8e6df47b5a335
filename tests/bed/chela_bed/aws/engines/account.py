"""Where the services are, and the names of things there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Account:
    """One account in one region."""

    number: str = "123456789012"
    region: str = "eu-west-1"
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"

    def role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.number}:role/{name}"

    def event(
        self, kind: tuple[str, str], resource: str, time: datetime, detail: dict[str, Any]
    ) -> dict[str, Any]:
        """An event as EventBridge has it, its time cut to seconds; `kind` is its source and its detail type."""
        source, detail_type = kind
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self.number,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": [resource],
            "detail": detail,
        }


def who(caller: str) -> str:
    """A caller as the services name him: `user`, or `role/session`."""
    return caller.rpartition(":")[2].partition("/")[2]
