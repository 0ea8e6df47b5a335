"""Rows of ``commit_flags``: read, handed to the core's rules, written in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pagure.lib.notify
import pagure.lib.query
import sqlalchemy.exc
from pagure.config import config
from pagure.lib import model

from chela_pagure import _core

_EPOCH = datetime(1970, 1, 1)
_TRIES = 5

_log = logging.getLogger(__name__)


class NoHookError(Exception):
    """The project has no CI hook any more."""


def apply_report(session: Any, project_id: int, report: _core.Report) -> _core.Change:
    """Show a report. Raises `NoHookError` or `InvalidReport`; then nothing is stored."""
    return _apply(
        session,
        project_id,
        report.commit,
        report.pull_request,
        None,
        lambda subject, rows: subject.report(rows, report),
    )


def apply_step(  # noqa: PLR0913 - one step has as many sides
    session: Any,
    project_id: int,
    parcel: _core.Parcel,
    *,
    committer: bool,
    step: str,
    attempts: int,
    url: str,
    comment: str,
    percent: int | None = None,
) -> str | None:
    """Take a step of a delivery and show it; returns why the delivery is over, if it is."""
    if parcel.commit is None:
        return None  # without a commit there is nothing to flag
    change = _apply(
        session,
        project_id,
        parcel.commit,
        parcel.pull_request,
        # Its flag keeps its name, whatever the settings say by now.
        parcel.job,
        lambda subject, rows: subject.delivery(
            rows,
            build_id=parcel.build_id,
            committer=committer,
            step=step,
            attempts=attempts,
            url=url,
            comment=comment,
            percent=percent,
        ),
    )
    return change.over


def _apply(  # noqa: PLR0913, PLR0917 - what a flag is of
    session: Any,
    project_id: int,
    commit: str,
    pull_request: int | None,
    job: str | None,
    decide: Callable[[_core.Subject, list[_core.Row]], _core.Change],
) -> _core.Change:
    for left in reversed(range(_TRIES)):
        try:
            set_job = _lock(session, project_id)
            own_job = set_job if job is None else job
            if own_job is None:
                raise NoHookError
            subject = _core.Subject(
                secret=config["SECRET_KEY"],
                project=project_id,
                commit=commit,
                pull_request=pull_request,
                job=own_job,
                whole_seconds=session.get_bind().dialect.name in ("mysql", "mariadb"),
            )
            change = decide(subject, _rows(session, project_id, commit))
            _store(session, project_id, commit, change)
            session.commit()
        except (sqlalchemy.exc.IntegrityError, sqlalchemy.exc.OperationalError):
            # A deadlock, a busy SQLite, or another writer of the same row: look again.
            session.rollback()
            if not left:
                raise
        except BaseException:
            session.rollback()
            raise
        else:
            if change.write is not None and change.write.notify:
                _notify(session, project_id, commit, pull_request, change.write)
            return change
    raise AssertionError("the last try returns or raises")


def _lock(session: Any, project_id: int) -> str | None:
    """Make every change of a project's flags wait for the one before; returns its job, if any.

    Writing the hook's row locks it on every database; `SELECT … FOR UPDATE` does not on SQLite.
    It is the first statement of its transaction: what is read afterwards is not an older state.
    """
    from pagure.hooks.pagure_ci import PagureCITable

    session.rollback()
    hooks = session.query(PagureCITable).filter(PagureCITable.project_id == project_id)
    if not hooks.update({"project_id": project_id}, synchronize_session=False):
        # Switched off: only deliveries that end have something to say, and one writer each.
        return None
    job: str = hooks.with_entities(PagureCITable.ci_job).scalar() or ""
    return job.strip()


def _rows(session: Any, project_id: int, commit: str) -> list[_core.Row]:
    flag = model.CommitFlag
    found = (
        session.query(
            flag.uid,
            flag.username,
            flag.date_created,
            flag.date_updated,
            flag.status,
            flag.percent,
            flag.url,
            flag.comment,
        )
        .filter(flag.project_id == project_id, flag.commit_hash == commit)
        .all()
    )
    return [
        (uid, name, _micros(created), _micros(updated), status, percent, url, comment)
        for uid, name, created, updated, status, percent, url, comment in found
    ]


def _store(session: Any, project_id: int, commit: str, change: _core.Change) -> None:
    flags = session.query(model.CommitFlag).filter(
        model.CommitFlag.project_id == project_id, model.CommitFlag.commit_hash == commit
    )
    if change.remove is not None:
        flags.filter(model.CommitFlag.uid == change.remove).delete(synchronize_session=False)
    write = change.write
    if write is None:
        return
    values = {
        "username": write.context,
        "status": write.status,
        "percent": write.percent,
        "comment": write.comment,
        "url": write.url,
        "date_created": _datetime(write.created),
        # Given even where it stays as it is: the model's own value would be the clock's.
        "date_updated": _datetime(write.updated),
    }
    if not write.new:
        flags.filter(model.CommitFlag.uid == write.uid).update(values, synchronize_session=False)
        return
    owner = session.query(model.Project.user_id).filter(model.Project.id == project_id)
    session.add(
        model.CommitFlag(
            uid=write.uid,
            project_id=project_id,
            commit_hash=commit,
            user_id=owner.scalar(),
            **values,
        )
    )
    session.flush()


def _notify(
    session: Any, project_id: int, commit: str, pull_request: int | None, write: _core.Write
) -> None:
    """Tell the project's followers and its web-hooks, as Pagure does for a flag of its own."""
    try:
        project = session.query(model.Project).filter(model.Project.id == project_id).one()
        flag = pagure.lib.query.get_commit_flag_by_uid(session, commit, write.uid)
        request = _request(session, project, commit, pull_request)
        action = "added" if write.new else "updated"
        agent = project.user.username
        shown = flag.to_json(public=True)
        if project.settings.get("notify_on_commit_flag"):
            pagure.lib.notify.notify_commit_flag(flag, write.context)
        repo = project.to_json(public=True)
        message = {"repo": repo, "flag": shown, "agent": agent}
        pagure.lib.notify.log(project, topic=f"commit.flag.{action}", msg=message)
        if request is None:
            return
        if project.settings.get("notify_on_pull-request_flag"):
            pagure.lib.notify.notify_pull_request_flag(flag, request, write.context)
        message = {"pullrequest": request.to_json(public=True), "flag": shown, "agent": agent}
        pagure.lib.notify.log(project, topic=f"pull-request.flag.{action}", msg=message)
    except Exception:
        # The flag stands; a mail server or broker that is down must not make a sender repeat it.
        _log.exception("Nobody could be told of a flag on %s", commit)
    finally:
        session.rollback()


def _request(session: Any, project: Any, commit: str, pull_request: int | None) -> Any:
    """The pull request, if the commit is still its head."""
    if pull_request is None:
        return None
    request = pagure.lib.query.search_pull_requests(
        session, project_id=project.id, requestid=pull_request
    )
    return request if request is not None and request.commit_stop == commit else None


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _datetime(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
