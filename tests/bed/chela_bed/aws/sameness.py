"""When two policies, patterns or settings say the same, however they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

# IAM takes one of them or a list, in any order.
LISTS = ("Action", "NotAction", "Resource", "NotResource")


def policy(statements: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The statements of policies in one form, in one order."""
    return sorted((_statement(each) for each in statements), key=_text)


def pattern(found: Mapping[str, Any]) -> Any:
    """An event pattern in one form: the order of alternatives says nothing."""
    return _ordered(found)


def settings(value: Any) -> Any:
    """Settings in one form: numbers and truth may be texts."""
    if isinstance(value, Mapping):
        return {name: settings(member) for name, member in value.items()}
    if isinstance(value, list):
        return sorted((settings(each) for each in value), key=_text)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _statement(one: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _listed(value) if name in LISTS else value for name, value in one.items()}
    if "Condition" in one:
        found["Condition"] = {
            operator: {key: _listed(value) for key, value in keys.items()}
            for operator, keys in one["Condition"].items()
        }
    return found


def _listed(value: Any) -> list[str]:
    members = value if isinstance(value, list) else [value]
    return sorted({str(each) for each in members})


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _ordered(member) for name, member in value.items()}
    return sorted(value, key=_text) if isinstance(value, list) else value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
