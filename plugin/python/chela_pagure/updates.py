"""Updates that Pagure finds and keeps to itself.

After a push to a pull request's branch, Pagure starts two tasks: one updates the pull request and
triggers its CI, the other looks for tickets in it. The second moves the pull request on to its new
head just the same, and tells nobody; where it comes first, the first finds nothing new.
"""

from __future__ import annotations

import logging
from typing import Any

import pagure.lib.git
import pagure.lib.tasks_services
from pagure.hooks import pagure_ci  # noqa: F401 - makes `Project.ci_hook` known

from chela_pagure import hooks

_log = logging.getLogger(__name__)


def install() -> None:
    """Trigger what is found quietly; a second trigger for the same head is merged."""
    original = pagure.lib.git.diff_pull_request

    def diff_pull_request(session: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        known = request.commit_stop
        found = original(session, request, *args, **kwargs)
        quiet = kwargs.get("notify") is False
        if quiet and known and request.commit_stop != known and request.status == "Open":
            _trigger(request)
        return found

    pagure.lib.git.diff_pull_request = diff_pull_request


def _trigger(request: Any) -> None:
    hook = request.project.ci_hook
    if hooks.unusable(request.project, hook, for_pull_request=True):
        return
    _log.info("Pull request %s was updated quietly; its CI is triggered", request.uid)
    pagure.lib.tasks_services.trigger_ci_build.delay(
        pr_uid=request.uid,
        cause=request.id,
        branch=request.branch_from,
        branch_to=request.branch,
        ci_type=hook.ci_type,
    )
