"""Who may change a project's CI through the API: its administrators, or nobody.

Pagure 5.14.1 checks no rights there: any user with a token could re-point a project's CI.
"""

from __future__ import annotations

from typing import Any

import pagure.api.plugins as api
import pagure.exceptions
import pagure.utils
from pagure.api import APIERROR
from pagure.config import config

NAME = "Pagure CI"


def install() -> None:
    """Check after Pagure's API has found out who asks."""
    # Both views, "install" and "remove", look the plugin up after the token was checked.
    found = api._check_plugin

    def check(repo: Any, plugin: str) -> Any:
        hook = found(repo, plugin)
        if getattr(hook, "name", None) == NAME:
            _check(repo)
        return hook

    api._check_plugin = check


def _check(repo: Any) -> None:
    if not config.get("CHELA_SETTINGS_API", True):
        raise pagure.exceptions.APIError(
            403,
            error_code=APIERROR.ENOCODE,
            error="Pagure CI is configured on the project's settings page only "
            "(CHELA_SETTINGS_API is off)",
        )
    if not pagure.utils.is_repo_admin(repo):
        raise pagure.exceptions.APIError(
            403,
            error_code=APIERROR.ENOCODE,
            error="Only administrators of the project may configure its CI",
        )
