"""Every call that came to the front, to be looked at by tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chela_bed.aws.api import Members
from chela_bed.aws.evaluator import Access
from chela_bed.aws.identities import Identity
from chela_bed.waiting import wait_for


@dataclass
class Call:
    """One request: who asked what of whom, and what came of it."""

    identity: Identity
    service: str
    operation: str
    # The request's members by their names in the service's model, as they were asked.
    params: Members
    # In lower case.
    headers: Mapping[str, str]
    accesses: Sequence[Access] = ()
    # 0 until it is answered, and for ever if the connection was cut.
    status: int = 0
    # The error's code, where the answer is one of the front's own making.
    error: str | None = None

    @property
    def name(self) -> str:
        """The operation, such as `codebuild:StartBuild`."""
        return f"{self.service}:{self.operation}"

    @property
    def role(self) -> str:
        """Whose policies decided."""
        return self.identity.role.name

    def __str__(self) -> str:
        outcome = f"{self.status} {self.error or ''}".strip()
        return f"{self.role} {self.name} {dict(self.params)} -> {outcome}"


@dataclass
class Calls:
    """The calls in their order."""

    _calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls))

    def __len__(self) -> int:
        with self._lock:
            return len(self._calls)

    def clear(self) -> None:
        """Forget what has been."""
        with self._lock:
            self._calls.clear()

    def of(self, name: str, role: str | None = None, **params: object) -> list[Call]:
        """Calls of an operation such as `s3:PutObject` with these members."""
        return [
            call
            for call in self
            if call.name == name
            and role in (None, call.role)
            and all(call.params.get(member) == value for member, value in params.items())
        ]

    def one(self, name: str, role: str | None = None, **params: object) -> Call:
        """The only call of an operation with these members; fails if there are more, or none."""
        found = self.of(name, role, **params)
        assert len(found) == 1, f"one {name} {params} was expected, not {list(map(str, found))}"
        return found[0]

    def wait(self, name: str, count: int = 1, timeout: float = 30, **params: object) -> list[Call]:
        """Calls of an operation, as soon as there are so many."""

        def enough() -> list[Call] | None:
            found = [call for call in self.of(name, None, **params) if call.status]
            return found if len(found) >= count else None

        return wait_for(enough, timeout, f"{count} {name} {params} among {[str(call) for call in self]}")

    def names(self, role: str | None = None) -> list[str]:
        """The operations in their order."""
        return [call.name for call in self if role in (None, call.role)]

    def accesses(self, role: str) -> set[tuple[str, str]]:
        """Every action on every resource that a role was granted."""
        granted = (call for call in self if call.role == role and call.error is None)
        return {(access.action, access.resource) for call in granted for access in call.accesses}
