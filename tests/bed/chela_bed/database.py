"""The three databases Pagure can live on, private to a bed and without passwords.

A password in DB_URL would make Pagure 5.14.1 open a new connection pool for every request: it compares the
URL with SQLAlchemy 2's rendering of it, which masks the password. So the servers listen on a socket in a
folder that only their own user (and root) can enter, and on no port.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol
from urllib.parse import quote_plus

from chela_bed.paths import BedError
from chela_bed.process import Program

# sun_path of unix(7), less the end mark.
LONGEST_SOCKET_PATH = 107


class Engine(Enum):
    """Which database a bed runs on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"


class Database(Protocol):
    """What a bed needs to know of a database."""

    @property
    def url(self) -> str:
        """Pagure's DB_URL."""

    def create(self) -> None:
        """Make an empty database in an empty folder."""

    def server(self) -> Program | None:
        """The server to run, if there is one."""


@dataclass(frozen=True)
class Sqlite:
    """A file."""

    folder: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'pagure.sqlite'}"

    def create(self) -> None:
        self.folder.mkdir(parents=True)

    def server(self) -> Program | None:
        return None


@dataclass(frozen=True)
class Postgresql:
    """A cluster of its own, whose safety against power failures is switched off."""

    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql://pagure@/postgres?host={quote_plus(str(self.folder))}"

    def create(self) -> None:
        _private_folder(self.folder, "postgres")
        _check_length(self.folder / ".s.PGSQL.5432")
        arguments = ["--username=pagure", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        _run(_as_user("postgres", self.folder, [_postgresql("initdb"), *arguments, "-D", str(self.folder)]))

    def server(self) -> Program | None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [_postgresql("postgres"), "-D", str(self.folder), *options]
        return Program(
            command=_as_user("postgres", self.folder, command),
            ready="ready to accept connections",
            environment=_environment(),
            folder=Path("/"),
            stop_signal=signal.SIGINT,
        )


@dataclass(frozen=True)
class Mariadb:
    """A server of its own."""

    folder: Path

    @property
    def url(self) -> str:
        socket = quote_plus(str(self._socket))
        return f"mysql+pymysql://pagure@localhost/pagure?charset=utf8mb4&unix_socket={socket}"

    def create(self) -> None:
        _private_folder(self.folder, "mysql")
        _check_length(self._socket)
        command = ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}", "--skip-test-db"]
        _run(_as_user("mysql", self.folder, command))
        first_words = self.folder / "first-words.sql"
        first_words.write_text(
            "CREATE DATABASE IF NOT EXISTS pagure CHARACTER SET utf8mb4;\n"
            "CREATE USER IF NOT EXISTS pagure@localhost;\n"
            "GRANT ALL ON pagure.* TO pagure@localhost;\n"
        )

    def server(self) -> Program | None:
        options = [
            f"--datadir={self.folder}",
            f"--socket={self._socket}",
            f"--pid-file={self.folder / 'mariadbd.pid'}",
            f"--init-file={self.folder / 'first-words.sql'}",
            "--skip-networking",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=64M",
        ]
        return Program(
            command=_as_user("mysql", self.folder, [_tool("mariadbd"), "--no-defaults", *options]),
            ready="ready for connections",
            environment=_environment(),
            folder=Path("/"),
        )

    @property
    def _socket(self) -> Path:
        return self.folder / "mariadb.sock"


def database(engine: Engine, folder: Path) -> Database:
    """The database of that kind in that folder."""
    kinds: dict[Engine, type[Sqlite] | type[Postgresql] | type[Mariadb]] = {
        Engine.SQLITE: Sqlite,
        Engine.POSTGRESQL: Postgresql,
        Engine.MARIADB: Mariadb,
    }
    return kinds[engine](folder)


def _private_folder(folder: Path, user: str) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, user, user)


def _as_user(user: str, folder: Path, command: list[str]) -> list[str]:
    """Both servers refuse to be root. The capability lets them through a home folder closed to others."""
    if os.geteuid() != 0:
        return command
    account = pwd.getpwnam(user)
    become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]
    if not all(parent.stat().st_mode & 0o001 for parent in folder.parents):
        become += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*become, *command]


def _postgresql(program: str) -> str:
    """Debian keeps the servers of all versions beside each other, outside of PATH."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    return str(newest) if newest else _tool(program)


def _tool(program: str) -> str:
    found = shutil.which(program, path=_environment()["PATH"])
    if found is None:
        raise BedError(f"{program} is not installed; as root on Debian or Ubuntu the set-up installs it")
    return found


def _check_length(socket: Path) -> None:
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        raise BedError(f"the path {socket} is too long for a Unix socket; use a checkout nearer to /")


def _environment() -> dict[str, str]:
    return {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LANG": "C.UTF-8"}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=_environment(), cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
