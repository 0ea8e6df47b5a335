"""What each dialect can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.cloudformation import Resource
from chela_bed.aws.dialects.wish import Wish
from chela_bed.aws.moto import Moto


class Design(Protocol):
    """A stack as it would be, in CloudFormation's types and properties, every reference filled in.

    The names of resources are those of `infra/cloudformation/chela.yaml`.
    """

    @property
    def account(self) -> Account:
        """Whose it is, and in which region."""

    @property
    def resources(self) -> Mapping[str, Resource]:
        """All that are made, by their logical names."""

    def statements(self, role: str) -> list[Mapping[str, Any]]:
        """All that the policies of a role or user say, by its logical name."""


class Deployed(Protocol):
    """A stack that moto has made."""

    @property
    def clients(self) -> Clients:
        """As its account's owner."""

    @property
    def form(self) -> str:
        """The address for Pagure's form, as the stack tells it."""

    def destroy(self) -> None:
        """Take it away as a user would."""


class Dialect(Protocol):
    """One of the three; `folder` is that of its sources, `infra/<name>` or a copy with a mistake in it."""

    name: str

    def __init__(self, scratch: Path, folder: Path | None = None) -> None: ...

    @staticmethod
    def missing() -> str | None:
        """What this machine lacks for it, in a sentence."""

    def design(self, wish: Wish, account: Account) -> Design:
        """The stack as it would be; a bad input fails with `RefusedError` and the dialect's own words."""

    def deploy(self, wish: Wish, moto: Moto, account: Account) -> Deployed:
        """Make it on a moto with `stacks=True`; the zips may be empty ones."""
