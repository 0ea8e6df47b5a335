"""The same policies with one thing less, or with one thing too much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rights_world import Statement, Statements, World

ANY_RESOURCE, ANY_ACTION = "with any resource", "with any action"
# By statement and change: what makes no difference, and why.
EQUIVALENT = {
    ("AndThroughItAlone", ANY_ACTION): "no other action of Lambda knows the key of its condition",
    ("ElsewhereMayInvokeThroughIt", ANY_ACTION): "as with AndThroughItAlone",
}


@dataclass(frozen=True)
class Mutant:
    """A world in which one statement is another, or none."""

    # The role's name in the table, or the ARN of the resource.
    holder: str
    statement: Statement
    change: str
    world: World

    @property
    def sid(self) -> str:
        """How the statement is called."""
        found: str = self.statement.get("Sid", self.statement["Action"])
        return found

    def __str__(self) -> str:
        return f"{self.holder}, {self.sid}: {self.change}"


def mutants(world: World) -> Iterator[Mutant]:
    """All of a stack's; what the table's own people may is no policy of the stack."""
    people = {"owner", "guest", "stranger"}
    own = {name: each for name, each in world.own.items() if name not in people}
    for holder, statements in own.items():
        for statement, change, changed in _changes(statements):
            yield Mutant(holder, statement, change, replace(world, own={**world.own, holder: changed}))
    for holder, statements in world.given.items():
        # A resource's policy is about that resource, whatever it says.
        own_resource = [change for change in _changes(statements) if change[1] != ANY_RESOURCE]
        for statement, change, changed in own_resource:
            yield Mutant(holder, statement, change, replace(world, given={**world.given, holder: changed}))


def _changes(statements: Statements) -> Iterator[tuple[Statement, str, Statements]]:
    for number, one in enumerate(statements):
        before, behind = statements[:number], statements[number + 1 :]
        yield one, "taken away", [*before, *behind]
        for change, changed in _variants(one):
            yield one, change, [*before, changed, *behind]


def _variants(one: Statement) -> Iterator[tuple[str, Statement]]:
    for name in ("Action", "Resource"):
        for member, rest in _without_each(listed(one[name])):
            yield f"without {member}", {**one, name: rest}
    for operator, keys in one.get("Condition", {}).items():
        for key, value in keys.items():
            yield f"without the condition {key}", _with_condition(one, operator, key, None)
            for member, rest in _without_each(listed(value)):
                yield f"without {key} {member}", _with_condition(one, operator, key, rest)
    yield from _wider(one)


def _wider(one: Statement) -> Iterator[tuple[str, Statement]]:
    if one["Effect"] == "Deny":
        return
    if listed(one["Resource"]) != ["*"]:
        yield ANY_RESOURCE, {**one, "Resource": "*"}
    services = sorted({f"{action.partition(':')[0]}:*" for action in listed(one["Action"])})
    if services != listed(one["Action"]):
        yield ANY_ACTION, {**one, "Action": services}
    if one.get("Principal", "*") != "*":
        yield "with any principal", {**one, "Principal": "*"}


def _with_condition(one: Statement, operator: str, key: str, value: Any) -> Statement:
    conditions = {name: dict(keys) for name, keys in one["Condition"].items()}
    if value is None:
        del conditions[operator][key]
    else:
        conditions[operator][key] = value
    kept = {name: keys for name, keys in conditions.items() if keys}
    rest = {name: member for name, member in one.items() if name != "Condition"}
    return {**rest, "Condition": kept} if kept else rest


def _without_each(members: Sequence[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """What is left without each of several; the last one is the statement's all."""
    if len(members) > 1:
        for number, member in enumerate(members):
            yield member, [*members[:number], *members[number + 1 :]]


def listed(value: Any) -> list[Any]:
    """One, or several of them."""
    return list(value) if isinstance(value, list | tuple) else [value]
