"""One table of calls, decided by the policies of all dialects as they come out."""

from __future__ import annotations

import fnmatch
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import rights_designs
from chela_bed.aws.evaluator import Evaluator
from chela_bed.paths import CHECKOUT
from rights_designs import DIALECTS, WISHES
from rights_mutants import ANY_ACTION, EQUIVALENT, Mutant, listed, mutants
from rights_row import Row
from rights_table import CANNOT, TABLE
from rights_world import World

WHO = sorted({row.who for row in TABLE})
USED_WISHES = sorted({row.wish for row in TABLE})
# Of the three, which say the same.
MUTATED = "cloudformation"
# The wishes that add a statement to those of the first.
MUTATED_WISHES = ("whole", "http api", "caller elsewhere", "map as object")
POLICIES = sorted(path.stem for path in (CHECKOUT / "infra" / "policies").iterdir())


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluator]:
    made = Evaluator(tmp_path_factory.mktemp("iam"))
    yield made
    made.stop()


@functools.cache
def world(dialect: str, wish: str) -> World:
    return World.of(rights_designs.design(dialect, wish))


@functools.cache
def names(dialect: str, wish: str) -> dict[str, Any]:
    return rights_designs.names(WISHES[wish], rights_designs.design(dialect, wish))


def verdicts(evaluator: Evaluator, dialect: str, rows: Sequence[Row], of: World | None = None) -> list[bool]:
    return evaluator.decide(
        (of or world(dialect, row.wish)).question(row.who, row.access(names(dialect, row.wish)))
        for row in rows
    )


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_call_is_decided_as_the_table_says(evaluator: Evaluator, dialect: str, who: str) -> None:
    rows = [row for row in TABLE if row.who == who]
    found = verdicts(evaluator, dialect, rows)
    wrong = [row for row, allowed in zip(rows, found, strict=True) if allowed != row.allowed]
    known = [row for row in rows if row.allowed and (dialect, row.who, row.action) in CANNOT]
    unknown = [row for row in wrong if row not in known]
    assert not unknown, f"with {dialect}, it is not so that\n" + "\n".join(map(str, unknown))
    assert wrong == known, f"{dialect} can do more than the table of exceptions says"


def test_the_table_is_long_enough_and_says_nothing_twice() -> None:
    said = [
        (row.who, row.action, row.resource, row.wish, json.dumps(row.context, sort_keys=True))
        for row in TABLE
    ]
    doubled = [row for number, row in enumerate(TABLE) if said[number] in said[:number]]
    assert not doubled, "\n".join(map(str, doubled))
    assert min(len([row for row in TABLE if row.allowed is verdict]) for verdict in (True, False)) >= 80


def test_every_dialect_is_in_the_table() -> None:
    assert sorted(DIALECTS) == ["cdk", "cloudformation", "terraform"]


# Which rows notice a change.


@pytest.fixture(scope="module")
def before(evaluator: Evaluator) -> dict[int, bool]:
    """What becomes of each row, by its number, while nothing is changed."""
    return dict(enumerate(verdicts(evaluator, MUTATED, TABLE)))


def concerned(mutant: Mutant, wish: str) -> list[int]:
    """The numbers of the rows that the change may be about: the same holder, and the same actions."""
    actions = listed(mutant.statement["Action"])
    if mutant.change == ANY_ACTION:
        actions = [f"{action.partition(':')[0]}:*" for action in actions]
    return [
        number
        for number, row in enumerate(TABLE)
        if row.wish == wish
        and any(fnmatch.fnmatchcase(row.action, action) for action in actions)
        and (row.who == mutant.holder or _is_at(row, mutant.holder, names(MUTATED, wish)))
    ]


def _is_at(row: Row, holder: str, known: dict[str, Any]) -> bool:
    resource = row.access(known).resource
    return resource == holder or resource.startswith(f"{holder}/")


def guards(evaluator: Evaluator, mutant: Mutant, wish: str, before: Mapping[int, bool]) -> list[Row]:
    numbers = concerned(mutant, wish)
    after = verdicts(evaluator, MUTATED, [TABLE[number] for number in numbers], mutant.world)
    return [
        TABLE[number] for number, verdict in zip(numbers, after, strict=True) if verdict != before[number]
    ]


def of_wish(wish: str) -> list[Mutant]:
    """Those of statements that the whole stack does not have anyway."""
    found = list(mutants(world(MUTATED, wish)))
    known = {(each.holder, each.sid) for each in mutants(world(MUTATED, "whole"))}
    return found if wish == "whole" else [each for each in found if (each.holder, each.sid) not in known]


@pytest.mark.parametrize("wish", MUTATED_WISHES)
def test_whatever_is_taken_from_a_policy_or_widened_changes_a_row(
    evaluator: Evaluator, before: Mapping[int, bool], wish: str
) -> None:
    found = [(mutant, guards(evaluator, mutant, wish, before)) for mutant in of_wish(wish)]
    for mutant, rows in found:
        print(f"{mutant} -> {rows[0] if rows else 'nothing'}")
    unnoticed = [mutant for mutant, rows in found if not rows]
    unknown = [mutant for mutant in unnoticed if (mutant.sid, mutant.change) not in EQUIVALENT]
    assert not unknown, "no row of the table notices\n" + "\n".join(map(str, unknown))


def test_what_makes_no_difference_makes_none(evaluator: Evaluator, before: Mapping[int, bool]) -> None:
    found = [(each, wish) for wish in MUTATED_WISHES for each in of_wish(wish)]
    equivalent = [(each, wish) for each, wish in found if (each.sid, each.change) in EQUIVALENT]
    assert {(each.sid, each.change) for each, _ in equivalent} == {*EQUIVALENT}
    assert not [each for each, wish in equivalent if guards(evaluator, each, wish, before)]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_statement_is_in_a_stack_of_the_table(policy: str) -> None:
    written = json.loads((CHECKOUT / "infra" / "policies" / f"{policy}.json").read_text())
    seen: set[str] = set()
    for wish in MUTATED_WISHES:
        wished = WISHES[wish]
        if policy in {*rights_designs.documents(wished).values(), *rights_designs.trusts(wished).values()}:
            kept = rights_designs.normative(policy, wished, rights_designs.design(MUTATED, wish))
            seen |= {one.get("Sid", "") for one in kept["Statement"]}
    assert {one.get("Sid", "") for one in written["Statement"]} == seen
