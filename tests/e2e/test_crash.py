"""What a killed worker leaves behind is done by the next one."""

from __future__ import annotations

import threading

import pytest
from chela_bed import Bed, Project, Reply, Role, Target
from chela_bed.scene import START


@pytest.fixture
def bed(impatient_bed: Bed) -> Bed:
    return impatient_bed


def test_a_delivery_whose_worker_is_killed_is_made_again_by_the_next(bed: Bed, target: Target) -> None:
    project = Project("crash", "demo")
    bed.create_project(project, "alice", START)
    token = bed.set_ci(project, f"{target.url}/crash")
    never = threading.Event()
    target.answer(Reply(202, after=never))
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    bed.open_pull_request(project, "topic")
    (first,) = target.wait()

    bed.replace_killed(Role.CI_WORKER)

    again = target.wait(2, timeout=60)[1]
    assert again.build_id == first.build_id
    assert again.verified(token)["data"] == first.verified(token)["data"]
