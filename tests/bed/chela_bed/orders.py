"""Build requests, as the plugin sends them, for tests of a receiver that need no Pagure to ask."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import requests

from chela_bed import reports
from chela_bed.client import TIMEOUT
from chela_bed.project import Project

Message = dict[str, Any]


def fresh_id() -> str:
    """A UUIDv7 of now (RFC 9562, section 5.7)."""
    value = time.time_ns() // 1_000_000 << 80 | 7 << 76 | int.from_bytes(os.urandom(10), "big") & ~(0xF << 76)
    return str(uuid.UUID(int=value & ~(0b11 << 62) | 0b10 << 62))


def moment(micros: int) -> str:
    """Microseconds since 1970, as messages write them."""
    at = datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=micros)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def order(
    pagure: str,
    git: str,
    project: Project,
    commit: str,
    *,
    branch: str = "topic",
    job: str = "local/test",
    user: str = "alice",
    can_push: bool = True,
    reason: str = "pushed",
    **more: Any,
) -> Message:
    """A `build.requested` message of now for a pushed commit; `more` are further members of its data."""
    now = moment(time.time_ns() // 1000)
    data = {
        "build_id": fresh_id(),
        "job": job,
        "event": "pull_request" if "pull_request" in more else "commit",
        "project": {
            "name": project.name,
            "namespace": project.namespace,
            "fullname": project.fullname,
            "url": f"{pagure}/{project.web}",
        },
        "source": {"clone_url": f"{git}/{project.fullname}.git", "branch": branch, "commit": commit},
        "requested_by": {"user": user, "can_push": can_push, "reason": reason, "at": now},
        "report_url": f"{pagure}/api/0/ci/webhook/{project.fullname}",
    }
    return {"type": "build.requested", "timestamp": now, "data": data | more}


def build_id(message: Message) -> str:
    """The build that a message asks for."""
    found: str = message["data"]["build_id"]
    return found


def headers(message: Message, body: str, token: str) -> dict[str, str]:
    """The signature of a request, as of now."""
    return reports.signature(token, body, ident=build_id(message))


def post(url: str, body: str | bytes, signed: Mapping[str, str]) -> requests.Response:
    """Send a body, right or wrong, to a receiver; whatever it answers."""
    kind = {"Content-Type": "application/json"}
    return requests.post(f"{url}/hook", data=body, headers={**kind, **signed}, timeout=TIMEOUT)


def send(url: str, token: str, message: Message) -> requests.Response:
    """Send a signed request."""
    body = json.dumps(message)
    return post(url, body, headers(message, body, token))
