"""A running `chela serve`, and builds that wait until a test lets them go on."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from chela_bed import Bed, Project, Serve, orders, wait_for
from chela_bed.orders import Message
from chela_bed.scene import START
from conftest import NUMBERS

CONTEXT = "local/test"
COMMIT_CONTEXT = f"{CONTEXT} (commit)"
SUCCEEDED = "The build succeeded"

Flag = dict[str, Any]


def spec(*commands: str) -> dict[str, str | None]:
    """A repository whose build runs these commands, and nothing else."""
    lines = "".join(f"      - {command}\n" for command in commands)
    return {"buildspec.yml": f"version: 0.2\nphases:\n  build:\n    commands:\n{lines}"}


class Barrier:
    """A named pipe that a build's command reads to its end: the build waits for the test, and the test
    knows that the build has come so far."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"barrier-{next(NUMBERS)}"
        os.mkfifo(self.path)
        # The build's user has to read it, whatever our umask is.
        self.path.chmod(0o644)
        self._end: int | None = None

    @property
    def command(self) -> str:
        """What the build runs."""
        return f"cat {self.path}"

    def await_build(self, timeout: float = 30) -> None:
        """Wait until a build waits here."""
        wait_for(self._reached, timeout, f"a build that reads {self.path.name}")

    def release(self) -> None:
        """Let the build go on, as soon as it is here."""
        if self._end is None:
            self.await_build()
        self.forget()

    def forget(self) -> None:
        """That build is gone; the next one waits again."""
        if self._end is not None:
            os.close(self._end)
            self._end = None

    def _reached(self) -> bool:
        try:
            # Fails as long as nobody reads (fifo(7)).
            self._end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True


@dataclass
class Receiver:
    """A receiver, and a project whose builds it runs."""

    bed: Bed
    serve: Serve
    project: Project
    token: str
    barriers: list[Barrier] = field(default_factory=list)

    @property
    def lent(self) -> Path:
        """The folder that builds may look into."""
        return lent(self.serve)

    def barrier(self) -> Barrier:
        """Something for a build to wait at."""
        barrier = Barrier(self.lent)
        self.barriers.append(barrier)
        return barrier

    def push(self, branch: str, *commands: str, **options: Any) -> str:
        """Push a commit, unnoticed by CI, that builds with these commands; its id."""
        options = {"hooks": False, **options}
        return self.bed.push("alice", self.project, branch, spec(*commands), **options)

    def order(self, commit: str, **more: Any) -> Message:
        """A request for a commit's build, as of now."""
        return orders.order(self.serve.pagure, self.serve.git[0], self.project, commit, **more)

    def ask(self, message: Message) -> requests.Response:
        """Send a request as the plugin does."""
        return orders.send(self.serve.url, self.token, message)

    def begin(self, commit: str, **more: Any) -> str:
        """Have a commit's build asked for, and accepted; its name."""
        message = self.order(commit, **more)
        answer = self.ask(message)
        assert answer.status_code == 202, answer.text
        return orders.build_id(message)

    def flags(self, commit: str) -> dict[str, Flag]:
        """The commit's flags in Pagure, by their names."""
        return {flag["username"]: flag for flag in self.bed.flags(self.project, commit)}

    def await_flag(
        self, commit: str, status: str, comment: str = "", context: str = CONTEXT, timeout: float = 30
    ) -> Flag:
        """A flag, as soon as it has this status and says this."""

        def found() -> Flag | None:
            flag = self.flags(commit).get(context)
            fits = flag and flag["status"] == status and comment in flag["comment"]
            return flag if fits else None

        what = f"{status} {comment!r} on {commit} as {context}; see {self.serve.process.log}"
        return wait_for(found, timeout, what)

    def runs(self, build_id: str, word: str = "begun") -> int:
        """How often a build has printed a word on a line of its own."""
        return self.serve.build_log(build_id).splitlines().count(word)

    def close(self) -> None:
        """Let go what still waits."""
        for barrier in self.barriers:
            barrier.forget()


def lent(serve: Serve) -> Path:
    """The folder that a receiver lends to its builds.

    A build has a /tmp of its own, which would hide one that lies below the machine's.
    """
    folder = serve.folder.with_name(f"{serve.folder.name}-lent")
    if not folder.is_relative_to("/tmp"):
        return folder
    return Path("/srv", "-".join(folder.parts[1:]))


@contextlib.contextmanager
def receiver(bed: Bed, project: Project, serve: Serve, *, by_hand: bool = False) -> Iterator[Receiver]:
    """Run a receiver for a project, which gets CI; its builds may look into one folder of the machine.

    Where the test asks for all builds `by_hand`, Pagure asks for none.
    """
    folder = lent(serve)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    serve.settings["sandbox"] = {"read_only": [str(folder)], **serve.settings.get("sandbox", {})}
    token = bed.set_ci(
        project, f"{serve.url}/hook", CONTEXT, on_pull_requests=not by_hand, on_commits=not by_hand
    )
    serve.add(project, token, serve.projects.get(project))
    made = Receiver(bed, serve, project, token)
    with serve:
        try:
            yield made
            serve.assert_tidy()
            trouble = [line for line in serve.log.splitlines() if " ERROR " in line or "panicked" in line]
            assert not trouble, "\n".join(trouble)
        finally:
            made.close()
            if not folder.is_relative_to(serve.folder.parent):
                shutil.rmtree(folder)


def fresh_project(bed: Bed, name: str) -> Project:
    """A project of alice's that no other test knows."""
    project = Project(f"{name}-{next(NUMBERS)}", "demo")
    bed.create_project(project, "alice", START)
    return project


def past_hold(serve: Serve, build_id: str) -> None:
    """Wait until Pagure has said that it shows a hold, and until what people do now is later than that."""

    def acknowledged() -> int | None:
        return serve.builds()[build_id].acknowledged

    end = wait_for(acknowledged, 30, f"the acknowledgement of the hold of {build_id}")
    wait_for(lambda: time.time_ns() // 1000 > end, 30, "the second of the acknowledgement to be over")
