"""What is granted is used, or there is a reason: held against what the end-to-end tests have used."""

from __future__ import annotations

import pytest
from chela_bed.aws.used import USES, Use
from chela_bed.paths import CHECKOUT
from rights_unused import SOMETIMES, UNUSED, Grant, grants, names, reasons

FOLDER = CHECKOUT / "tests" / "e2e"
# Whoever uses a right at all does it in these.
FILES = {path.name for each in ("test_aws_*.py", "test_infra_circle*.py") for path in FOLDER.glob(each)}


@pytest.fixture(scope="module")
def uses() -> set[Use]:
    """Of this run, and of those before it in this checkout."""
    record = USES.record()
    absent = sorted(FILES - {*record.whole})
    if absent:
        pytest.skip(
            "WHAT IS GRANTED WAS NOT HELD AGAINST WHAT IS USED: not all of these ran to their end yet: "
            + ", ".join(absent)
        )
    return record.all


@pytest.fixture(scope="module")
def unused(uses: set[Use]) -> list[Grant]:
    known = names()
    return [grant for grant in grants() if not grant.is_used(uses, known)]


def test_what_is_granted_is_used_or_there_is_a_reason(unused: list[Grant]) -> None:
    unexplained = [grant for grant in unused if not reasons(grant)]
    assert not unexplained, "granted, used nowhere, and not in rights_unused:\n" + "\n".join(
        map(str, unexplained)
    )


def test_what_has_a_reason_to_be_unused_is_unused(unused: list[Grant]) -> None:
    needed = {each for grant in unused for each in reasons(grant)}
    needless = [each for each in UNUSED if each not in needed]
    assert not needless, "used after all, or granted no more:\n" + "\n".join(needless)


def test_every_reason_is_about_something_that_is_granted() -> None:
    known = {each for grant in grants() for each in reasons(grant)}
    assert {*UNUSED, *SOMETIMES} <= known
