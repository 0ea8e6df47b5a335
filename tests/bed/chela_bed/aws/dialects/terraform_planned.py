"""One resource of a plan, and the form that CloudFormation's words for it take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.paths import BedError

Properties = dict[str, Any]
# The end of the logical name where a resource comes to two, the type, and properties.
Words = Iterator[tuple[str, str, Properties]]


class _Unknown:
    """What stands where a plan says "known after apply"."""


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Planned:
    """A resource: its address in the module, and what is known of it before apply."""

    address: str
    values: Mapping[str, Any]
    account: Account

    @classmethod
    def of(cls, address: str, change: Mapping[str, Any], account: Account) -> Planned:
        """What a plan's change comes to."""
        return cls(address, _marked(change["after"], change["after_unknown"]), account)

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def text(self, name: str) -> str:
        """A text that has to be known, such as JSON."""
        found = self[name]
        if not isinstance(found, str):
            raise BedError(f"{name} of {self.address} is no text, or known after apply only")
        return found

    def block(self, name: str) -> Mapping[str, Any]:
        """The one block of that name; empty where there is none."""
        found = self[name] or [{}]
        block: Mapping[str, Any] = found[0]
        return block

    @property
    def type(self) -> str:
        """As Terraform calls it."""
        return self.address.partition(".")[0]


def without_nothing(found: Properties) -> Properties:
    """Without what is not set."""
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def but(found: Properties, **defaults: Any) -> Properties:
    """Without what the service would choose by itself."""
    return {name: value for name, value in found.items() if name not in defaults or value != defaults[name]}


def is_known(value: Any) -> bool:
    """Whether all parts are."""
    if isinstance(value, dict):
        return all(is_known(each) for each in value.values())
    return all(is_known(each) for each in value) if isinstance(value, list) else value is not UNKNOWN


def _marked(value: Any, unknown: Any) -> Any:
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict):
        known = value or {}
        return {**known, **{name: _marked(known.get(name), each) for name, each in unknown.items()}}
    if isinstance(unknown, list) and unknown:
        return [_marked(*pair) for pair in zip(value, unknown, strict=True)]
    return value
