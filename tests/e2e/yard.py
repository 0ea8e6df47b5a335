"""A receiver with narrow walls, and everybody's code to try them with."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from chela_bed import Bed, Project, Serve, orders, wait_for
from chela_bed.planting import Planted, Tree, plant
from chela_bed.scene import START
from conftest import NUMBERS

# Everything else in the walls is as it is shipped.
WALLS: dict[str, Any] = {
    "builds": {"parallel": 3},
    "sandbox": {
        "memory": "96MiB",
        "processes": 64,
        "file_size": "8MiB",
        "disk": "48MiB",
        "files": 1000,
        "open_files": 256,
    },
    "log": {"limit": "256KiB", "printed": "64MiB"},
    "artifacts": {"limit": "2MiB"},
}

# Whose code it is. A committer's request that names no commit may build anybody's: whoever owns the
# repository elsewhere can move its head until it is fetched.
COMMITTER, STRANGER = "committer", "stranger"

Jobs = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """A build that was asked for."""

    build_id: str
    planted: Planted
    context: str


@dataclass(frozen=True)
class Flag:
    """What Pagure shows of a build that is over."""

    status: str
    comment: str
    url: str


@dataclass(frozen=True)
class Yard:
    """A project whose builds the receiver takes."""

    bed: Bed
    serve: Serve
    project: Project
    token: str

    def plant(self, tree: Tree, branch: str | None = None) -> Planted:
        """A branch with just these files."""
        return plant(self.bed.repository(self.project), tree, branch=branch)

    def commands(self, *commands: str, more: str = "", tree: Tree | None = None) -> Planted:
        """A branch whose buildspec runs these commands, one after the other."""
        return self.plant({**(tree or {}), "buildspec.yml": buildspec(*commands, more=more)})

    def ask(self, planted: Planted, whose: str = COMMITTER, job: str = "test", **more: Any) -> Asked:
        """Ask for a build as Pagure would; `more` are further members of the request's data."""
        asked, answer = self.send(planted, whose, job, **more)
        assert answer.status_code == 202, answer.text
        return asked

    def send(
        self, planted: Planted, whose: str = COMMITTER, job: str = "test", **more: Any
    ) -> tuple[Asked, requests.Response]:
        """The same, whatever the receiver answers."""
        name = job if whose == COMMITTER else f"{job}-s"
        message = orders.order(
            self.bed.url,
            self.bed.git_url,
            self.project,
            planted.commit,
            branch=planted.branch,
            job=f"local/{name}",
            **more,
        )
        if whose == STRANGER and "source" not in more:
            del message["data"]["source"]["commit"]
        context = f"local/{name}" if "pull_request" in more else f"local/{name} (commit)"
        asked = Asked(orders.build_id(message), planted, context)
        return asked, orders.send(self.serve.url, self.token, message)

    def page(self, asked: Asked) -> str:
        """The address of its page."""
        return self.page_of(asked.build_id)

    def page_of(self, build_id: str) -> str:
        """The address of the page of a build."""
        database = f"file:{self.serve.data / 'chela.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True, timeout=10)) as opened:
            rows = opened.execute("SELECT build FROM builds WHERE id = ?", (build_id,))
            address: str = json.loads(rows.fetchone()[0])["page"]
        return address

    def flag(self, asked: Asked, timeout: float = 40) -> Flag:
        """What Pagure shows of it, as soon as it is over."""
        self.serve.await_ended(asked.build_id, timeout)

        def ended() -> Flag | None:
            for flag in self.bed.flags(self.project, asked.planted.commit):
                if flag["username"] == asked.context and flag["status"] != "pending":
                    return Flag(flag["status"], flag["comment"], flag["url"])
            return None

        return wait_for(ended, timeout, f"the end of {asked.context}; its log:\n{self.log(asked)[-300:]}")

    def log(self, asked: Asked) -> str:
        """What it has printed so far."""
        return self.serve.build_log(asked.build_id)

    def await_line(self, asked: Asked, line: str) -> None:
        """Wait until it has printed this line."""
        wait_for(lambda: f"\n{line}\n" in self.log(asked), 30, f"{line!r} in the log of {asked.build_id}")

    @contextlib.contextmanager
    def standing(self, *all_asked: Asked, name: str = "gate") -> Iterator[None]:
        """Builds that do what `gate` says stand before it, all at once, and go on afterwards."""
        with contextlib.ExitStack() as gates:
            for asked in all_asked:
                gates.callback(os.close, self._open(asked, name))
            yield

    @contextlib.contextmanager
    def neighbour(self, *commands: str) -> Iterator[Asked]:
        """Somebody else's build that has run these commands, goes on meanwhile, and must succeed."""
        asked = self.ask(self.commands(*commands, gate()))
        with self.standing(asked):
            yield asked
        assert self.flag(asked).status == "success", self.log(asked)[-300:]

    def held_since(self, commit: str) -> int | None:
        """When Pagure acknowledged that this commit is held."""
        database = f"file:{self.serve.data / 'chela.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True, timeout=10)) as opened:
            rows = opened.execute("SELECT acknowledged FROM builds WHERE sha = ?", (commit,)).fetchall()
        return next((row[0] for row in rows if row[0] is not None), None)

    def _open(self, asked: Asked, name: str) -> int:
        pipe = self.serve.build_folder(asked.build_id) / "source" / name

        def opened() -> int | None:
            with contextlib.suppress(OSError):
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            return None

        return wait_for(opened, 30, f"a build before its gate; its log:\n{self.log(asked)[-300:]}")


