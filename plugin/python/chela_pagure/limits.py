"""The administrator's ``CHELA_*`` settings, read once a process."""

from __future__ import annotations

import functools

from pagure.config import config

from chela_pagure import _core


@functools.lru_cache(maxsize=1)
def policy() -> _core.Policy:
    """Where CI URLs may lead. A bad entry raises a ``ValueError`` that names it."""
    return _core.Policy(
        allow_http=_entries("CHELA_ALLOW_HTTP"),
        allow_hosts=_entries("CHELA_ALLOW_HOSTS"),
        allow_networks=_entries("CHELA_ALLOW_NETWORKS"),
        limit_hosts=_entries("CHELA_LIMIT_HOSTS"),
        allow_ports=_entries("CHELA_ALLOW_PORTS"),
    )


def _entries(name: str) -> list[str]:
    value = config.get(name) or ()
    if isinstance(value, str):
        raise ValueError(f"{name} must be a list, such as [{value!r}]")
    return [str(entry) for entry in value]


def clone_base() -> str:
    """Where CI services clone from: ``CHELA_CLONE_URL``, else the address git users have."""
    for name in ("CHELA_CLONE_URL", "GIT_URL_GIT"):
        url = str(config.get(name) or "")
        # Pagure's default is git://, which neither authenticates nor encrypts.
        if url.startswith(("http://", "https://")):
            return url
    return str(config["APP_URL"])
