"""What a template comes to: its resources with all their properties filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import names
from chela_bed.aws.cloudformation.functions import Functions
from chela_bed.paths import BedError


@dataclass(frozen=True)
class Resource:
    """One of them."""

    logical: str
    type: str
    properties: Mapping[str, Any]
    # What becomes of it when the stack goes, and when an update puts another one into its place.
    deletion: str = "Delete"
    replaced: str = "Delete"
    # What has to be there before it.
    after: tuple[str, ...] = ()


@dataclass
class Resolved:
    """A stack as it would be."""

    content: Mapping[str, Any]
    values: Mapping[str, Any]
    account: Account
    imports: Mapping[str, str]
    _made: dict[str, Resource] = field(default_factory=dict)

    @cached_property
    def functions(self) -> Functions:
        conditions = self.content.get("Conditions", {})
        return Functions(self.values, conditions, self._reference, self._attribute, self.imports)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """All that are made."""
        return {name: self[name] for name in self.content["Resources"] if self._exists(name)}

    @cached_property
    def outputs(self) -> dict[str, str]:
        """What the stack says in the end."""
        found = self.content.get("Outputs", {}).items()
        return {name: self.functions.value(one["Value"]) for name, one in found if self._holds(one)}

    @cached_property
    def exports(self) -> dict[str, str]:
        """What other stacks may import."""
        found = self.content.get("Outputs", {}).items()
        named = {name: one["Export"]["Name"] for name, one in found if "Export" in one and self._holds(one)}
        return {self.functions.value(export): self.outputs[name] for name, export in named.items()}

    def __getitem__(self, logical: str) -> Resource:
        if not self._exists(logical):
            raise BedError(f"{logical} is not made, but something refers to it")
        if logical not in self._made:
            one = self.content["Resources"][logical]
            self._made[logical] = Resource(
                logical,
                one["Type"],
                self.functions.value(one.get("Properties", {})),
                deletion=one.get("DeletionPolicy", "Delete"),
                replaced=one.get("UpdateReplacePolicy", "Delete"),
                after=_several(one.get("DependsOn", [])),
            )
        return self._made[logical]

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Those of a type."""
        return {name: one for name, one in self.resources.items() if one.type == kind}

    def statements(self, role: str) -> list[Mapping[str, Any]]:
        """All that the policies of a role or user say, by its logical name or the name of an existing one."""
        known = self._reference(role) if role in self.content["Resources"] else role
        inline = self[role].properties.get("Policies", []) if role in self.resources else []
        found = [policy["PolicyDocument"] for policy in inline]
        for policy in self.of_type("AWS::IAM::Policy").values():
            holders = policy.properties.get("Roles", []) + policy.properties.get("Users", [])
            if known in holders:
                found.append(policy.properties["PolicyDocument"])
        attached = self[role].properties.get("ManagedPolicyArns", []) if role in self.resources else []
        for policy in self.of_type("AWS::IAM::ManagedPolicy").values():
            if self._reference(policy.logical) in attached:
                found.append(policy.properties["PolicyDocument"])
        return [statement for document in found for statement in document["Statement"]]

    def _exists(self, logical: str) -> bool:
        return logical in self.content["Resources"] and self._holds(self.content["Resources"][logical])

    def _holds(self, one: Mapping[str, Any]) -> bool:
        return "Condition" not in one or self.functions.test({"Condition": one["Condition"]})

    def _reference(self, logical: str) -> Any:
        return names.reference(self[logical].type, logical, self._properties(logical), self.account)

    def _attribute(self, logical: str, attribute: str) -> Any:
        one = self[logical]
        return names.attribute(one.type, logical, one.properties, self.account, attribute)

    def _properties(self, logical: str) -> Mapping[str, Any]:
        return self[logical].properties


def _several(names: str | list[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
