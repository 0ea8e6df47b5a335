"""What an HTTP request asks for, read and validated with the service models that botocore carries."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator

from chela_bed.aws.api import Members, ServiceError

# Superseded, or for objects of other kinds: they look like their plainer siblings.
UNUSUAL = {"ListObjects", "CopyObject", "RenameObject"}
SERVICES = ("s3", "sqs", "secretsmanager", "codebuild", "codepipeline", "events")


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The model of a service."""
    return botocore.session.get_session().get_service_model(service)


def read_json(service: str, headers: Mapping[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and the members of a request in AWS's JSON protocol."""
    model = service_model(service)
    prefix, _, operation = headers.get("x-amz-target", "").rpartition(".")
    if prefix != model.metadata["targetPrefix"] or operation not in model.operation_names:
        raise ServiceError("UnknownOperationException", f"{service} does not know {prefix}.{operation}")
    try:
        params = json.loads(body or b"{}")
    except ValueError as problem:
        raise ServiceError("SerializationException", str(problem)) from problem
    validate(model.operation_model(operation), params)
    return operation, params


def read_s3(method: str, target: str, headers: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The operation of a request to S3, and those of its members that are not in the body."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    named = {"Bucket": bucket} | ({"Key": key} if key else {})
    for operation in _s3_operations(method):
        found = _members(operation, named, query, headers)
        if found is not None:
            return operation.name, found
    raise ServiceError("MethodNotAllowed", f"S3 has no {method} {target}", 405)


@functools.cache
def _s3_operations(method: str) -> list[OperationModel]:
    """S3's operations, those first that ask for more: others would take their requests too."""
    model = service_model("s3")
    operations = [model.operation_model(name) for name in model.operation_names if name not in UNUSUAL]
    fitting = [operation for operation in operations if operation.http["method"] == method]
    return sorted(fitting, key=lambda operation: -len(_needed(operation)))


def _needed(operation: OperationModel) -> dict[str, str | None]:
    """What a request's query must have, and whether it must have a key: names to values, None for any."""
    uri = urlsplit(operation.http["requestUri"])
    needed: dict[str, str | None] = {
        name: value or None for name, value in parse_qsl(uri.query, keep_blank_values=True)
    }
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        place = shape.members[name].serialization
        if place.get("location") in ("querystring", "header"):
            needed[place["name"]] = None
    return needed


def _members(
    operation: OperationModel, named: Mapping[str, str], query: Mapping[str, str], headers: Mapping[str, str]
) -> dict[str, Any] | None:
    has_key = "{Key+}" in operation.http["requestUri"]
    if has_key != ("Key" in named) or not operation.input_shape:
        return None
    for name, value in _needed(operation).items():
        given = query.get(name, headers.get(name.lower()))
        if given is None or value not in (None, given):
            return None
    found: dict[str, Any] = dict(named)
    for name, shape in operation.input_shape.members.items():
        value = _member(shape, query, headers)
        found |= {} if value in (None, {}) else {name: value}
    return found


def _member(shape: Shape, query: Mapping[str, str], headers: Mapping[str, str]) -> Any:
    place = shape.serialization.get("location")
    name = shape.serialization.get("name", "")
    if place == "querystring":
        return query.get(name)
    if place == "header":
        return headers.get(name.lower())
    if place == "headers":
        start = name.lower()
        return {key[len(start) :]: value for key, value in headers.items() if key.startswith(start)}
    return None


def validate(operation: OperationModel, params: Members) -> None:
    """Refuse what the service's own model does not allow, as the service would."""
    if operation.input_shape is None:
        return
    report = ParamValidator().validate(params, operation.input_shape)
    problems = [report.generate_report()] if report.has_errors() else []
    problems += _beyond(operation.input_shape, params, operation.name)
    if problems:
        raise ServiceError("ValidationException", "; ".join(problems))


def _beyond(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What botocore leaves to the service: the values of an enumeration, patterns and upper bounds."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, member in shape.members.items():
            if name in value:
                yield from _beyond(member, value[name], f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        yield from _too_much(shape, len(value), path)
        for number, item in enumerate(value):
            yield from _beyond(shape.member, item, f"{path}[{number}]")
    elif shape.type_name == "string" and isinstance(value, str):
        yield from _too_much(shape, len(value), path)
        yield from _unfitting(shape, value, path)
    elif shape.type_name in ("integer", "long") and isinstance(value, int):
        yield from _too_much(shape, value, path)


def _too_much(shape: Shape, measure: int, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is not None and measure > most:
        yield f"{path}: {measure} is more than {most}"


def _unfitting(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"{path}: {value!r} is none of {allowed}"
    pattern = shape.metadata.get("pattern")
    # Java's patterns, matched against all of it; the few that Python cannot read are left out.
    try:
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path}: {value!r} does not satisfy {pattern}"
    except re.error:
        pass
