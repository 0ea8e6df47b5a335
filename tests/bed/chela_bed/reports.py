"""Reports to Pagure, as a CI service sends them."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import requests
from standardwebhooks.webhooks import Webhook

from chela_bed.client import TIMEOUT
from chela_bed.project import Project


def report(
    commit: str, status: str, build_id: str | None = None, at: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """A `build.reported` message; `more` are further members of its data, such as `pull_request`."""
    data = {"commit": commit, "status": status, "url": "https://ci.example.org/log", **more}
    if build_id is not None:
        data["build_id"] = build_id
    moment = (at or datetime.now(timezone.utc)).isoformat(timespec="microseconds")
    return {"type": "build.reported", "timestamp": moment, "data": data}


def signature(token: str, body: str, at: datetime | None = None, ident: str | None = None) -> dict[str, str]:
    """The Standard Webhooks headers of a body, made by the official library."""
    moment = at or datetime.now(timezone.utc)
    name = ident or str(uuid.uuid4())
    key = base64.b64encode(token.encode()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(key).sign(name, moment, body),
    }


def post(
    url: str, project: Project, body: str | bytes, headers: Mapping[str, str], kind: str = "application/json"
) -> requests.Response:
    """Send a body, right or wrong, to the route of a project; whatever comes back."""
    address = f"{url}/api/0/ci/webhook/{project.fullname}"
    return requests.post(address, data=body, headers={"Content-Type": kind, **headers}, timeout=TIMEOUT)


def send(url: str, project: Project, token: str, message: Mapping[str, Any]) -> requests.Response:
    """Send a signed report."""
    body = json.dumps(message)
    return post(url, project, body, signature(token, body))
