"""From Pagure's trigger to a delivery: looks up what Pagure does not pass."""

from __future__ import annotations

import json
import logging
from typing import Any

import pagure.lib.query
import pagure.utils
import pygit2
from pagure.config import config

from chela_pagure import _core, flags, hooks, limits

_log = logging.getLogger(__name__)


class NotYetError(Exception):
    """Something is not in the database yet: Pagure queues triggers before it commits."""


def prepare(
    session: Any, arguments: dict[str, Any], capture: dict[str, Any], *, patient: bool
) -> dict[str, Any] | None:
    """The arguments of the delivery that this trigger asks for; `None` if there is none.

    While `patient`, raises `NotYetError` where a later look may find more.
    """
    request = None
    if arguments.get("pr_uid"):
        request = pagure.lib.query.get_request_by_uid(session, arguments["pr_uid"])
        if request is None:
            raise NotYetError(f"no pull request {arguments['pr_uid']}")
        project = request.project
    else:
        project = hooks.by_fullname(session, arguments.get("project_name") or "")
    if project is None:
        _log.warning("No project %s to build", arguments.get("project_name"))
        return None
    hook = hooks.of_project(session, project.id)
    reason = hooks.unusable(project, hook, for_pull_request=request is not None)
    if request is not None and request.status != "Open":
        # Pagure asks again for closed ones too, when somebody clicks on "rebuild".
        reason = f"pull request {request.id} is not open"
    if reason or hook is None:
        _log.info("Nothing is built for %s: %s", project.fullname, reason)
        return None
    head = _head(request, patient=patient) if request else arguments.get("cause")
    facts = _facts(session, project, request, arguments, head, capture)
    facts["job"] = hook.ci_job or ""
    try:
        wanted = _core.wanted(json.dumps(facts))
    except ValueError as error:
        _log.error("Nothing is built for %s: %s", project.fullname, error)
        return None
    return _begin(session, project, request, hook, wanted)


def _begin(
    session: Any, project: Any, request: Any, hook: Any, wanted: _core.Wanted
) -> dict[str, Any] | None:
    parcel = _core.Parcel(wanted.body)
    name, project_id = project.fullname, project.id
    arguments = {
        "project_id": project_id,
        "pr_uid": request.uid if request else None,
        "body": wanted.body,
        "page": wanted.page,
        "committer": wanted.committer,
        "settings": _core.settings_digest(hook.ci_url, hook.ci_job),
    }
    over = flags.apply_step(
        session,
        project_id,
        parcel,
        committer=wanted.committer,
        step="begin",
        attempts=0,
        url=wanted.page,
        comment=_core.WAITING,
    )
    if over:
        _log.info("Build %s of %s is not sent: %s", parcel.build_id, name, over)
        return None
    _log.info("Build %s of %s is wanted", parcel.build_id, name)
    return arguments


def _facts(  # noqa: PLR0913, PLR0917 - what a trigger is made of
    session: Any,
    project: Any,
    request: Any,
    arguments: dict[str, Any],
    head: str | None,
    capture: dict[str, Any],
) -> dict[str, Any]:
    target = request.branch if request else arguments["branch"]
    refname, is_tag = _refname(project, arguments["branch"], request, head)
    by = capture.get("by")
    if by is not None:
        by = {**by, "can_push": _can_push(session, project, target, by["user"])}
    facts = {
        "build_id": capture["build_id"],
        "app_url": config["APP_URL"],
        "clone_base": limits.clone_base(),
        "project": _repository(project),
        "source": {"project": _repository(project)},
        "refname": refname,
        "is_tag": is_tag,
        "head": head,
        "captured": by,
        "pull_request": None,
    }
    if request is None:
        return facts
    author = request.user.username
    facts["pull_request"] = {
        "id": request.id,
        "title": request.title or "",
        "author": author,
        "author_can_push": _can_push(session, project, target, author),
        "target_branch": target,
    }
    if request.remote:
        facts["source"] = {"remote": request.remote_git}
    else:
        facts["source"] = {"project": _repository(request.project_from)}
    return facts


def _repository(project: Any) -> dict[str, str | None]:
    return {
        "username": project.user.user if project.is_fork else None,
        "namespace": project.namespace,
        "name": project.name,
    }


def _head(request: Any, *, patient: bool) -> str | None:
    """The pull request's newest commit, as Pagure has it."""
    if request.commit_stop:
        head: str = request.commit_stop
        return head
    if patient:
        raise NotYetError(f"no commit of pull request {request.uid}")
    if request.remote or request.project_from is None:
        return None
    # A pull request without a diff never gets one: its branch still has a head.
    repository = pygit2.Repository(pagure.utils.get_repo_path(request.project_from))
    branch = repository.lookup_branch(request.branch_from)
    return str(branch.peel().id) if branch is not None else None


def _refname(project: Any, branch: str, request: Any, head: str | None) -> tuple[str, bool]:
    """The name, and whether it is a tag: Pagure names a pushed tag like a branch."""
    if request is not None:
        return request.branch_from, False
    name = branch[len("refs/tags/") :] if branch.startswith("refs/tags/") else branch
    repository = pygit2.Repository(pagure.utils.get_repo_path(project))
    if f"refs/heads/{name}" in repository.references:
        return name, False
    tag = f"refs/tags/{name}"
    if tag not in repository.references:
        return name, False
    # A tag may have the name of a branch that is gone by now.
    return name, str(repository.references[tag].peel(pygit2.Commit).id) == head


def _can_push(session: Any, project: Any, branch: str, username: str) -> bool:
    """Whether Pagure lets this user push to this branch."""
    return bool(
        pagure.utils.is_repo_collaborator(
            project, f"refs/heads/{branch}", username=username, session=session
        )
    )
