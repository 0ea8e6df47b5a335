"""A project's name, in the spellings that Pagure wants in different places."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Project:
    """A project, or somebody's fork of it."""

    name: str
    namespace: str | None = None
    fork_owner: str | None = None

    @property
    def base(self) -> str:
        """`demo/hello`, without a fork's owner."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def web(self) -> str:
        """As in the web pages' and most of the API's addresses."""
        return f"fork/{self.fork_owner}/{self.base}" if self.fork_owner else self.base

    @property
    def fullname(self) -> str:
        """As in git addresses, in the contract, and below `/api/0/ci/`."""
        return f"forks/{self.fork_owner}/{self.base}" if self.fork_owner else self.base

    def fork(self, owner: str) -> Project:
        """That user's fork of this project."""
        return Project(self.name, self.namespace, owner)


HELLO = Project("hello", "demo")
PLAIN = Project("hello")
