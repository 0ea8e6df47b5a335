"""Which hook a trigger belongs to. Nothing is taken from what Pagure passes: with a fork it mixes
the fork's CI type with the parent's address, token and password."""

from __future__ import annotations

from typing import Any

import pagure.lib.query
from pagure.hooks.pagure_ci import PagureCITable

from chela_pagure.settings import CI_TYPE


def of_project(session: Any, project_id: int) -> PagureCITable | None:
    """The project's own hook."""
    return (
        session.query(PagureCITable)
        .filter(PagureCITable.project_id == project_id)
        .populate_existing()
        .one_or_none()
    )


def unusable(project: Any, hook: Any, *, for_pull_request: bool) -> str | None:
    """Why nothing may be sent for this project; `None` if it may."""
    if project.private:
        return "the project is private"
    if hook is None or not hook.pagure_ci_token or not hook.ci_url:
        return "the project has no CI"
    if hook.ci_type != CI_TYPE:
        return f"the project's CI is of type {hook.ci_type}"
    wanted = hook.active_pr if for_pull_request else hook.active_commit
    return None if wanted else "the project's CI is off for this event"


def mixed(session: Any, arguments: dict[str, Any]) -> str | None:
    """Why Pagure's own trigger must not run: it would use another hook than the event's.

    For a pull request it takes the hook of the source's parent, for a push that of the fork's.
    """
    if arguments.get("pr_uid"):
        request = pagure.lib.query.get_request_by_uid(session, arguments["pr_uid"])
        if request is None:
            return None
        project = request.project if request.remote else request.project_from
        right = request.project
    else:
        project = right = by_fullname(session, arguments.get("project_name") or "")
    if project is None:
        return None
    used = project.parent if project.is_fork else project
    hook = used.ci_hook if used is not None else None
    if hook is None or not hook.pagure_ci_token:
        return "the hook that Pagure would use has no token"
    if hook.ci_type != arguments.get("ci_type"):
        return f"the hook that Pagure would use is of type {hook.ci_type}"
    if arguments.get("pr_uid") and used.id != right.id:
        return "the hook that Pagure would use is another project's"
    return None


def by_fullname(session: Any, fullname: str) -> Any:
    """The project with this full name (``forks/user/namespace/name``)."""
    from pagure.utils import split_project_fullname

    user, namespace, name = split_project_fullname(fullname)
    return pagure.lib.query._get_project(session, name, user=user, namespace=namespace)
