"""One Pagure for the whole run, and a fresh project and a CI service for each test."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from chela_bed import Bed, Options, Project, Target, paths
from chela_bed import browser as browsers
from chela_bed.aws import Cloud
from chela_bed.aws.dialects.cdk import Cdk
from chela_bed.machine import prepare
from chela_bed.scene import START, Scene, lay_out
from selenium.webdriver.remote.webdriver import WebDriver
from using import (
    pytest_collection_finish,
    pytest_deselected,
    pytest_runtest_logreport,
    pytest_runtest_setup,
    pytest_sessionfinish,
)

# For pytest, which calls them by these names.
__all__ = [
    "pytest_collection_finish",
    "pytest_deselected",
    "pytest_runtest_logreport",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
]

# A run may choose the name of its beds, to find their logs again.
NAME = os.environ.get("CHELA_BED", "e2e")
NUMBERS = itertools.count(1)


def wheel() -> Path:
    """The plugin under test."""
    named = os.environ.get("CHELA_WHEEL")
    if named is None:
        pytest.exit(
            "CHELA_WHEEL does not name the plugin's wheel; `cargo xtask e2e` builds it and says so", 2
        )
    return Path(named)


@contextlib.contextmanager
def make_bed(options: Options) -> Iterator[Bed]:
    """A bed for as long as somebody needs it."""
    prepare(options)
    with own_name(options.name) as name:
        bed = Bed.create(dataclasses.replace(options, name=name))
        try:
            yield bed
        finally:
            bed.down()


@contextlib.contextmanager
def own_name(wanted: str) -> Iterator[str]:
    """A bed's name that no other test run in this checkout uses now."""
    paths.HOME.mkdir(parents=True, exist_ok=True)
    for name in itertools.chain([wanted], (f"{wanted}-{number}" for number in itertools.count(2))):
        with (paths.HOME / f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """A Pagure on PostgreSQL, with the plugin."""
    with make_bed(Options(wheel(), name=NAME)) as made:
        yield made


@pytest.fixture(scope="session")
def impatient_bed() -> Iterator[Bed]:
    """A Pagure whose broker hands a lost worker's message out again after seconds, not after an hour."""
    with make_bed(Options(wheel(), name=f"{NAME}-impatient", visibility_timeout=5)) as made:
        yield made


@pytest.fixture(scope="session")
def scene(bed: Bed) -> Scene:
    """The project demo/hello with its fork and branches."""
    return lay_out(bed)


@pytest.fixture(scope="session")
def aws_cloud(bed: Bed) -> Iterator[Cloud]:
    """What all deployments beside the bed's Pagure share."""
    with Cloud(bed.folder.root / "aws" / "cloud") as made:
        yield made


@pytest.fixture(scope="session")
def stacks_cloud(bed: Bed) -> Iterator[Cloud]:
    """The same, where the dialects of `infra/` can be deployed."""
    with Cloud(bed.folder.root / "aws" / "stacks", stacks=True) as made:
        yield made


@pytest.fixture(scope="session")
def cdk(tmp_path_factory: pytest.TempPathFactory) -> Cdk:
    """The package of `infra/cdk`, compiled once for a run."""
    lacking = Cdk.missing()
    if lacking:
        warnings.warn(f"NOT RUN: the CDK; {lacking}", stacklevel=1)
        pytest.skip(f"NOT RUN: the CDK; {lacking}")
    return Cdk(tmp_path_factory.mktemp("cdk"))


@pytest.fixture
def project(bed: Bed) -> Project:
    """A project of alice's that no other test knows, with something to build."""
    fresh = Project(f"project-{next(NUMBERS)}", "demo")
    bed.create_project(fresh, "alice", START)
    return fresh


@pytest.fixture
def target(bed: Bed) -> Iterator[Target]:
    """A CI service where the plugin may reach it, which accepts everything until the test says otherwise."""
    with listening(bed) as service:
        yield service


@contextlib.contextmanager
def listening(bed: Bed) -> Iterator[Target]:
    """A CI service on a port that no other one of this run listens on now."""
    ports = bed.state.target_ports
    first = next(NUMBERS)
    for number in range(len(ports)):
        service = Target(port=ports[(first + number) % len(ports)])
        try:
            service.start()
        except OSError:
            continue
        break
    else:
        pytest.fail("all ports that the bed's Pagure may reach are taken")
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[WebDriver]:
    """A headless Chromium; `chela_bed.browser.log_in` makes it somebody's."""
    yield from browsers.run()
