"""``/api/0/ci/webhook/…``: takes a report, or says in `application/problem+json` why not.

It answers before Pagure's own `before_request` runs: that one answers malformed JSON with an HTML
page, and tells an unknown project from others.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import flask
import pagure.lib.model_base
import pagure.lib.plugins
import pagure.lib.query
import pagure.utils
import pygit2
import sqlalchemy
from pagure.lib import model

from chela_pagure import _core, flags
from chela_pagure.settings import CI_TYPE

# The name from which Pagure's settings page builds the address.
ENDPOINT = "api_ns.webhook_ci_notification"
_PREFIX = "/api/0/ci/webhook"
RULES = (
    _PREFIX + "/<repo>",
    _PREFIX + "/<namespace>/<repo>",
    _PREFIX + "/forks/<username>/<repo>",
    _PREFIX + "/forks/<username>/<namespace>/<repo>",
)

_log = logging.getLogger(__name__)


class ProblemError(Exception):
    """An answer that says what is wrong: status, title, detail."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(status, title, detail)
        self.status, self.title, self.detail = status, title, detail


# One answer for every reason: nothing tells an unknown project from a wrong token.
_UNAUTHORIZED = (
    401,
    "Not authorized",
    "sign the report with the project's CI token (Standard Webhooks headers, sent within 5 "
    "minutes), or send it as Authorization: Bearer; check the project's name in the address",
)


def webhook_ci_notification(
    repo: str, username: str | None = None, namespace: str | None = None
) -> Any:
    """
    Report a build
    --------------
    Tells what became of a build of the CI type webhook: it sets the flag of its commit.

    ::

        POST /api/0/ci/webhook/<repo>
        POST /api/0/ci/webhook/<namespace>/<repo>

    ::

        POST /api/0/ci/webhook/forks/<username>/<repo>
        POST /api/0/ci/webhook/forks/<username>/<namespace>/<repo>

    The token is never part of the address: it signs the report (Standard Webhooks), or is sent as
    ``Authorization: Bearer``.
    """
    try:
        return _answer(200, _take(repo, username, namespace), "application/json")
    except ProblemError as problem:
        body = _core.problem(problem.status, problem.title, problem.detail)
        return _answer(problem.status, body, "application/problem+json")


def intercept() -> Any:
    """Answer a report before anything of Pagure looks at the request."""
    if flask.request.endpoint != ENDPOINT or flask.request.method != "POST":
        return None
    session()
    return webhook_ci_notification(**(flask.request.view_args or {}))


def session() -> Any:
    """The request's database session, also before Pagure has made it."""
    if not getattr(flask.g, "session", None):
        # Pagure's teardown removes it.
        flask.g.session = pagure.lib.model_base.create_session(flask.current_app.config["DB_URL"])
    return flask.g.session


def _take(repo: str, username: str | None, namespace: str | None) -> str:
    session = flask.g.session
    body = _body()
    names = (_storable(repo), _storable(username), _storable(namespace))
    project_id, token = _credentials(session, *names)
    headers = {name.lower(): value for name, value in flask.request.headers.items()}
    if not _core.authenticate(token, headers, body) or project_id is None:
        raise ProblemError(*_UNAUTHORIZED)
    try:
        report = _core.Report(flask.request.content_type, body)
        _known(session, project_id, report)
        change = flags.apply_report(session, project_id, report)
    except _core.InvalidReport as invalid:
        raise ProblemError(*invalid.args) from None
    except flags.NoHookError:
        raise ProblemError(*_UNAUTHORIZED) from None
    applied = change.write is not None
    _log.info("Report on %s: %s", report.commit, "applied" if applied else "not applied")
    return json.dumps({"applied": applied, "flag": json.loads(change.shows)})


def _body() -> bytes:
    """The body, unless it is too long: then nothing of the rest is read."""
    limit = _core.Report.MAX_BYTES
    too_long = ProblemError(413, "Too large", f"a report has at most {limit // 1024} KiB")
    if (flask.request.content_length or 0) > limit:
        raise too_long
    body: bytes = flask.request.stream.read(limit + 1)
    if len(body) > limit:
        raise too_long
    return body


def _storable(name: str | None) -> str | None:
    """No name has either character, but PostgreSQL's driver raises at a NUL."""
    return name and name.replace("\0", "\ufffd")


def _credentials(
    session: Any, repo: str | None, username: str | None, namespace: str | None
) -> tuple[int | None, str | None]:
    """The project's number and CI token, in one query whether there is such a project or not."""
    from pagure.hooks.pagure_ci import PagureCITable

    query = (
        session.query(model.Project.id, PagureCITable.pagure_ci_token)
        .outerjoin(
            PagureCITable,
            sqlalchemy.and_(
                PagureCITable.project_id == model.Project.id, PagureCITable.ci_type == CI_TYPE
            ),
        )
        .join(model.User, model.User.id == model.Project.user_id)
        .filter(model.Project.name == repo, model.Project.namespace == namespace)
        .filter(model.Project.is_fork.is_(username is not None))
    )
    if username is not None:
        query = query.filter(model.User.user == username)
    found = query.first()
    return (found[0], found[1]) if found is not None else (None, None)


def _known(session: Any, project_id: int, report: _core.Report) -> None:
    """The commit is in the project or in the pull request's source, or this raises a 404."""
    project = session.query(model.Project).filter(model.Project.id == project_id).one()
    repositories = [project]
    request = None
    if report.pull_request is not None:
        request = pagure.lib.query.search_pull_requests(
            session, project_id=project_id, requestid=report.pull_request
        )
        if request is None:
            detail = f"data.pull_request: the project has no pull request {report.pull_request}"
            raise ProblemError(404, "Unknown pull request", detail)
        if request.project_from is not None:
            repositories.append(request.project_from)
    # A remote pull request's commits may not have been fetched into any repository yet.
    if request is not None and report.commit == request.commit_stop:
        return
    if not any(_has(repository, report.commit) for repository in repositories):
        detail = "data.commit: neither the project nor the pull request's source has this commit"
        raise ProblemError(404, "Unknown commit", detail)


def _has(project: Any, commit: str) -> bool:
    try:
        found = pygit2.Repository(pagure.utils.get_repo_path(project)).get(commit)
    except (KeyError, ValueError, pygit2.GitError):
        return False
    return isinstance(found, pygit2.Commit)


def _answer(status: int, body: str, content_type: str) -> Any:
    return flask.Response(body, status=status, content_type=content_type)
