"""`chela serve`, the receiver that is shipped, as a process that a test starts, stops and kills."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from chela_bed import toml
from chela_bed.machine import Machine
from chela_bed.paths import CHECKOUT, BedError
from chela_bed.process import Process, Program
from chela_bed.project import Project
from chela_bed.waiting import wait_for

Settings = Mapping[str, Any]

# What only a running build needs of its folder.
PASSING = ["source", "pinned", "scratch"]


def binary() -> Path:
    """The program under test."""
    built = Path(os.environ.get("CHELA_PROGRAM", CHECKOUT / "target/debug/chela"))
    if not built.exists():
        raise BedError(f"{built} is missing; `cargo build -p chela` makes it")
    return built


@dataclass(frozen=True)
class Kept:
    """What the receiver has written down of a build."""

    build_id: str
    commit: str | None
    stage: str
    status: str
    description: str
    runs: int
    # The address that people read it at.
    page: str
    # When Pagure acknowledged its hold, in microseconds since 1970.
    acknowledged: int | None


class Serve:
    """One receiver with its settings, tokens, data and log, all below `folder`.

    `settings` are tables over what the bed needs, such as `{"builds": {"parallel": 1}}`.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        pagure: str,
        git: list[str],
        settings: Settings,
        process: Process | None = None,
    ) -> None:
        self.folder = folder
        self.port = port
        self.pagure = pagure
        self.git = git
        self.settings: dict[str, Any] = dict(settings)
        self.projects: dict[Project, Settings] = {}
        self.process = process or Process("serve", folder, folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    @classmethod
    def beside(cls, bed: Machine, port: int, name: str = "serve", **settings: Any) -> Serve:
        """A receiver for this bed's Pagure; `settings` are tables such as `builds={"parallel": 1}`."""
        return cls(bed.folder.root / name, port, bed.url, [bed.git_url], settings)

    def __enter__(self) -> Serve:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """The folder of all that outlives it."""
        return self.folder / "data"

    @property
    def config(self) -> Path:
        """Its settings' file."""
        return self.folder / "chela.toml"

    @property
    def pid(self) -> int | None:
        """Its process, if it runs."""
        return self.process.pid

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self.process.log.read_text(errors="replace") if self.process.log.exists() else ""

    def add(self, project: Project, token: str, jobs: Settings | None = None) -> None:
        """Take this project's requests from the next start on; its one job is `test` unless more is said."""
        self.set_token(project, token)
        self.projects[project] = {"test": {}} if jobs is None else jobs

    def set_token(self, project: Project, token: str) -> None:
        """Write a project's CI token into its file, as an administrator would."""
        fresh = self.token_file(project).with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(f"{token}\n")
        fresh.rename(self.token_file(project))

    def token_file(self, project: Project) -> Path:
        """Where a project's CI token lies."""
        folder = self.folder / "tokens"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / project.fullname.replace("/", ".")

    def start(self) -> None:
        """Start it, and wait until it takes requests."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start it, and return at once."""
        self.config.touch(mode=0o600)
        self.config.write_text(toml.dumps(self.document()))
        surroundings = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "RUST_BACKTRACE": "1"}
        command = [str(binary()), "serve", "--config", str(self.config)]
        self.process.launch(Program(command, "", surroundings, self.folder))

    def await_ready(self, timeout: float = 30) -> None:
        """Wait until it takes requests."""

        def ready() -> bool:
            if self.pid is None:
                raise BedError(f"chela serve ended while starting:\n{self.log[-3000:]}")
            return self.healthy()

        wait_for(ready, timeout, f"chela serve on port {self.port}; see {self.process.log}")

    def healthy(self) -> bool:
        """Whether it says that it can take requests."""
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/healthz", timeout=10).ok
        return False

    def stop(self, patience: float = 15) -> None:
        """Ask it to end (SIGTERM), and wait for it; it may take that long to drain, and no longer."""
        self.ask_to_end()
        try:
            wait_for(lambda: self.pid is None, patience)
        except TimeoutError:
            self.process.kill()
            raise AssertionError(f"chela serve does not end when asked to; see {self.process.log}") from None

    def ask_to_end(self) -> None:
        """Ask it to end (SIGTERM), and return at once."""
        self.process.ask_to_end()

    def kill(self) -> None:
        """End the program alone with SIGKILL: what it started is left to find its own end."""
        pid = self.pid
        if pid is None:
            raise BedError("chela serve does not run: nothing to kill")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.pid is None, 15, "the end of chela serve")

    def restart(self) -> None:
        """Stop it, if it runs, and start it again on the same port with the settings of now."""
        self.stop()
        self.start()

    def document(self) -> dict[str, Any]:
        """Its settings, whole."""
        base: dict[str, Any] = {
            "serve": {
                "listen": f"127.0.0.1:{self.port}",
                "url": self.url,
                "data": str(self.data),
                "drain": "2s",
                "log": "debug",
            },
            "pagure": {"url": self.pagure, "git": self.git},
        }
        for name, table in self.settings.items():
            base[name] = {**base.get(name, {}), **table}
        base["projects"] = {
            project.fullname: {"token_file": str(self.token_file(project)), "jobs": jobs}
            for project, jobs in self.projects.items()
        }
        return base

    def builds(self) -> dict[str, Kept]:
        """What it has written down of its builds, by their ids."""
        database = f"file:{self.data / 'chela.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True, timeout=10)) as opened:
            rows = opened.execute("SELECT id, stage, build, acknowledged FROM builds ORDER BY id").fetchall()
        return {row[0]: _kept(*row) for row in rows}

    def await_ended(self, build_id: str, timeout: float = 30) -> Kept:
        """A build as it is written down, as soon as it is over."""

        def ended() -> Kept | None:
            kept = self.builds().get(build_id)
            return kept if kept and kept.stage == "ended" else None

        return wait_for(ended, timeout, f"the end of build {build_id}")

    def build_folder(self, build_id: str) -> Path:
        """Where the things of a build lie."""
        return self.data / "builds" / build_id

    def build_log(self, build_id: str) -> str:
        """What a build has printed so far."""
        file = self.build_folder(build_id) / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def processes(self, build_id: str | None = None) -> list[int]:
        """The processes of one build, or of all builds of this receiver."""
        folders = self.data / "builds"
        names = [build_id] if build_id else [entry.name for entry in folders.glob("*")]
        marks = [mark.encode() for name in names for mark in (str(folders / name), f"CHELA_BUILD_ID={name}")]
        return [pid for pid, words in _all_processes() if any(mark in words for mark in marks)]

    def assert_tidy(self) -> None:
        """Fail if anything is left of builds that are over: processes, sources, scratch folders."""
        over = [name for name, kept in self.builds().items() if kept.stage == "ended"]
        for name in over:
            wait_for(lambda name=name: not self.processes(name), 10, f"the end of {name}'s processes")  # type: ignore[misc]
            left = [part for part in PASSING if (self.build_folder(name) / part).exists()]
            assert not left, f"{self.build_folder(name)} still has {left}"


def _kept(build_id: str, stage: str, build: str, acknowledged: int | None) -> Kept:
    record = json.loads(build)
    said = record["said"]
    return Kept(
        build_id=build_id,
        commit=record["commit"],
        stage=stage,
        status=said["status"],
        description=said["description"],
        runs=record["runs"],
        page=record["page"],
        acknowledged=acknowledged,
    )


def _all_processes() -> Iterator[tuple[int, bytes]]:
    """Every process of this machine that can be seen into: its command line and first environment."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
