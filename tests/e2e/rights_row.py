"""A line of the table of calls: who does what to what, and whether AWS lets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chela_bed.aws.evaluator import Access, Context
from chela_bed.aws.overrides import conditions
from chela_bed.aws.policies import filled

# What `trigger` says when it starts a build; the names beside ours are those that Pagure gives to Jenkins.
VARIABLES = ("CHELA_BUILD_ID", "CHELA_COMMIT", "CI", "REPO", "BRANCH", "BRANCH_TO", "cause")
START = {
    "projectName": "hello",
    "sourceTypeOverride": "S3",
    "sourceLocationOverride": "${SourcesBucketName}/sources/codebuild/hello/1.zip",
    "sourceVersion": "v1",
    "autoRetryLimitOverride": 0,
    "environmentVariablesOverride": [{"name": name, "value": "v"} for name in VARIABLES],
}


@dataclass(frozen=True)
class Row:
    """One call; the placeholders of `infra/` stand for the names of the stack."""

    who: str
    action: str
    resource: str
    allowed: bool
    why: str
    context: Context = field(default_factory=dict)
    # The wish whose stack it is about.
    wish: str = "whole"

    def access(self, names: Mapping[str, Any]) -> Access:
        """What is asked in a stack with these names."""
        (resource,) = _listed(filled(self.resource, names))
        context = {key: filled(each, names) for key, each in self.context.items()}
        return Access(self.action, resource, context)

    def __str__(self) -> str:
        said = "".join(f" {key}={value}" for key, value in self.context.items())
        verdict = "may" if self.allowed else "may not"
        return f"{self.who} {verdict} {self.action} on {self.resource}{said}: {self.why}"


def yes(who: str, actions: str, resource: str, why: str, wish: str = "whole", **context: Any) -> list[Row]:
    """Allowed: each of these actions, separated by spaces."""
    return _rows(True, who, actions, resource, why, wish, context)


def no(who: str, actions: str, resource: str, why: str, wish: str = "whole", **context: Any) -> list[Row]:
    """Refused: each of these actions, separated by spaces."""
    return _rows(False, who, actions, resource, why, wish, context)


def start(**overrides: Any) -> dict[str, Any]:
    """The conditions of a StartBuild as `trigger` does it, but with these; None takes one away."""
    said = {name: value for name, value in {**START, **overrides}.items() if value is not None}
    return dict(conditions(said))


def _rows(
    allowed: bool, who: str, actions: str, resource: str, why: str, wish: str, context: Mapping[str, Any]
) -> list[Row]:
    # A keyword has no colon.
    said = {key.replace("__", ":"): value for key, value in context.items()}
    return [Row(who, action, resource, allowed, why, said, wish) for action in actions.split()]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
