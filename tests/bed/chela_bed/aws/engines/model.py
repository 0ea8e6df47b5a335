"""A check by the services' models, with what botocore's leaves out: patterns, lengths and enumerations."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape


@functools.cache
def model(service: str) -> ServiceModel:
    """A service's model, as botocore ships it."""
    return botocore.session.get_session().get_service_model(service)


def faults(shape: Shape, value: Any, place: str = "") -> Iterator[str]:
    """All that is wrong with a value, one sentence each."""
    if shape.type_name == "structure":
        yield from _structure(shape, value, place)
    elif shape.type_name == "list":
        yield from _length(shape, len(value), place)
        for number, item in enumerate(value):
            yield from faults(shape.member, item, f"{place}.{number + 1}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from faults(shape.key, key, f"{place}.{key}")
            yield from faults(shape.value, item, f"{place}.{key}")
    elif shape.type_name == "string":
        yield from _string(shape, value, place)
    elif shape.type_name in ("integer", "long"):
        yield from _length(shape, value, place)


def _structure(shape: Shape, value: Any, place: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{place}.{name}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name not in shape.members:
            yield f"'{place}.{name}' is no member of {shape.name}"
        elif item is not None:
            yield from faults(shape.members[name], item, f"{place}.{name}")


def _string(shape: Shape, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"'{place}' is no string"
        return
    yield from _length(shape, len(value), place)
    pattern = shape.metadata.get("pattern")
    # Java's classes of characters, such as \p{L}, are not Python's.
    if pattern and r"\p" not in pattern and not re.fullmatch(pattern, value, re.DOTALL):
        yield (
            f"Value '{value}' at '{place}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}"
        )
    if shape.enum and value not in shape.enum:
        yield (
            f"Value '{value}' at '{place}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {shape.enum}"
        )


def _length(shape: Shape, length: float, place: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and length < least:
        yield f"Value at '{place}' failed to satisfy constraint: Member must be at least {least}"
    if most is not None and length > most:
        yield f"Value at '{place}' failed to satisfy constraint: Member must be at most {most}"
