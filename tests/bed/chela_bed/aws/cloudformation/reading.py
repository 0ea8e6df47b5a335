"""Reads a template: JSON, or YAML with CloudFormation's short forms."""

from __future__ import annotations

from typing import Any

import yaml

# Their full names have no `Fn::`.
BARE = ("Ref", "Condition")


class _Loader(yaml.CSafeLoader):
    """Knows `!Ref`, `!Sub` and the others."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    value = _plain(loader, node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in BARE else f"Fn::{suffix}": value}


def _plain(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode), node
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _short_form)


def read(text: str) -> dict[str, Any]:
    """The template in a text."""
    # JSON is YAML.
    loader = _Loader(text)
    try:
        found: dict[str, Any] = loader.get_single_data()
    finally:
        loader.dispose()
    return found
