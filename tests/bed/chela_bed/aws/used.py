"""Which rights were used in a test run: whose, for which action, on what.

The tests of least privilege hold this against what is granted. Every test file's uses are kept in
`target/`, for those tests may run without the ones before them.
"""

from __future__ import annotations

import fcntl
import json
import re
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from chela_bed.aws.evaluator import Access
from chela_bed.aws.identities import Identity
from chela_bed.paths import CHECKOUT

FILE = CHECKOUT / "target" / "tmp" / "used-actions.json"
# What a test does by itself with somebody's rights is not needed by what is deployed.
BY_HAND = "test"
ACCOUNT = re.compile(r"\d{12}")
# What differs from test to test: the projects that it makes, and each object.
NAMES = (
    (re.compile(r"(:project/).*"), r"\1*"),
    (re.compile(r"(:codepipeline:[^:]*:[^:]*:).*"), r"\1*"),
    (re.compile(r"(:s3:::[^/]*/[^/]*/).*"), r"\1*"),
    (re.compile(r"(:key/).*"), r"\1*"),
    (re.compile(r"(:log-stream:).*"), r"\1*"),
    (re.compile(r"(:secret:.*-)[^-]*"), r"\1*"),
)


@dataclass(frozen=True, order=True)
class Use:
    """Somebody's right, by the name of a policy in `infra/policies`, or of a service of AWS."""

    who: str
    action: str
    # With the account 123456789012, and `*` for what differs from test to test.
    resource: str


@dataclass
class Uses:
    """What was used by each test file."""

    by_file: dict[str, set[Use]] = field(default_factory=lambda: defaultdict(set))
    # The test file that runs now.
    file: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, who: str, accesses: Iterable[Access]) -> None:
        """Somebody did what he needs these for."""
        with self._lock:
            self.by_file[self.file].update(Use(who, each.action, _plain(each.resource)) for each in accesses)

    def note_of(self, identity: Identity, accesses: Iterable[Access]) -> None:
        """A key was used."""
        if identity.arn.rpartition("/")[2] != BY_HAND:
            self.note(identity.role.kind, accesses)

    def all(self) -> set[Use]:
        """Everything, of this run and those that were kept."""
        kept = {} if not FILE.exists() else _read()
        return set().union(*kept.values(), *self.by_file.values())

    def keep(self, whole: Collection[str]) -> None:
        """Write it down; of the files that ran `whole`, in place of what was known."""
        FILE.parent.mkdir(parents=True, exist_ok=True)
        # Several runs may end at once.
        with FILE.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = _read() if FILE.exists() else {}
            for name, found in self.by_file.items():
                kept[name] = found if name in whole else kept.get(name, set()) | found
            told = {
                name: [f"{use.who} {use.action} {use.resource}" for use in sorted(found)]
                for name, found in sorted(kept.items())
            }
            FILE.write_text(json.dumps(told, indent=1) + "\n")


USES = Uses()


def _read() -> dict[str, set[Use]]:
    found: dict[str, list[str]] = json.loads(FILE.read_text())
    return {name: {Use(*each.split(" ", 2)) for each in uses} for name, uses in found.items()}


def _plain(resource: str) -> str:
    plain = ACCOUNT.sub("123456789012", resource)
    for pattern, replacement in NAMES:
        plain = pattern.sub(replacement, plain)
    return plain
