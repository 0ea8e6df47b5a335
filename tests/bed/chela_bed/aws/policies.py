"""The policies and rules that are deployed, out of `infra/`, with a stack's names filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chela_bed.aws.evaluator import Policy
from chela_bed.paths import CHECKOUT, BedError

INFRA = CHECKOUT / "infra"
# IAM's own variables have a colon, as in ${aws:username}.
PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")

Names = Mapping[str, str | Sequence[str]]


def policy(name: str, names: Names) -> Policy:
    """One of the policies; a statement about nothing falls away, for IAM takes no empty list."""
    found = filled(_read("policies", name), names)
    # A role's trust names no resource.
    kept = [statement for statement in found["Statement"] if statement.get("Resource", "*")]
    return {**found, "Statement": kept}


def rule(name: str, names: Names) -> Mapping[str, Any]:
    """The event pattern of a rule."""
    pattern: Mapping[str, Any] = filled(_read("rules", name), names)
    return pattern


def _read(folder: str, name: str) -> Any:
    return json.loads((INFRA / folder / f"{name}.json").read_text())


def filled(value: Any, names: Names) -> Any:
    """The placeholders in a part of a policy filled in."""
    if isinstance(value, dict):
        return {key: filled(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return _text(value, names) if isinstance(value, str) else value


def _text(text: str, names: Names) -> Any:
    """A text that is one placeholder may become a list."""
    whole = PLACEHOLDER.fullmatch(text)
    if whole:
        return _named(whole[1], names)
    return PLACEHOLDER.sub(lambda found: str(_named(found[1], names)), text)


def _named(name: str, names: Names) -> str | list[str]:
    if name not in names:
        raise BedError(f"infra/ names ${{{name}}}, which the stack does not know")
    value = names[name]
    return value if isinstance(value, str) else list(value)