def gate(name: str = "gate") -> str:
    """A command that waits until the test lets it go on; see `Yard.standing`."""
    return f"mkfifo {name} && cat {name} && rm {name}"


def buildspec(*commands: str, more: str = "") -> str:
    """A buildspec that runs these commands, one after the other, and says nothing else unless `more` does."""
    lines = "".join(f"    - |\n{indented(command)}" for command in commands)
    return f"version: 0.2\nphases:\n  build:\n    commands:\n{lines}{more}"


def indented(text: str) -> str:
    """Lines of a YAML block."""
    return "".join(f"      {line}\n" for line in text.splitlines())


def jobs(**configured: dict[str, Any]) -> Jobs:
    """Each job twice, so that both builds of a commit have a flag: for committers and for strangers."""
    return {f"{name}{end}": dict(job) for name, job in configured.items() for end in ("", "-s")}


LOGGED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +(ERROR|WARN|INFO|DEBUG) [^\x00-\x1f\x7f]*")


@contextlib.contextmanager
def unharmed(walls: Yard) -> Iterator[None]:
    """Whatever builds do meanwhile: the receiver is the same process, nothing is left of them, nobody has
    written into its log, no page can be found there, and the next build works."""
    before = walls.serve.pid
    yield
    good = walls.ask(walls.commands("echo all is well"))
    assert walls.flag(good).status == "success"
    assert "\nall is well\n" in walls.log(good)
    assert (walls.serve.pid, walls.serve.healthy()) == (before, True)
    walls.serve.assert_tidy()
    log = walls.serve.log
    assert [line for line in log.splitlines() if not LOGGED.fullmatch(line)] == []
    assert walls.token not in log
    assert walls.page(good).rpartition("/")[2] not in log


def pinned_of(project: Project) -> Project:
    """The second project of a yard."""
    return Project(f"{project.name}-pinned", "demo")


@contextlib.contextmanager
def yard(
    bed: Bed, name: str, configured: Jobs, pinned: Tree | None = None, **settings: Any
) -> Iterator[Yard]:
    """A fresh project, and a receiver of its own that builds these jobs of it.

    `pinned` is the main branch of a second project, where the target branch's buildspec counts.
    """
    project = Project(f"{name}-{next(NUMBERS)}", "demo")
    bed.create_project(project, "alice", START)
    serve = Serve.beside(bed, bed.state.ports["receiver"], name, **{**WALLS, **settings})
    token = bed.set_ci(project, f"{serve.url}/hook", "local/test", on_commits=False)
    serve.add(project, token, configured)
    if pinned is not None:
        second = pinned_of(project)
        bed.create_project(second, "alice", START)
        token_of_second = bed.set_ci(second, f"{serve.url}/hook", "local/pinned", on_commits=False)
        serve.add(second, token_of_second, {"pinned": {"from": "target"}})
        plant(bed.repository(second), pinned, branch="main")
    with serve:
        yield Yard(bed, serve, project, token)


def plain(text: str) -> str:
    """A sentence without the characters that Pagure's page would take for HTML."""
    return text.translate(str.maketrans("'\"<>&", "\u2019\u201d\u2039\u203a\uff06"))


def processes_with(mark: str) -> list[str]:
    """The command lines of all processes of this machine that hold this text, whoever's they are."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if mark in words:
                    found.append(words)
    return found


def peak_memory(pid: int) -> int:
    """The most memory that a process has held at once, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1]) * 1024
