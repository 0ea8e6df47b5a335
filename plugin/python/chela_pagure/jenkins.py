"""Pagure's call-back for Jenkins, kept from projects of another CI type.

Pagure has that route as soon as any CI type is configured, and never looks at the project's own. It
asks the CI URL without any guard, and writes what comes back into a flag as it stands.
"""

from __future__ import annotations

from typing import Any

import flask
import pagure.lib.query
from pagure.config import config

from chela_pagure import hooks, route

_ENDPOINT = "api_ns.jenkins_ci_notification"
_TYPE = "jenkins"


def intercept() -> Any:
    """Answer for a project without Jenkins, whether there is one or not."""
    if flask.request.endpoint != _ENDPOINT or flask.request.method != "POST":
        return None
    if _TYPE in config["PAGURE_CI_SERVICES"] and _uses_jenkins(flask.request.view_args or {}):
        return None
    body = {"error": "The project has no CI of the type jenkins", "error_code": "ENOCODE"}
    return flask.jsonify(body), 404


def _uses_jenkins(named: dict[str, Any]) -> bool:
    session = route.session()
    project = pagure.lib.query._get_project(
        session, named["repo"], user=named.get("username"), namespace=named.get("namespace")
    )
    hook = hooks.of_project(session, project.id) if project is not None else None
    return hook is not None and bool(hook.pagure_ci_token) and hook.ci_type == _TYPE
