"""The CDK's names of resources, in the words of the other dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# One for each project of Pagure, or for each user of another account.
EACH = ("Caller", "CallerPolicy", "ElsewhereMayAskTheUrl", "ElsewhereMayInvokeThroughIt")


def renamed(template: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template with each resource called by the path of its construct, not by a hash of it."""
    names = {logical: _name(one["Metadata"]) for logical, one in template["Resources"].items()}
    assert len(set(names.values())) == len(names), f"two resources have one name: {sorted(names.values())}"
    found: Mapping[str, Any] = _renamed(template, names)
    return found


def _name(metadata: Mapping[str, str]) -> str:
    """`chela/Chela/ReportsQueue/Policy/Resource` is the ReportsQueuePolicy."""
    _stack, _construct, first, *rest = metadata["aws:cdk:path"].split("/")
    return first if first in EACH else "".join((first, *(part for part in rest if part != "Resource")))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return {"Ref": names.get(value["Ref"], value["Ref"])}
    if "Fn::GetAtt" in value:
        logical, attribute = value["Fn::GetAtt"]
        return {"Fn::GetAtt": [names[logical], attribute]}
    found = {names.get(key, key): _renamed(member, names) for key, member in value.items()}
    if "DependsOn" in value:
        listed = value["DependsOn"] if isinstance(value["DependsOn"], list) else [value["DependsOn"]]
        found["DependsOn"] = [names[each] for each in listed]
    return found
