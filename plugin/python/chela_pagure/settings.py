"""What pagure.cfg says: ``from chela_pagure.settings import install`` and ``install(globals())``.

The lines may stand anywhere in the file: what has to be extended is extended when pagure has read
the whole of it. Every process reads pagure.cfg, git hooks too.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

CI_TYPE = "webhook"
_WORKER = "chela_pagure.worker"
_PLUGINS = str(Path(__file__).with_name("plugins.py"))
# The statuses of a report; Pagure's page stops at one that it has no colour for.
_LABELS = {
    "success": "badge-success",
    "failure": "badge-danger",
    "error": "badge-danger",
    "pending": "badge-info",
    "canceled": "badge-warning",
}


def install(names: MutableMapping[str, Any]) -> None:
    """Add the CI type ``webhook`` to the configuration whose names these are."""

    # Flask reads a configuration file as a module, and asks for its names when it has been
    # executed to its end (PEP 562; `flask.Config.from_object` calls `dir`).
    def names_of_the_whole_file() -> list[str]:
        _extend(names)
        return list(names)

    names["__dir__"] = names_of_the_whole_file

    from chela_pagure import requester

    requester.connect()


def _extend(names: MutableMapping[str, Any]) -> None:
    services = list(names.get("PAGURE_CI_SERVICES") or [])
    names["PAGURE_CI_SERVICES"] = services + [CI_TYPE] * (CI_TYPE not in services)
    names["CELERY_CONFIG"] = _with_worker(dict(names.get("CELERY_CONFIG") or {}))
    if "FLAG_STATUSES_LABELS" in names:
        names["FLAG_STATUSES_LABELS"] = {**_LABELS, **names["FLAG_STATUSES_LABELS"]}
    _extend_plugins(names)


def _with_worker(celery: dict[str, Any]) -> dict[str, Any]:
    # Celery refuses a configuration that mixes its old and new names.
    key = "CELERY_IMPORTS" if "CELERY_IMPORTS" in celery else "imports"
    imports = celery.get(key) or ()
    imports = (imports,) if isinstance(imports, str) else tuple(imports)
    celery[key] = imports + (_WORKER,) * (_WORKER not in imports)
    return celery


def _extend_plugins(names: MutableMapping[str, Any]) -> None:
    """Pagure takes one file of blueprints only, so ours loads the administrator's too."""
    variable = next(
        (name for name in ("PAGURE_PLUGIN", "PAGURE_PLUGINS_CONFIG") if name in os.environ), None
    )
    other = os.environ[variable] if variable else names.get("PAGURE_PLUGINS_CONFIG")
    names["PAGURE_PLUGINS_CONFIG"] = _PLUGINS
    if other != _PLUGINS:
        names["CHELA_OTHER_PLUGINS_CONFIG"] = other
    if variable and other != _PLUGINS:
        # The variable would win over the file; a process started from this one must find both.
        os.environ[variable] = _PLUGINS
        os.environ["CHELA_OTHER_PLUGINS_CONFIG"] = str(other)
    names.setdefault("CHELA_OTHER_PLUGINS_CONFIG", os.environ.get("CHELA_OTHER_PLUGINS_CONFIG"))
