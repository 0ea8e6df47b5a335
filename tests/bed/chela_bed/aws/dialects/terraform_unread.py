"""Sees to it that whatever the module sets is put into CloudFormation's words, or left out for a reason."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from chela_bed.aws.dialects.terraform_planned import Planned
from chela_bed.paths import BedError

Path = tuple[str, ...]
# By attribute, or by type and attribute.
LEFT_OUT: Mapping[str, str] = {
    "tags": "The user's own; a wish has none.",
    "description": "Read by humans alone.",
    "alarm_description": "Read by humans alone.",
    "force_destroy": "What `destroy` may take says nothing of what is made.",
    "recovery_window_in_days": "What `destroy` may take says nothing of what is made.",
    "aws_lambda_function.filename": "A zip on this machine, in place of one in a bucket.",
    "aws_lambda_function.source_code_hash": "How a changed zip is noticed.",
    "aws_lambda_permission.statement_id": "A name that nobody refers to.",
    "aws_s3_object.content_type": "Nobody asks for it.",
}
# What an attribute is made of in a plan's configuration; all else is a block.
EXPRESSION = {"constant_value", "references"}


class _Seen(dict[str, Any]):
    """Notes which of its members are asked for."""

    def __init__(self, values: Mapping[str, Any], path: Path, seen: set[Path]) -> None:
        super().__init__({name: _watched(each, (*path, name), seen) for name, each in values.items()})
        self._path, self._paths = path, seen

    def __getitem__(self, name: str) -> Any:
        self._paths.add((*self._path, name))
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._paths.add((*self._path, name))
        return super().get(name, default)


class Reads:
    """What was read of a plan's resources."""

    def __init__(self) -> None:
        self._seen: dict[str, set[Path]] = defaultdict(set)

    def watch(self, planned: Planned) -> Planned:
        """The same resource; what is asked of it is noted."""
        # aws_sqs_queue.dead["requests"]
        seen = self._seen[planned.address.partition("[")[0]]
        return dataclasses.replace(planned, values=_watched(planned.values, (), seen))

    def check(self, plan: Mapping[str, Any], label: str) -> None:
        """Fails if the module sets what nobody has read."""
        unread = self.unread(plan, label)
        if unread:
            raise BedError("teach chela_bed.aws.dialects.terraform_words:\n" + "\n".join(unread))

    def unread(self, plan: Mapping[str, Any], label: str) -> list[str]:
        """What that is."""
        module = plan["configuration"]["root_module"]["module_calls"][label]["module"]
        return [
            f"{one['address']}: {'.'.join(path)}"
            for one in module["resources"]
            if one["address"] in self._seen
            for path in _set(one["expressions"])
            if not _is_read(path, self._seen[one["address"]])
            and not {path[-1], f"{one['type']}.{'.'.join(path)}"} & LEFT_OUT.keys()
        ]


def _watched(value: Any, path: Path, seen: set[Path]) -> Any:
    if isinstance(value, Mapping):
        return _Seen(value, path, seen)
    return [_watched(each, path, seen) for each in value] if isinstance(value, list) else value


def _set(expressions: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """Every attribute that a configuration names."""
    for name, told in expressions.items():
        blocks = told if isinstance(told, list) else [told]
        for block in blocks:
            if block.keys() <= EXPRESSION:
                yield (*above, name)
            else:
                yield from _set(block, (*above, name))


def _is_read(path: Path, seen: set[Path]) -> bool:
    """Whether it was asked for, or taken with the whole block that it is in."""
    if path in seen:
        return True
    block = path[:-1]
    inside = any(each[:-1] == block for each in seen)
    return bool(block) and not inside and _is_read(block, seen)
