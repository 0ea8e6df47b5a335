"""What a running bed tells everybody who wants to use it: `state.json`."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from chela_bed.database import Engine
from chela_bed.paths import BedError


@dataclass(frozen=True)
class User:
    """Someone with an account on the bed's Pagure."""

    name: str
    password: str
    token: str


@dataclass(frozen=True)
class State:
    """Addresses, log-ins and tokens of a bed."""

    name: str
    database: Engine
    database_url: str
    ports: dict[str, int]
    # Where CI services of tests may listen: the plugin's configuration allows no other ports.
    target_ports: list[int]
    users: dict[str, User]
    concurrency: int
    visibility_timeout: int | None

    @property
    def url(self) -> str:
        """Where the web pages are."""
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def git_url(self) -> str:
        """Where repositories are cloned from."""
        return f"http://127.0.0.1:{self.ports['git']}"

    def save(self, file: Path) -> None:
        """Write it down, for its owner's eyes."""
        content = {**dataclasses.asdict(self), "database": self.database.value}
        content |= {"url": self.url, "git_url": self.git_url}
        file.touch(mode=0o600)
        file.write_text(json.dumps(content, indent=2))

    @classmethod
    def load(cls, file: Path) -> State:
        """Read what `save` wrote."""
        content = json.loads(file.read_text())
        missing = [field.name for field in dataclasses.fields(cls) if field.name not in content]
        if missing:
            raise BedError(f"{file} is from an older version (no {missing[0]}): start this Pagure again")
        return cls(
            name=content["name"],
            database=Engine(content["database"]),
            database_url=content["database_url"],
            ports=content["ports"],
            target_ports=content["target_ports"],
            users={name: User(**user) for name, user in content["users"].items()},
            concurrency=content["concurrency"],
            visibility_timeout=content["visibility_timeout"],
        )
