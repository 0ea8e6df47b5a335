"""Repositories, names and buildspecs that were made to do harm."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from chela_bed import Bed
from chela_bed.planting import Link, Module, Tree
from test_walls_reach import Listener
from yard import COMMITTER, STRANGER, Asked, Yard, buildspec, jobs, unharmed, yard

EVERYBODY = pytest.mark.parametrize("whose", [COMMITTER, STRANGER])
FINE = buildspec("echo fine")

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)

NO_FILE = "There is no buildspec.yml in the commit; add it, or set the job\u2019s `buildspec`"
NOT_TO_READ = r"The buildspec\.yml in the commit cannot be read: .*"

# What stands where the buildspec should, and what is said of it.
NO_PLAN: dict[str, tuple[Tree, str]] = {
    "nothing": ({"other.txt": "x"}, NO_FILE),
    "no bytes": ({"buildspec.yml": b""}, r"buildspec\.yml: the file is empty: .*"),
    "a bomb": ({"buildspec.yml": f"version: 0.2\n{BOMB}"}, r"buildspec\.yml: line 6, .* too many .*"),
    "depth": ({"buildspec.yml": "version: 0.2\nphases: " + "[" * 10_000}, r"buildspec\.yml: line 2, .*"),
    "too much": ({"buildspec.yml": "#" * 300_000}, r"buildspec\.yml: .* 262144 .*"),
    "no text": ({"buildspec.yml": b"\xff\xfe\x00"}, r"buildspec\.yml: .* not UTF-8: .*"),
    "a key twice": ({"buildspec.yml": f"{FINE}version: 0.2\n"}, r"buildspec\.yml: .* stands twice .*"),
    "a tag": (
        {"buildspec.yml": "!!python/object/apply:os.system ['id']\n"},
        r"buildspec\.yml: .* means nothing in a buildspec: .*",
    ),
    "a folder": ({"buildspec.yml/x": "x"}, NOT_TO_READ),
    "a submodule": ({"buildspec.yml": Module()}, NOT_TO_READ),
    "a link out": (
        {"buildspec.yml": Link("../../../chela.toml")},
        NO_FILE,
    ),
    "a link to the host": (
        {"buildspec.yml": Link("/etc/passwd")},
        NO_FILE,
    ),
    "a link by way of a folder": (
        {"ci": Link(".."), "buildspec.yml": Link("ci/../../chela.toml")},
        NO_FILE,
    ),
    "a link to a process": (
        {"buildspec.yml": Link("/proc/self/environ")},
        NO_FILE,
    ),
    "a link to itself": (
        {"buildspec.yml": Link("buildspec.yml")},
        NOT_TO_READ,
    ),
    "a link to nothing": (
        {"buildspec.yml": Link("not-there.yml")},
        NO_FILE,
    ),
}

# Names that are commands, pages, addresses, and no text at all.
NAMES = [b"-rf", b"$(touch pwned)", b"<script>alert(1)", b"\xff\xfe", b"..twice..", b"x" * 250]
NAMES += ["\u202egnp.exe".encode(), b"a'b\"c", b"100%.txt", b"#1?x=y"]
# Names that are lines, or commands of a terminal.
LEFT_OUT = [b"a\nb", b"\x1b]0;title\x07"]


@pytest.fixture(scope="module")
def walls(bed: Bed) -> Iterator[Yard]:
    with yard(bed, "walls-content", jobs(test={})) as made, unharmed(made):
        yield made


@pytest.fixture(scope="module")
def without_plan(walls: Yard) -> dict[str, Asked]:
    """A build of each, every other one a stranger's."""
    planted = {name: walls.plant(tree) for name, (tree, _) in NO_PLAN.items()}
    asking = itertools.cycle([COMMITTER, STRANGER])
    return {name: walls.ask(one, next(asking)) for name, one in planted.items()}


@pytest.mark.parametrize("name", NO_PLAN)
def test_what_is_no_buildspec_fails_and_says_why(
    walls: Yard, without_plan: dict[str, Asked], name: str
) -> None:
    asked = without_plan[name]
    flag = walls.flag(asked)
    assert flag.status == "failure", flag
    assert re.fullmatch(NO_PLAN[name][1], flag.comment), flag.comment
    log = walls.log(asked)
    assert "root:x:0" not in log and "token_file" not in log and "PATH=" not in log


def test_a_link_within_the_tree_leads_to_the_buildspec(walls: Yard) -> None:
    planted = walls.plant({"buildspec.yml": Link("ci/real.yml"), "ci/real.yml": FINE})
    assert walls.flag(walls.ask(planted, STRANGER)).status == "success"


@EVERYBODY
def test_a_link_out_of_the_tree_leads_nowhere(walls: Yard, whose: str) -> None:
    out: Tree = {
        "shadow": Link("/etc/shadow"),
        "data": Link("../../../"),
        "folder": Link("/"),
        "log": Link("../log"),
        "long/way": Link("../../../../../../../../../../../../etc/shadow"),
    }
    more = "artifacts:\n  files: ['**/*']\n"
    planted = walls.commands(
        "cat shadow data/chela.db folder/etc/shadow log long/way 2>/dev/null || :", tree=out, more=more
    )
    asked = walls.ask(planted, whose)
    assert walls.flag(asked).status == "success"
    kept = walls.serve.build_folder(asked.build_id) / "artifacts"
    assert [path.name for path in kept.rglob("*") if not path.is_dir()] == ["buildspec.yml"]
    assert "root:" not in walls.log(asked) and "SQLite" not in walls.log(asked)


