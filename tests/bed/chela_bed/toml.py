"""Writes TOML, which Python itself can only read, and that only from 3.11 on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Table = Mapping[str, Any]


def dumps(table: Table) -> str:
    """The settings as a document: every table under its own heading."""
    return "\n".join(_lines(table, ())) + "\n"


def _lines(table: Table, path: tuple[str, ...]) -> Iterator[str]:
    if path:
        # Any name may stand in quotes, and a TOML string reads what JSON writes.
        yield f"[{'.'.join(json.dumps(name) for name in path)}]"
    for name, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{json.dumps(name)} = {json.dumps(value)}"
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, name))
