"""In a Celery worker: takes over Pagure's trigger for this CI type, and registers the delivery.

Celery imports this module before its processes fork. A worker may run either of Pagure's two
Celery applications, each with its own instance of a task, so both are treated.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import pagure.lib.model_base
import pagure.lib.plugins
import pagure.lib.tasks
import pagure.lib.tasks_services
from pagure.config import config

from chela_pagure import delivery, hooks, limits, requester, throttle, trigger, updates
from chela_pagure.settings import CI_TYPE

# What Pagure's trigger is called with, in order.
_TRIGGER_ARGUMENTS = ("cause", "branch", "branch_to", "ci_type", "project_name", "pr_uid")
# How long a trigger waits for what is not in the database yet: the last wait is half a minute.
_PATIENCE_SECONDS = (1, 1, 2, 4, 8, 15, 30)
# A step that failed for a reason of our own (the database is down) is tried again after 5 s, then
# 10, up to 15 minutes, for a day.
_TROUBLES = 100

_log = logging.getLogger(__name__)

Work = Callable[[Any], None]


def _with_session(work: Work) -> None:
    session = pagure.lib.model_base.create_session(config["DB_URL"])
    try:
        # Makes `Project.ci_hook` known.
        pagure.lib.plugins.get_plugin("Pagure CI").db_object()
        work(session)
    except BaseException:
        session.rollback()
        raise
    finally:
        session.remove()


def _triggered(task: Any, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    arguments = {**dict(zip(_TRIGGER_ARGUMENTS, args)), **kwargs}
    if arguments.get("ci_type") == CI_TYPE:
        _with_session(lambda session: _prepare(session, task, arguments))
        return None
    refused: list[str] = []
    _with_session(lambda session: refused.extend(filter(None, [hooks.mixed(session, arguments)])))
    if refused:
        _log.warning("Not triggered, CI type %s: %s", arguments.get("ci_type"), refused[0])
        return None
    return original(*args, **kwargs)


def _prepare(session: Any, task: Any, arguments: dict[str, Any]) -> None:
    capture = requester.captured(task.request)
    looks = capture.get("looks", 0)
    patient = looks < len(_PATIENCE_SECONDS)
    try:
        parcel = trigger.prepare(session, arguments, capture, patient=patient)
    except trigger.NotYetError as missing:
        if not patient:
            _log.warning("Nothing is built: there is still %s", missing)
            return
        later = {**capture, "looks": looks + 1}
        _publish(task, arguments, _PATIENCE_SECONDS[looks], later)
    except Exception:
        session.rollback()
        troubles = _trouble(capture, "A trigger could not be looked up")
        if troubles:
            _publish(task, arguments, _pause(troubles), {**capture, "troubles": troubles})
    else:
        if parcel is not None:
            _publish(task.app.tasks[delivery.NAME], parcel, 0)


def _deliver(task: Any, **arguments: Any) -> None:
    def publish(following: dict[str, Any], seconds: int) -> None:
        _publish(task, following, seconds)

    def step(session: Any) -> None:
        try:
            delivery.run(session, arguments, publish)
        except Exception:
            session.rollback()
            troubles = _trouble(arguments, "A step of a delivery failed")
            if troubles:
                publish({**arguments, "troubles": troubles}, _pause(troubles))

    _with_session(step)


def _trouble(carried: dict[str, Any], what: str) -> int:
    """How many times something of our own has failed now; 0 if it is given up."""
    troubles: int = carried.get("troubles", 0) + 1
    given_up = troubles > _TROUBLES
    _log.exception("%s; %s", what, "given up" if given_up else "it is tried again")
    return 0 if given_up else troubles


def _pause(troubles: int) -> int:
    return min(900, 5 << min(troubles - 1, 8))


def _publish(task: Any, arguments: dict[str, Any], seconds: int, capture: Any = None) -> None:
    headers = {requester.HEADER: requester.written(capture)} if capture else {}
    task.apply_async(kwargs=arguments, countdown=seconds or None, headers=headers)


def _install(app: Any) -> None:
    task = app.tasks[requester.TRIGGER]
    # A message is done when its work is: a worker that dies in between loses no build.
    task.acks_late = True
    task.reject_on_worker_lost = True
    task.run = functools.partial(_triggered, task, task.run)
    app.task(
        _deliver,
        name=delivery.NAME,
        bind=True,
        shared=False,
        acks_late=True,
        reject_on_worker_lost=True,
        ignore_result=True,
        queue=config.get("CI_CELERY_QUEUE"),
    )


# A bad entry among the administrator's limits stops the worker now, with its name.
limits.policy()
throttle.prepare()
updates.install()
for _app in (pagure.lib.tasks.conn, pagure.lib.tasks_services.conn):
    _install(_app)