@EVERYBODY
def test_files_of_any_name_are_built_collected_and_handed_out_byte_for_byte(walls: Yard, whose: str) -> None:
    tree: Tree = {name: b"content of " + name for name in NAMES + LEFT_OUT}
    planted = walls.commands("ls | wc -l", tree=tree, more="artifacts:\n  files: ['**/*']\n")
    asked = walls.ask(planted, whose)
    flag = walls.flag(asked)
    assert flag.status == "success", walls.log(asked)
    page = requests.get(flag.url, timeout=30).text
    links = re.findall(r'href="([^"]+/artifacts/\d+/[^"]*)"', page)
    answers = [requests.get(f"{flag.url.rsplit('/', 1)[0]}/{link}", timeout=30) for link in links]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    contents = [answer.content for answer in answers if answer.content.startswith(b"content of ")]
    assert sorted(contents) == sorted(b"content of " + name for name in NAMES)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]|<script>", page)
    assert walls.log(asked).count(" is left out: its name holds a control character; rename it\n") == 2


ODD_ARTIFACTS = """\
mkdir out
ln -s /etc/passwd out/passwd
ln -s / out/root
ln -s ../buildspec.yml out/inside
mkfifo out/pipe
touch out/unreadable && chmod 0 out/unreadable
mkdir out/closed && touch out/closed/in && chmod 0 out/closed
echo real >out/real"""


@EVERYBODY
def test_only_files_become_artifacts(walls: Yard, whose: str) -> None:
    planted = walls.commands(ODD_ARTIFACTS, more="artifacts:\n  base-directory: out\n  files: ['**/*']\n")
    asked = walls.ask(planted, whose)
    assert walls.flag(asked).status == "success", walls.log(asked)
    kept = walls.serve.build_folder(asked.build_id) / "artifacts"
    files = {path.name for path in kept.rglob("*") if not path.is_dir()}
    assert files - {"unreadable", "in"} == {"real"}
    assert not any(path.is_symlink() for path in kept.rglob("*"))


ELSEWHERE = r".*: only files below the source directory are collected: .*"
NO_NAME = r".* is no name for a folder of artifacts: use letters and digits"
TOO_LARGE = r"the artifacts are larger than 2097152 bytes, which is all that is kept"
NO_ARTIFACTS = {
    "  base-directory: ../..\n  files: ['**/*']\n": ELSEWHERE,
    "  base-directory: /etc\n  files: ['**/*']\n": ELSEWHERE,
    "  files: ['../../../chela.toml', '/etc/passwd']\n": ELSEWHERE,
    "  name: ../../../intruder\n  files: ['*']\n": NO_NAME,
    "  name: $(touch /tmp/pwned; echo ../intruder)\n  files: ['*']\n": NO_NAME,
    "  files: ['large']\n": TOO_LARGE,
    "  files: ['sparse']\n": TOO_LARGE,
}


def test_artifacts_from_elsewhere_or_too_large_fail_the_build(walls: Yard) -> None:
    make = "head -c 3000000 /dev/zero >large; truncate -s 8M sparse"
    planted = {more: walls.commands(make, more=f"artifacts:\n{more}") for more in NO_ARTIFACTS}
    asking = itertools.cycle([COMMITTER, STRANGER])
    asked = {more: walls.ask(one, next(asking)) for more, one in planted.items()}
    for more, sentence in NO_ARTIFACTS.items():
        flag = walls.flag(asked[more])
        assert flag.status == "failure", walls.log(asked[more])
        assert re.fullmatch(sentence, flag.comment), (more, flag.comment)
    found = [path for path in walls.serve.folder.rglob("*") if path.name in ("intruder", "passwd")]
    assert (found, Path("/tmp/pwned").exists()) == ([], False)


def test_a_repository_inside_the_network_is_never_asked_for(walls: Yard) -> None:
    planted = walls.commands("echo fine")
    with Listener().listening() as listener:
        inside = f"http://127.0.0.1:{listener.port}/x.git"
        for number, url in enumerate((inside, "http://169.254.169.254/x.git", "https://[::1]:1/x.git"), 1):
            source = {"clone_url": url, "branch": planted.branch, "commit": planted.commit}
            asked = walls.ask(planted, source=source, pull_request=from_afar(walls, number))
            ended = walls.serve.await_ended(asked.build_id)
            assert (ended.status, ended.runs) == ("error", 1), ended
    assert listener.heard == []


def from_afar(walls: Yard, number: int) -> dict[str, Any]:
    """A pull request from a repository on another server."""
    return {
        "id": number,
        "title": "From afar",
        "url": f"{walls.bed.url}/{walls.project.web}/pull-request/{number}",
        "author": "bob",
        "target_branch": "main",
        "from_fork": True,
    }


def test_a_request_with_reports_to_elsewhere_is_refused(walls: Yard) -> None:
    with Listener().listening() as listener:
        there = f"http://127.0.0.1:{listener.port}/report"
        _, answer = walls.send(walls.commands("echo fine"), report_url=there)
        assert answer.status_code == 422
        assert "check [pagure] url" in answer.json()["detail"]
    assert listener.heard == []


@pytest.mark.parametrize(
    "url", ["file:///etc", "ssh://127.0.0.1/x", "ext::sh -c touch% /tmp/pwned", "-u/tmp/pwned", "../../../x"]
)
def test_a_repository_that_is_no_address_of_the_web_is_refused(walls: Yard, url: str) -> None:
    planted = walls.commands("echo fine")
    source = {"clone_url": url, "branch": planted.branch, "commit": planted.commit}
    pull_request = from_afar(walls, 9)
    for asked, answer in (
        walls.send(planted, source=source),
        walls.send(planted, source=source, pull_request=pull_request),
    ):
        if answer.status_code == 202:
            assert walls.serve.await_ended(asked.build_id).status == "error"
        else:
            assert answer.status_code in (400, 422), answer.text
    assert not Path("/tmp/pwned").exists()
