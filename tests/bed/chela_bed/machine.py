"""A Pagure set up from nothing, and its processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import trustme

from chela_bed import install
from chela_bed.client import Api, Session
from chela_bed.config import write_config
from chela_bed.database import Engine, database
from chela_bed.git import WorkTree
from chela_bed.paths import BED, BedError, Installation, RunFolder
from chela_bed.process import Process, Program, free_port
from chela_bed.programs import PAGURE, SERVERS, Role, environment, program
from chela_bed.project import Project
from chela_bed.state import State, User
from chela_bed.waiting import wait_for

B = TypeVar("B", bound="Machine")

USERS = ["alice", "bob", "carol"]

TARGETS = 24
NAMED_PORTS = ["web", "git", "redis", "receiver"]

# What an administrator adds to pagure.cfg: nothing but the last two lines where CI services are public.
PLUGIN_LINES = """
CHELA_ALLOW_HTTP = ["127.0.0.1"]
CHELA_ALLOW_NETWORKS = ["127.0.0.0/8"]
CHELA_ALLOW_PORTS = {ports}
from chela_pagure.settings import install
install(globals())
"""


@dataclass(frozen=True)
class Options:
    """What can differ between beds."""

    # The plugin, as maturin builds it.
    wheel: Path
    name: str = "main"
    database: Engine = Engine.POSTGRESQL
    concurrency: int = 1
    visibility_timeout: int | None = None
    plugin_lines: str = PLUGIN_LINES


class Machine:
    """A Pagure of our own, running or stopped."""

    def __init__(self, folder: RunFolder, state: State) -> None:
        self.folder = folder
        self.state = state

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def url(self) -> str:
        return self.state.url

    @property
    def git_url(self) -> str:
        return self.state.git_url

    @classmethod
    def create(cls: type[B], options: Options) -> B:
        """Make a bed from nothing and start it; what an earlier one of that name left behind goes."""
        folder = RunFolder(options.name)
        stop_all(folder)
        shutil.rmtree(folder.root, ignore_errors=True)
        bed = cls(folder, _first_state(options, folder))
        try:
            bed._build(options)
        except BaseException:
            bed.down()
            raise
        return bed

    @classmethod
    def open(cls: type[B], name: str = "main") -> B:
        """The bed of that name, which somebody created before."""
        folder = RunFolder(name)
        if not folder.state.exists():
            raise BedError(f"there is no bed named {name}; `cargo xtask pagure up` makes one")
        return cls(folder, State.load(folder.state))

    def down(self) -> None:
        """Stop all processes; data and logs stay for a look until the next start."""
        stop_all(self.folder)

    def running(self) -> dict[Role, int | None]:
        """Every process of the bed with its id, None for one that does not run."""
        return {role: self.process(role).pid for role in Role if self.process(role).log.exists()}

    def process(self, role: Role) -> Process:
        """One of the bed's processes."""
        return process_of(self.folder, role)

    def start(self, *roles: Role) -> None:
        """Start these processes side by side and wait until all are ready."""
        programs = {role: program(role, self.folder, self.state) for role in roles}
        wanted = {role: how for role, how in programs.items() if how is not None}
        for role, how in wanted.items():
            self.process(role).launch(how)
        for role, how in wanted.items():
            self.process(role).await_ready(how)

    def stop(self, role: Role) -> None:
        """Ask one process to end, and wait for it."""
        self.process(role).stop()

    def kill(self, role: Role) -> None:
        """End one process and its children with KILL."""
        self.process(role).kill()

    def restart(self, role: Role) -> None:
        """Stop it, if it runs, and start it again."""
        self.stop(role)
        self.start(role)

    def replace_killed(self, role: Role) -> None:
        """Kill a worker; start the next one when the broker counts the messages of the first as lost.

        A worker looks for lost messages when it connects, and then only after 100 s (kombu's `on_poll_init`
        and `restore_visible`): one that starts too early would let the test wait that long.
        """
        timeout = self.state.visibility_timeout
        if timeout is None:
            raise BedError("this bed's broker keeps a lost message for an hour: give it a visibility_timeout")
        self.kill(role)
        lost = time.monotonic() + timeout
        wait_for(lambda: time.monotonic() > lost, timeout + 5, "the broker's patience to end")
        self.start(role)

    def run_beside(self, role: Role, how: Program) -> None:
        """Start a program that is not Pagure's, stopped together with the bed."""
        self.process(role).start(how)

    def log(self, role: Role) -> str:
        """All that one process has logged."""
        return self.process(role).log.read_text(errors="replace")

    def api(self, user: str | None = "alice") -> Api:
        """The API, as a user or as nobody."""
        return Api(self.url, self.state.users[user].token if user else None)

    def login(self, user: str) -> Session:
        """A session on the web pages."""
        return Session(self.url, user, self.state.users[user].password)

    def work_tree(self, project: Project) -> WorkTree:
        """A work tree for making commits of that project."""
        folder = self.folder.work / project.fullname.replace("/", ".")
        return WorkTree(folder, self.repository(project), environment(self.folder))

    def repository(self, project: Project) -> Path:
        """The project's bare repository."""
        return self.folder.repositories / f"{project.fullname}.git"

    def authority(self) -> trustme.CA:
        """Signs the certificates that this bed's Pagure trusts."""
        return trustme.CA.from_pem(
            self.folder.certificate.read_bytes(), self.folder.certificate_key.read_bytes()
        )

    def sql(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows of one SQL statement, with `:name` for parameters."""
        rows: list[dict[str, Any]] = self._inside(
            "sql", self.state.database_url, statement, json.dumps(parameters)
        )
        return rows

    def _build(self, options: Options) -> None:
        database(options.database, self.folder.database).create()
        write_config(
            self.folder,
            database_url=self.state.database_url,
            ports=self.state.ports,
            visibility_timeout=options.visibility_timeout,
            plugin_lines=self._plugin_lines(options),
        )
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder.certificate)
        authority.private_key_pem.write_to_path(self.folder.certificate_key)
        self.state.save(self.folder.state)
        self.start(*SERVERS)
        self._inside("createdb")
        self._add_users()
        self.start(*PAGURE)

    def _plugin_lines(self, options: Options) -> str:
        ports = [self.state.ports["receiver"], *self.state.target_ports]
        return options.plugin_lines.replace("{ports}", repr(ports))

    def _add_users(self) -> None:
        passwords = {name: f"secret-{name}" for name in USERS}
        tokens: Mapping[str, str] = self._inside("users", json.dumps(passwords))
        for name, token in tokens.items():
            self.state.users[name] = User(name, passwords[name], token)
        self.state.save(self.folder.state)

    def _inside(self, script: str, *arguments: str) -> Any:
        """Run a script with Pagure's own Python; the JSON it prints last."""
        done = subprocess.run(
            [Installation().python, BED / "inside" / f"{script}.py", *arguments],
            env=environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BedError(f"{script}.py failed:\n{done.stdout}{done.stderr}")
        lines = done.stdout.splitlines()
        return json.loads(lines[-1]) if lines else None


def process_of(folder: RunFolder, role: Role) -> Process:
    """One process of the bed in a folder."""
    return Process(role.value, folder.pids, folder.logs)


def stop_all(folder: RunFolder) -> None:
    """Stop whatever runs of the bed in a folder."""
    # The servers go last: a worker that cannot reach its broker takes long to end.
    for group in ([role for role in Role if role not in SERVERS], SERVERS):
        for role in group:
            process_of(folder, role).ask_to_end()
        for role in group:
            process_of(folder, role).await_end()


def prepare(options: Options) -> None:
    """Install what a bed with these options needs."""
    tools = [install.TOOLS]
    if options.database is Engine.MARIADB:
        tools.append(install.TOOLS_OF_MARIADB)
    installation = install.install(tools)
    install.install_plugin(installation, options.wheel)


def _first_state(options: Options, folder: RunFolder) -> State:
    return State(
        name=options.name,
        database=options.database,
        database_url=database(options.database, folder.database).url,
        ports={name: free_port() for name in NAMED_PORTS},
        target_ports=[free_port() for _ in range(TARGETS)],
        users={},
        concurrency=options.concurrency,
        visibility_timeout=options.visibility_timeout,
    )
