"""The project every bed begins with: something to build, a fork, and branches that wait for pull requests."""

from __future__ import annotations

from dataclasses import dataclass

from chela_bed.bed import Bed
from chela_bed.project import HELLO, PLAIN, Project

MAKEFILE = """\
# The test passes as long as greeting.txt greets.
test:
\t@grep -q '^Hello' greeting.txt && echo "greeting.txt greets"
"""

GOOD = {"greeting.txt": "Hello, world!\n"}
BAD = {"greeting.txt": "Go away!\n"}

START = {"Makefile": MAKEFILE, "README.md": "# hello\n\n`make test` tests it.\n", **GOOD}


@dataclass(frozen=True)
class Scene:
    """What was laid out."""

    project: Project
    fork: Project
    main: str
    same_project_branch: str = "kinder-greeting"
    fork_branch: str = "ruder-greeting"


@dataclass(frozen=True)
class PullRequests:
    """The two pull requests of a scene."""

    same_project: int
    from_fork: int


def lay_out(bed: Bed) -> Scene:
    """Projects of alice's, where carol may push; bob's fork; one good branch and one that breaks the test."""
    main = bed.create_project(HELLO, "alice", START)
    bed.create_project(PLAIN, "alice", START)
    bed.add_committer(HELLO, "carol")
    fork = bed.fork(HELLO, "bob")
    scene = Scene(HELLO, fork, main)
    better = {"greeting.txt": "Hello, dear world!\n"}
    bed.push("alice", HELLO, scene.same_project_branch, better, message="Greet more kindly", hooks=False)
    bed.push("bob", fork, scene.fork_branch, BAD, message="Be honest", hooks=False)
    return scene


def open_pull_requests(bed: Bed, scene: Scene) -> PullRequests:
    """Open one pull request from the project's own branch, and bob's from his fork."""
    same = bed.open_pull_request(
        scene.project, scene.same_project_branch, user="alice", title="Greet more kindly"
    )
    fork = bed.open_pull_request(
        scene.project, scene.fork_branch, source=scene.fork, user="bob", title="Be honest"
    )
    return PullRequests(same, fork)
