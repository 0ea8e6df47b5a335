"""Keeps which rights the functions used in a test run; what `conftest.py` takes from here, pytest calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from chela_bed.aws.used import USES


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """These do not run."""
    USES.parts.update(item.path.name for item in items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """These do; of a file that is named with a test of it, not all."""
    USES.parts.update(Path(name.partition("::")[0]).name for name in session.config.args if "::" in name)
    USES.left.update(item.path.name for item in session.items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What happens from now on is this file's."""
    USES.file = item.path.name


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test is over, or a part of it."""
    name = Path(report.fspath).name
    if report.failed:
        USES.parts.add(name)
    if report.when == "teardown":
        USES.left[name] -= 1


def pytest_sessionfinish() -> None:
    """Keep it; a file that ran in whole has said all."""
    USES.keep()
