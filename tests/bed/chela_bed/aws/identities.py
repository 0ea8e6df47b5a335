"""Who may call: users and roles with their policies, and the access keys that prove it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chela_bed.aws.evaluator import Policy


@dataclass
class Role:
    """A role or a user; a test may change its policies while things run."""

    name: str
    policies: Sequence[Policy]
    # The policy in `infra/policies` that it should have.
    kind: str = ""


@dataclass(frozen=True)
class Identity:
    """An access key of somebody."""

    role: Role
    # The principal: a user, or somebody's session of a role.
    arn: str
    access_key: str
    secret_key: str = field(repr=False)
    # Temporary credentials have one.
    token: str | None = field(default=None, repr=False)
    # Ends the process that holds this key, as a crash would.
    kill: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    expired: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)


class Identities:
    """All access keys of an account."""

    def __init__(self) -> None:
        self._known: dict[str, Identity] = {}

    def user(self, role: Role, arn: str) -> Identity:
        """A user's access key, which does not expire."""
        return self.know(Identity(role, arn, _key("AKIA"), secrets.token_urlsafe(30)))

    def session(self, role: Role, arn: str, kill: Callable[[], None] | None = None) -> Identity:
        """Temporary credentials of a role, as a function's process is given them."""
        token = secrets.token_urlsafe(90)
        return self.know(Identity(role, arn, _key("ASIA"), secrets.token_urlsafe(30), token, kill))

    def know(self, identity: Identity) -> Identity:
        """An access key that was made elsewhere."""
        self._known[identity.access_key] = identity
        return identity

    def find(self, access_key: str) -> Identity | None:
        """Whose access key this is."""
        return self._known.get(access_key)


def _key(kind: str) -> str:
    return kind + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))
