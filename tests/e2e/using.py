"""Keeps which rights the functions used in a test run; what `conftest.py` takes from here, pytest calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from chela_bed.aws.used import USES

# Files of which some test was left out.
PARTS: set[str] = set()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What happens from now on is this file's."""
    USES.file = item.path.name


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """These do not run."""
    PARTS.update(item.path.name for item in items)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep it; a file that ran in whole has said all."""
    if not USES.by_file:
        return
    named = any("::" in argument for argument in session.config.args)
    some = named or exitstatus != pytest.ExitCode.OK
    USES.keep(set() if some else set(USES.by_file) - PARTS)
