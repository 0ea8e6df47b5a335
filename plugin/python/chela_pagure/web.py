"""In the web process: the blueprint that Pagure loads."""

from __future__ import annotations

import sys
import types
from typing import Any

import flask

from chela_pagure import form, jenkins, limits, mails, rights, route

BLUEPRINT = flask.Blueprint("chela_pagure", __name__)


def _set_up(state: Any) -> None:
    app = state.app
    # A bad entry among the administrator's limits stops the start, with its name.
    limits.policy()
    for rule in route.RULES:
        # A route on pagure's own blueprint would come too late for Flask.
        app.add_url_rule(
            rule,
            endpoint=route.ENDPOINT,
            view_func=route.webhook_ci_notification,
            methods=["POST"],
            strict_slashes=False,
        )
    app.before_request_funcs.setdefault(None, [])[:0] = [route.intercept, jenkins.intercept]
    app.url_default_functions.setdefault(None, []).append(_without_token)
    form.install()
    rights.install()
    mails.install()
    # Pagure's development line imports this for its page about the API.
    alias = types.ModuleType("pagure.api.ci.webhook")
    vars(alias)["webhook_ci_notification"] = route.webhook_ci_notification
    sys.modules[alias.__name__] = alias


def _without_token(endpoint: str, values: dict[str, Any]) -> None:
    """Pagure's settings page would write the token into the address."""
    if endpoint == route.ENDPOINT:
        values.pop("pagure_ci_token", None)


BLUEPRINT.record(_set_up)
form.add_routes(BLUEPRINT)
