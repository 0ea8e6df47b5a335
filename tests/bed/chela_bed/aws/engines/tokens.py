"""Idempotency tokens: the same request again is the same thing, another one is an error, for five minutes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


class Mismatch(Exception):  # noqa: N818  it is said of the request, and becomes the service's own error
    """The token was given with other parameters."""


@dataclass
class Tokens:
    """What was begun with which token."""

    lifetime: timedelta = timedelta(minutes=5)
    _begun: dict[str, tuple[datetime, Mapping[str, Any], str]] = field(default_factory=dict)

    def begun(self, token: str | None, request: Mapping[str, Any], now: datetime) -> str | None:
        """What this request began before; raise `Mismatch` if the token was another request's."""
        found = self._begun.get(token) if token is not None else None
        if found is None or now - found[0] >= self.lifetime:
            return None
        if found[1] != request:
            raise Mismatch(token)
        return found[2]

    def remember(self, token: str | None, request: Mapping[str, Any], now: datetime, thing: str) -> None:
        """This request has begun `thing`."""
        if token is not None:
            self._begun[token] = (now, copy.deepcopy(dict(request)), thing)
