"""What a test lets go wrong between a caller and AWS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from chela_bed.aws.api import ServiceError
from chela_bed.aws.calls import Call
from chela_bed.aws.evaluator import Access
from chela_bed.waiting import wait_for


class Moment(Enum):
    """When a fault strikes: before AWS has seen the call, or after it has done what was asked."""

    BEFORE = "before"
    AFTER = "after"


class CutError(Exception):
    """The connection ends without an answer."""


@dataclass(frozen=True)
class Answer:
    """This error is the answer."""

    code: str
    status: int = 400
    message: str = "The test bed wants it so."

    def __call__(self, call: Call) -> None:
        raise ServiceError(self.code, self.message, self.status)


@dataclass(frozen=True)
class Cut:
    """The connection breaks."""

    def __call__(self, call: Call) -> None:
        raise CutError


@dataclass(frozen=True)
class Kill:
    """The calling function's process dies (`kill -9`)."""

    def __call__(self, call: Call) -> None:
        assert call.identity.kill, f"{call.identity.arn} is no function's process: nothing to kill"
        call.identity.kill()
        raise CutError


@dataclass
class Hold:
    """The call waits until the test lets it go."""

    released: threading.Event = field(default_factory=threading.Event)
    waiting: list[Call] = field(default_factory=list)

    def __call__(self, call: Call) -> None:
        self.waiting.append(call)
        # Longer than any test, and yet with an end.
        self.released.wait(120)

    def await_caller(self, count: int = 1, timeout: float = 30) -> list[Call]:
        """The calls that wait, as soon as there are so many."""
        wait_for(lambda: len(self.waiting) >= count, timeout, f"{count} calls that are held")
        return list(self.waiting)

    def release(self) -> None:
        """Let them go on, and all that come."""
        self.released.set()


Effect = Callable[[Call], None]


def throttled(call: Call) -> None:
    """Too many requests, as each service says it."""
    if call.service == "s3":
        raise ServiceError("SlowDown", "Please reduce your request rate.", 503)
    raise ServiceError("ThrottlingException", "Rate exceeded")


def denied(call: Call) -> None:
    """AccessDenied, as each service says it."""
    raise refusal(call)


def down(call: Call) -> None:
    """The service does not work."""
    raise ServiceError("ServiceUnavailable", "The service is unavailable. Try again later.", 503)


def conflict(call: Call) -> None:
    """Another conditional write of the same object is under way."""
    raise ServiceError(
        "ConditionalRequestConflict",
        "The conditional request cannot succeed due to a conflicting operation against this resource.",
        409,
    )


def refusal(call: Call, access: Access | None = None) -> ServiceError:
    """What a service answers to a caller without the right, by default to the first that he needs."""
    if call.service == "s3":
        return ServiceError("AccessDenied", "Access Denied", 403)
    first = access or call.accesses[0]
    return ServiceError(
        "AccessDeniedException",
        f"User: {call.identity.arn} is not authorized to perform: {first.action} on resource: "
        f"{first.resource} because no identity-based policy allows the action",
    )


@dataclass(eq=False)
class Fault:
    """An effect on some calls: those of `operation` (may have `*`) which `matches` takes."""

    operation: str
    effect: Effect
    moment: Moment = Moment.BEFORE
    role: str | None = None
    matches: Callable[[Call], bool] = lambda call: True
    # Let so many calls pass before it strikes, then strike so often; None for always.
    after: int = 0
    times: int | None = 1
    struck: list[Call] = field(default_factory=list)

    def wants(self, call: Call) -> bool:
        """Whether it strikes this call; asked once for each."""
        if not fnmatchcase(call.name, self.operation) or self.role not in (None, call.role):
            return False
        if not self.matches(call):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None and len(self.struck) >= self.times:
            return False
        self.struck.append(call)
        return True

    def await_strike(self, count: int = 1, timeout: float = 30) -> list[Call]:
        """The calls that it struck, as soon as there are so many."""
        wait_for(lambda: len(self.struck) >= count, timeout, f"{count} calls of {self.operation} to strike")
        return list(self.struck)


class Faults:
    """The faults that are in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put a fault into force until `clear`."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take all faults away, and let go of what they hold."""
        with self._lock:
            gone, self._faults = self._faults, []
        for fault in gone:
            if isinstance(fault.effect, Hold):
                fault.effect.release()

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """Put a fault into force for as long as the context lasts."""
        self.add(fault)
        try:
            yield fault
        finally:
            with self._lock:
                if fault in self._faults:
                    self._faults.remove(fault)
            if isinstance(fault.effect, Hold):
                fault.effect.release()

    def strikes(self, call: Call) -> dict[Moment, list[Effect]]:
        """What is to befall this call."""
        found: dict[Moment, list[Effect]] = {Moment.BEFORE: [], Moment.AFTER: []}
        with self._lock:
            for fault in self._faults:
                if fault.wants(call):
                    found[fault.moment].append(fault.effect)
        return found
