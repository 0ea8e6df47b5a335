"""The task that delivers a build request: one attempt, or one pause of at most 15 minutes.

Its message carries ids and the unsigned body, never credentials: each attempt reads the hook anew.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import pagure.lib.query
from pagure.lib import model

from chela_pagure import _core, flags, hooks, limits, throttle

NAME = "chela_pagure.deliver"

_log = logging.getLogger(__name__)


def run(session: Any, arguments: dict[str, Any], publish: Any) -> None:
    """Take the next step; `publish(arguments, seconds)` asks for the one after it."""
    parcel = _core.Parcel(arguments["body"])
    pause = _core.Parcel.pause(arguments.get("not_before", 0))
    if pause:
        publish(arguments, pause)
        return
    project_id = arguments["project_id"]
    project = session.query(model.Project).filter(model.Project.id == project_id).one_or_none()
    if project is None:
        _log.info("Build %s is not sent: the project is gone", parcel.build_id)
        return
    hook = hooks.of_project(session, project_id)
    stop = _stop(session, project, hook, parcel, arguments)
    if hook is None or stop is not None:
        _step(session, arguments, parcel, step="canceled", comment=stop or _core.CHANGED)
        return
    rests = throttle.shared().wait(hook.ci_url, project_id)
    if rests:
        publish(arguments, min(900, -(-rests // 1000)))
        return
    over = _step(session, arguments, parcel, step="look", comment="")
    if over:
        _log.info("Build %s is over before its next attempt: %s", parcel.build_id, over)
        return
    outcome = _attempt(session, project_id, parcel, arguments)
    if outcome is not None:
        _conclude(session, arguments, parcel, outcome, publish)


def _stop(
    session: Any, project: Any, hook: Any, parcel: _core.Parcel, arguments: dict[str, Any]
) -> str | None:
    """What the flag says if the build is not wanted any more."""
    if hooks.unusable(project, hook, for_pull_request=parcel.pull_request is not None):
        return _core.CHANGED
    if _core.settings_digest(hook.ci_url, hook.ci_job) != arguments["settings"]:
        return _core.CHANGED
    if parcel.commit and arguments["pr_uid"]:
        request = pagure.lib.query.get_request_by_uid(session, arguments["pr_uid"])
        head = request.commit_stop if request is not None else None
        if request is None or (head and head != parcel.commit):
            return _core.SUPERSEDED
    return None


def _attempt(
    session: Any, project_id: int, parcel: _core.Parcel, arguments: dict[str, Any]
) -> _core.Outcome | None:
    hook = hooks.of_project(session, project_id)
    if hook is None or not hook.pagure_ci_token:
        return None
    url, credentials = hook.ci_url, (hook.ci_username, hook.ci_password, hook.pagure_ci_token)
    # No transaction stays open while the CI service takes its time.
    session.rollback()
    username, password, token = credentials
    started = time.monotonic()
    outcome = _core.attempt(
        parcel,
        arguments["body"],
        ci_url=url,
        username=username or None,
        password=password or None,
        token=token,
        attempts=arguments.get("attempts", 0),
        policy=limits.policy(),
    )
    took = time.monotonic() - started
    throttle.shared().record(url, project_id, took, failed=outcome.step == "waiting")
    _log.info("Build %s: %s (%s)", parcel.build_id, outcome.step, outcome.comment)
    return outcome


def _conclude(
    session: Any,
    arguments: dict[str, Any],
    parcel: _core.Parcel,
    outcome: _core.Outcome,
    publish: Any,
) -> None:
    attempts = arguments.get("attempts", 0) + 1
    if outcome.not_before is not None:
        # First the next message, then the flag: whoever finds the flag's count ahead of its own
        # knows that the next message is there.
        following = {**arguments, "attempts": attempts, "not_before": outcome.not_before}
        publish(following, _core.Parcel.pause(outcome.not_before))
    _step(
        session,
        {**arguments, "attempts": attempts},
        parcel,
        step=outcome.step,
        comment=outcome.comment,
        url=outcome.url,
        percent=outcome.percent,
    )


def _step(  # noqa: PLR0913
    session: Any,
    arguments: dict[str, Any],
    parcel: _core.Parcel,
    *,
    step: str,
    comment: str,
    url: str | None = None,
    percent: int | None = None,
) -> str | None:
    return flags.apply_step(
        session,
        arguments["project_id"],
        parcel,
        committer=arguments["committer"],
        step=step,
        attempts=arguments.get("attempts", 0),
        url=url or arguments["page"],
        comment=comment,
        percent=percent,
    )
