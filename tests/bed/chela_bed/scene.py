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

BUILDSPEC = """\
# What `chela serve` does with a commit; AWS CodeBuild would do the same.
version: 0.2
phases:
  build:
    commands:
      - make test
"""

GOOD = {"greeting.txt": "Hello, world!\n"}
BAD = {"greeting.txt": "Go away!\n"}

README = "# hello\n\n`make test` tests it.\n"
START = {"Makefile": MAKEFILE, "README.md": README, "buildspec.yml": BUILDSPEC, **GOOD}


@dataclass(frozen=True)
class Scene:
    """What was laid out."""

    project: Project
    fork: Project
    main: str
    same_project_branch: str = "kinder-greeting"
    failing_branch: str = "other-greeting"
    fork_branch: str = "ruder-greeting"


@dataclass(frozen=True)
class PullRequests:
    """The pull requests of a scene."""

    same_project: int
    failing: int
    from_fork: int


def lay_out(bed: Bed) -> Scene:
    """Projects of alice's, where carol may push; bob's fork; a good branch and two that break the test."""
    main = bed.create_project(HELLO, "alice", START)
    bed.create_project(PLAIN, "alice", START)
    bed.add_committer(HELLO, "carol")
    fork = bed.fork(HELLO, "bob")
    scene = Scene(HELLO, fork, main)
    better = {"greeting.txt": "Hello, dear world!\n"}
    bed.push("alice", HELLO, scene.same_project_branch, better, message="Greet more kindly", hooks=False)
    foreign = {"greeting.txt": "Hallo Welt!\n"}
    bed.push("carol", HELLO, scene.failing_branch, foreign, message="Greet in German", hooks=False)
    bed.push("bob", fork, scene.fork_branch, BAD, message="Be honest", hooks=False)
    return scene


def open_pull_requests(bed: Bed, scene: Scene) -> PullRequests:
    """Open those of the two who may push, from the project's own branches, and bob's from his fork."""
    same = bed.open_pull_request(
        scene.project, scene.same_project_branch, user="alice", title="Greet more kindly"
    )
    failing = bed.open_pull_request(
        scene.project, scene.failing_branch, user="carol", title="Greet in German"
    )
    fork = bed.open_pull_request(
        scene.project, scene.fork_branch, source=scene.fork, user="bob", title="Be honest"
    )
    return PullRequests(same, failing, fork)
