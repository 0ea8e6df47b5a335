"""Who made Pagure ask for a build: captured where the person acts, carried in a task's headers.

By the time a worker looks, somebody else may have commented or pushed. Pagure itself passes no
name, and an update that somebody's page view discovers carries the author's.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import celery.signals

from chela_pagure import _core

TRIGGER = "pagure.lib.tasks_services.trigger_ci_build"
UPDATE = "pagure.lib.tasks.update_pull_request"
LINK = "pagure.lib.tasks.link_pr_to_ticket"
HEADER = "chela"

# Views in which a person opens a pull request, and in which one asks for a rebuild. Others may
# discover an update while they merely show something: nobody's wish.
_OPENING = frozenset(
    ["ui_ns.new_request_pull", "ui_ns.new_remote_request_pull", "api_ns.api_pull_request_create"]
)
_REBUILDING = frozenset(
    [
        "ui_ns.pull_request_add_comment",
        "ui_ns.ci_trigger_request_pull",
        "ui_ns.merge_request_pull",
    ]
)

# What Pagure's git hook starts after a push to a pull request's branch. Either may find the update.
_UPDATING = frozenset([UPDATE, LINK])

_log = logging.getLogger(__name__)

Capture = dict[str, Any]


def connect() -> None:
    """Watch every task that this process publishes."""
    celery.signals.before_task_publish.connect(_capture, dispatch_uid="chela_pagure")


def captured(request: Any) -> Capture:
    """What was captured for the task whose request this is: ``build_id`` and perhaps ``by``."""
    header = getattr(request, HEADER, None)
    found: Capture = json.loads(header) if header else {}
    found.setdefault("build_id", _core.new_build_id())
    return found


def written(capture: Capture) -> str:
    """What `captured` reads."""
    return json.dumps(capture)


def _capture(sender: str | None = None, headers: Any = None, body: Any = None, **_: object) -> None:
    if sender not in {TRIGGER, *_UPDATING} or headers is None or HEADER in headers:
        return
    capture: Capture = {"build_id": _core.new_build_id()}
    try:
        by = _who(sender, body[1])
        if by is not None:
            capture["by"] = {"at": _at(), **by}
    except Exception:
        # Nobody's push or click may fail because of this; without a name, nobody is trusted.
        _log.exception("Who asked for this build could not be found out")
    headers[HEADER] = written(capture)


def _who(sender: str, arguments: dict[str, Any]) -> Capture | None:
    import flask
    from celery import current_task

    if flask.has_request_context():
        return _in_a_view(sender, arguments)
    if current_task:
        # A task that an update started: whoever pushed it was captured in the git hook.
        header = getattr(current_task.request, HEADER, None)
        by: Capture | None = json.loads(header).get("by") if header else None
        return by if current_task.name in _UPDATING else None
    return _in_a_hook(sender, arguments)


def _in_a_view(sender: str, arguments: dict[str, Any]) -> Capture | None:
    import flask
    from pagure.lib import model

    endpoint = flask.request.endpoint
    reason = "opened" if endpoint in _OPENING else "rebuild" if endpoint in _REBUILDING else None
    user = getattr(flask.g, "fas_user", None)
    if sender != TRIGGER or reason is None or user is None:
        return None
    session = flask.g.session
    with session.no_autoflush:
        head = (
            session.query(model.PullRequest.commit_stop)
            .filter(model.PullRequest.uid == arguments.get("pr_uid"))
            .scalar()
        )
    return {"user": user.username, "reason": reason, "commit": head}


def _in_a_hook(sender: str, arguments: dict[str, Any]) -> Capture | None:
    user = os.environ.get("GL_USER")
    if not user:
        return None
    if sender == TRIGGER:
        return {"user": user, "reason": "pushed", "commit": arguments.get("cause")}
    if "pull_request_uid" in os.environ:
        # Pagure rebases whatever the author has pushed until then: whoever asked for that has not
        # seen the commit. (It also finds the update by itself, in nobody's name: which of the two
        # comes first is chance.)
        return None
    return {"user": user, "reason": "updated", "commit": _pushed_commit()}


def _pushed_commit() -> str | None:
    """The new head that pagure's post-receive hook is busy with.

    Pagure passes it to nobody, and the branch may have moved on since.
    """
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "pagure.hooks.default":
            commit = frame.f_locals.get("newrev")
            if isinstance(commit, str):
                return commit
        frame = frame.f_back  # type: ignore[assignment]
    return None


def _at() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
