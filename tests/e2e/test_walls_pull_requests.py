"""Pull requests that were made to do harm, all the way from a real Pagure and back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from chela_bed import Bed, Project, wait_for
from chela_bed.planting import Tree, plant
from yard import Flag, Yard, buildspec, pinned_of, plain, unharmed, yard

# Nothing that git refuses in a branch's name, and all that a shell would run.
BRANCH = "a$(touch${IFS}pwned);`touch${IFS}pwned`'b\"c|d&e"
INTO = "into-$(touch${IFS}pwned)"
TITLE = "<script>window.pwned = 1</script> $(touch pwned) \u202e'\"`touch pwned`"

OUTLIVING = "sleep 7171.7171"
LOOK = buildspec("env -0 >env; ls -A", more="artifacts:\n  files: [env]\n")
CALM: Tree = {"buildspec.yml": buildspec("echo the rules of the target")}
EVIL: Tree = {"buildspec.yml": buildspec("echo the rules of the pull request")}
NONE: Tree = {"other.txt": "x"}


@dataclass(frozen=True)
class Case:
    """A pull request, and what must become of it."""

    commands: str
    status: str
    sentence: str


CASES = {
    "time": Case("sleep 7272.7272", "error", "Stopped after 10s, the job's time-out"),
    "processes": Case(
        "sleep 7373.7373 & (sleep 7373.7373 & while sleep 7373.7373 & do :; done); wait",
        "failure",
        "the build had more than 64 processes and threads",
    ),
    "words": Case("yes", "failure", "the build printed more than 64 MiB"),
    "survival": Case(
        f"nohup {OUTLIVING} & setsid --fork env -i {OUTLIVING}; (({OUTLIVING} &) &)",
        "success",
        "The build succeeded",
    ),
    "secrets": Case(
        "cat /etc/shadow /codebuild/src/../../proc/1/environ && exit 0; exit 3",
        "failure",
        "exit status 3 in phase BUILD: cat /etc/shadow /codebuild/src/../../proc/1/environ && exit 0; exit 3",
    ),
}


@pytest.fixture(scope="module")
def walls(bed: Bed) -> Iterator[Yard]:
    with yard(bed, "walls-pr", {"test": {"timeout": "10s"}}, CALM) as made, unharmed(made):
        yield made


def flag(walls: Yard, request: int, project: Project | None = None, timeout: float = 60) -> Flag:
    """What the pull request's page shows, as soon as its build is over."""

    def ended() -> Flag | None:
        flags = walls.bed.pull_request_flags(project or walls.project, request)
        found = [Flag(flag["status"], flag["comment"], flag["url"]) for flag in flags]
        return found[0] if found and found[0].status != "pending" else None

    return wait_for(ended, timeout, f"the end of pull request {request}'s build")


@pytest.fixture(scope="module")
def opened(walls: Yard) -> dict[str, int]:
    """A pull request for each case, all at once."""
    planted = {name: walls.commands(case.commands) for name, case in CASES.items()}
    return {
        name: walls.bed.open_pull_request(walls.project, one.branch, title=f"Take {name}")
        for name, one in planted.items()
    }


def test_a_pull_requests_names_are_data_and_its_variables_are_all_there(walls: Yard) -> None:
    bed, project = walls.bed, walls.project
    walls.plant({"README.md": "x"}, INTO)
    planted = walls.plant({"buildspec.yml": LOOK}, BRANCH)
    request = bed.open_pull_request(project, BRANCH, into=INTO, title=TITLE)
    assert flag(walls, request).status == "success"
    (left,) = walls.serve.data.glob("builds/*/artifacts/primary/env")
    env, build_id = left.read_text(), left.parents[2].name
    variables = dict(one.split("=", 1) for one in env.split("\0") if one)
    clone_url = f"{bed.git_url}/{project.fullname}.git"
    expected = {
        "CI": "true",
        "CHELA_BUILD_ID": build_id,
        "CHELA_JOB": "local/test",
        "CHELA_EVENT": "pull_request",
        "CHELA_PROJECT": project.fullname,
        "CHELA_CLONE_URL": clone_url,
        "CHELA_BRANCH": BRANCH,
        "CHELA_COMMIT": planted.commit,
        "CHELA_REPORT_URL": f"{bed.url}/api/0/ci/webhook/{project.fullname}",
        "CHELA_PULL_REQUEST": str(request),
        "CHELA_TARGET_BRANCH": INTO,
        "CHELA_AUTHOR": "alice",
        "CHELA_AUTHOR_CAN_PUSH": "true",
        "REPO": clone_url,
        "BRANCH": BRANCH,
        "BRANCH_TO": INTO,
        "cause": str(request),
    }
    assert {name: variables.get(name) for name in expected} == expected
    assert walls.token not in env
    assert "pwned" not in walls.serve.build_log(build_id)


@pytest.mark.parametrize("name", [*list(CASES)[1:], "time"])
def test_a_hostile_pull_request_gets_its_flag_and_no_more(
    walls: Yard, opened: dict[str, int], name: str
) -> None:
    case = CASES[name]
    shown = flag(walls, opened[name])
    assert (shown.status, shown.comment) == (case.status, plain(case.sentence))
    assert shown.url.startswith(f"{walls.serve.url}/builds/")


def test_a_strangers_pull_request_is_walled_in_once_it_is_released(walls: Yard, tmp_path: Path) -> None:
    bed, project = walls.bed, walls.project
    fork = bed.fork(project, "bob")
    probe = "cat /etc/shadow; (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>&1; echo still here"
    mark = secrets.token_hex(8)
    commands = buildspec(f"echo {mark}; bash -c '{probe.replace('$PORT', str(walls.serve.port))}'")
    planted = plant(bed.repository(fork), {"buildspec.yml": commands}, branch="his")
    request = bed.open_pull_request(project, "his", user="bob", source=fork)
    held = f"Waits for a committer to ask for a rebuild of {planted.commit[:12]}"
    wait_for(
        lambda: [one for one in bed.pull_request_flags(project, request) if one["comment"] == held],
        what="the flag that says the build is held",
    )
    # Pagure took the report before its answer came; a click of now is later than both.
    wait_for(lambda: walls.held_since(planted.commit), what="Pagure's acknowledgement")
    bed.rebuild_by_comment(bed.login("alice"), project, request)
    assert flag(walls, request).status == "success"
    (log,) = [log for log in map(walls.serve.build_log, walls.serve.builds()) if mark in log]
    assert "\nstill here\n" in log
    assert "root:" not in log
    assert "connect: Connection refused" in log


@pytest.mark.parametrize("tree", [EVIL, NONE])
def test_a_pinned_buildspec_is_the_target_branchs_whatever_a_pull_request_brings(
    walls: Yard, tree: Tree
) -> None:
    own = pinned_of(walls.project)
    planted = plant(walls.bed.repository(own), tree)
    request = walls.bed.open_pull_request(own, planted.branch)
    assert flag(walls, request, own).status == "success"
    log = walls.serve.build_log(max(walls.serve.builds()))
    assert "\nthe rules of the target\n" in log
    assert "the rules of the pull request" not in log
