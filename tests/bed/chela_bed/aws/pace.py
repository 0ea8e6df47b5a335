"""Time on SQS: the minutes that are asked for pass in fractions of a second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from chela_bed.aws.api import Members, ServiceError

# "Amazon SQS message quotas", Amazon SQS Developer Guide.
LONGEST = {"DelaySeconds": 900, "VisibilityTimeout": 43200}


@dataclass
class Pace:
    """How long a second of SQS's is; and what functions asked for messages that they have in hand."""

    # Sixty seconds pass in 0.12, fifteen minutes in 1.8.
    second: float = 0.002
    _asked: dict[str, int | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def scaled(self, params: Members) -> dict[str, Any]:
        """A request for moto, which counts in milliseconds here (see `inside/motoserver.py`)."""
        found = dict(params)
        for name, longest in LONGEST.items():
            if name in found:
                found[name] = self._milliseconds(name, found[name], longest)
        if "Entries" in found:
            found["Entries"] = [self.scaled(entry) for entry in found["Entries"]]
        return found

    def begin(self, receipt: str) -> None:
        """A function has this message in hand: while it has, nobody else shall see it."""
        with self._lock:
            self._asked[receipt] = None

    def ask(self, receipt: str, seconds: int) -> bool:
        """Keep what a function asks for a message that it has in hand; False if it is in nobody's."""
        if not 0 <= seconds <= LONGEST["VisibilityTimeout"]:
            raise _out_of_range("VisibilityTimeout", seconds)
        with self._lock:
            if receipt not in self._asked:
                return False
            self._asked[receipt] = seconds
            return True

    def end(self, receipt: str) -> int | None:
        """The function is done with it; the time that it asked for."""
        with self._lock:
            return self._asked.pop(receipt, None)

    def _milliseconds(self, name: str, seconds: int, longest: int) -> int:
        if not 0 <= seconds <= longest:
            raise _out_of_range(name, seconds)
        return round(seconds * self.second * 1000)


def _out_of_range(name: str, seconds: int) -> ServiceError:
    return ServiceError("InvalidParameterValue", f"Value {seconds} for parameter {name} is invalid.")
