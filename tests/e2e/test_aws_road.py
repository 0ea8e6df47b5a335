"""The whole circle: Pagure asks, the functions have CodeBuild build, and the flag says what came of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from awsing import SUCCEEDED, Circle, circle_of, deployed
from chela_bed import Bed
from chela_bed.aws import Cloud, Stack


@pytest.fixture(scope="module")
def stack(bed: Bed, aws_cloud: Cloud) -> Iterator[Stack]:
    with deployed(bed, aws_cloud, "road") as made:
        yield made


@pytest.fixture
def circle(bed: Bed, stack: Stack) -> Iterator[Circle]:
    with circle_of(bed, stack) as made:
        yield made


def test_a_good_build_turns_the_flag_green(circle: Circle) -> None:
    good = circle.propose("good", "echo all is well")
    flag = good.await_flag("success")
    assert flag["comment"] == SUCCEEDED
    (build,) = circle.builds
    assert build.log is not None and "all is well" in build.log.splitlines()
    assert build.id.rpartition(":")[2] in flag["url"]
