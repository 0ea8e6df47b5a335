"""What the services' events have in common, and how they name people and roles."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from chela_bed.aws.account import Account


def event(
    account: Account, kind: tuple[str, str], resource: str, time: datetime, detail: dict[str, Any]
) -> dict[str, Any]:
    """An event as EventBridge has it, its time cut to seconds; `kind` is its source and its detail type."""
    source, detail_type = kind
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account.number,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": account.region,
        "resources": [resource],
        "detail": detail,
    }


def who(caller: str) -> str:
    """A caller as the services name him: `user`, or `role/session`."""
    return caller.rpartition(":")[2].partition("/")[2]


def role(account: Account, name: str) -> str:
    """The ARN of a role."""
    return f"arn:{account.partition}:iam::{account.number}:role/{name}"
