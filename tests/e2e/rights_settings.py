"""All settings of a stack in one form, each by its path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chela_bed.aws import sameness
from chela_bed.aws.dialects import Design

# Compared by their statements: a role may have its policy in one document or in several.
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
# What tells the members of a list from each other.
NAMES = ("Name", "name", "Id", "Sid")


def flat(design: Design) -> dict[str, Any]:
    """Every setting, such as `TriggerUrl.AuthType`, and every resource's type."""
    found: dict[str, Any] = {}
    for logical, one in design.resources.items():
        if one.type not in POLICIES:
            found |= {logical: one.type, **_flat(logical, settled(one.properties))}
    return found


def settled(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties in one form: whatever says the same is the same."""
    found = {name: _settled(name, value) for name, value in properties.items()}
    # The only list whose order says something.
    if "Stages" in properties:
        found["order of Stages"] = ", ".join(stage["Name"] for stage in properties["Stages"])
    return found


def _settled(name: str, value: Any) -> Any:
    if name.endswith(("PolicyDocument", "KeyPolicy")):
        return {"Statement": sameness.policy(value["Statement"])}
    if name == "EventPattern":
        return sameness.pattern(value)
    return sameness.settings(_read(value))


def _read(value: Any) -> Any:
    """JSON in a text is what it says."""
    if isinstance(value, Mapping):
        return {name: _read(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_read(each) for each in value]
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def _flat(path: str, value: Any) -> dict[str, Any]:
    members = _members(value)
    if not members:
        return {path: value}
    return {
        below: each
        for name, member in members.items()
        for below, each in _flat(f"{path}.{name}", member).items()
    }


def _members(value: Any) -> Mapping[str, Any]:
    """What has names of its own."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for key in NAMES:
            named = {str(each[key]): each for each in value if key in each}
            if len(named) == len(value):
                return named
    return {}
