"""Hands for the tests of the stand-in: sources on a shelf, and calls whose answers a real SDK would take."""

from __future__ import annotations

import hashlib
import json
import stat
import types
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.parsers
import pytest
from botocore.validate import ParamValidator
from chela_bed.aws.api import ServiceError
from chela_bed.aws.engines import Build, Engines, Event, Execution, Fetched, SourceError
from chela_bed.aws.model import service_model, validate

BUCKET = "sources"
LOCATION = {"type": "S3", "location": f"{BUCKET}/default.zip"}
GREEN = "version: 0.2\nphases: {build: {commands: ['true']}}\n"


@dataclass
class Shelf:
    """Objects and their versions; `barred` roles may not read them."""

    barred: set[str] = field(default_factory=set)
    # Who fetched what: role, key, version.
    fetched: list[tuple[str, str, str]] = field(default_factory=list)
    _objects: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)

    def put(self, files: str | Mapping[str, str], key: str = "default.zip") -> str:
        """A new version of an object: a buildspec, or files; a text `-> x` is a link to x."""
        versions = self._objects.setdefault((BUCKET, key), [])
        versions.append({"buildspec.yml": files} if isinstance(files, str) else dict(files))
        return f"version-{len(versions)}"

    def fetch(self, role: str, location: tuple[str, str], version: str | None, to: Path) -> Fetched:
        versions = self._objects.get(location, [])
        number = int(version.removeprefix("version-")) if version else len(versions)
        if role in self.barred:
            raise SourceError("AccessDenied: Access Denied, status code: 403")
        if not 0 < number <= len(versions):
            raise SourceError("NoSuchKey: The specified key does not exist., status code: 404")
        self.fetched.append((role, location[1], f"version-{number}"))
        pack(versions[number - 1], to)
        return Fetched(f"version-{number}", hashlib.md5(to.read_bytes()).hexdigest())

    def store(self, role: str, location: tuple[str, str], content: Path) -> None:
        raise SourceError(f"{role} puts nothing onto this shelf: {location}")


def pack(files: Mapping[str, str], to: Path) -> None:
    """Zip files; those in `bin/` may be run."""
    with zipfile.ZipFile(to, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            is_link = text.startswith("-> ")
            mode = stat.S_IFLNK | 0o777 if is_link else stat.S_IFREG | (0o755 if "bin/" in name else 0o644)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, text.removeprefix("-> "))


@dataclass
class Desk:
    """The stand-in, and what stands around it."""

    engines: Engines
    shelf: Shelf
    # What came to EventBridge.
    events: list[Event]

    def ask(self, service: str, operation: str, **params: Any) -> Any:
        """A call, whose answer is read as an SDK reads it."""
        return spoken(service, operation, self.engines.handle(service, operation, params))

    def refused(self, service: str, operation: str, **params: Any) -> str:
        """The code of the error that a call is answered with; it must be one of the operation's."""
        with pytest.raises(ServiceError) as refusal:
            self.engines.handle(service, operation, params)
        model = service_model(service).operation_model(operation)
        known = {error.name for error in model.error_shapes} | {"ValidationException"}
        assert refusal.value.code in known, f"{operation} has no {refusal.value.code}"
        return refusal.value.code

    def start(self, project: str = "hello", **params: Any) -> Build:
        """A build."""
        answer = self.ask("codebuild", "StartBuild", projectName=project, **params)
        return self.engines.codebuild.builds[answer["build"]["id"]]

    def run(self, project: str = "hello", **params: Any) -> Build:
        """A build that is over."""
        return self.engines.codebuild.await_ended(self.start(project, **params))

    def execute(self, pipeline: str = "release", **params: Any) -> Execution:
        """A pipeline's execution."""
        answer = self.ask("codepipeline", "StartPipelineExecution", name=pipeline, **params)
        return self.engines.codepipeline.execution(answer["pipelineExecutionId"])

    def told(self, detail_type: str) -> list[dict[str, Any]]:
        """The details of all events of a type that have come so far."""
        self.engines.events.settle()
        return [event["detail"] for event in self.events if event["detail-type"] == detail_type]


def new_desk() -> Iterator[Desk]:
    """A desk with a project `hello` that builds the shelf's default object."""
    shelf, events = Shelf(), list[Event]()
    shelf.put(GREEN)
    with Engines(shelf, events.append) as engines:
        engines.codebuild.create("hello", source=dict(LOCATION))
        yield Desk(engines, shelf, events)


def variables(**values: str) -> list[dict[str, str]]:
    """As StartBuild takes them."""
    return [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in values.items()]


def spoken(service: str, operation: str, answer: Mapping[str, Any]) -> Any:
    """An answer as botocore reads it; fails if it has something that the model does not allow."""
    shape = service_model(service).operation_model(operation).output_shape
    response = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
    read = botocore.parsers.create_parser("json").parse(response, shape)
    del read["ResponseMetadata"]
    _same_members(answer, read, operation)
    report = ParamValidator().validate(read, shape)
    assert not report.has_errors(), report.generate_report()
    validate(types.SimpleNamespace(input_shape=shape, name=operation), read)
    return read


def _same_members(said: Any, read: Any, place: str) -> None:
    if isinstance(said, Mapping):
        assert set(said) == set(read), f"the model does not know all of {place}: {set(said) ^ set(read)}"
        for name in said:
            _same_members(said[name], read[name], f"{place}.{name}")
    elif isinstance(said, list):
        for number, (one, other) in enumerate(zip(said, read, strict=True)):
            _same_members(one, other, f"{place}[{number}]")
