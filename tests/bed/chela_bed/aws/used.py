"""Which rights were used in a test run: whose, for which action, on what.

The tests of least privilege hold this against what is granted. Every test file's uses are kept in
`target/`, for those tests may run without the ones before them.
"""

from __future__ import annotations

import fcntl
import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from chela_bed.aws.evaluator import Access
from chela_bed.aws.identities import Identity
from chela_bed.paths import CHECKOUT

FILE = CHECKOUT / "target" / "tmp" / "used-rights.json"
# What a test does by itself with somebody's rights is not needed by what is deployed.
BY_HAND = "test"
ACCOUNT = re.compile(r"\d{12}")
# What differs from test to test: the projects that it makes, and each object.
NAMES = (
    (re.compile(r"(:project/).*"), r"\1*"),
    (re.compile(r"(:codepipeline:[^:]*:[^:]*:).*"), r"\1*"),
    (re.compile(r"(:s3:::[^/]*/sources/[^/]*/).*"), r"\1*/*"),
    (re.compile(r"(:s3:::[^/]*/(?!sources/)[^/]*/).*"), r"\1*"),
    (re.compile(r"(:key/).*"), r"\1*"),
    (re.compile(r"(:log-stream:).*"), r"\1*"),
    (re.compile(r"(:execute-api:[^:]*:[^:]*:)[^/]*"), r"\1*"),
    (re.compile(r"(:secret:.*-)[^-]*"), r"\1*"),
)


@dataclass(frozen=True, order=True)
class Use:
    """Somebody's right, by the name of a policy in `infra/policies`, or of a service of AWS."""

    who: str
    action: str
    # With the account 123456789012, and `*` for what differs from test to test.
    resource: str


@dataclass(frozen=True)
class Record:
    """What is known, of this run and those before."""

    # By test file.
    uses: Mapping[str, Collection[Use]]
    # The files that ran from their first test to their last, so that no use of theirs is missing.
    whole: Collection[str]

    @property
    def all(self) -> set[Use]:
        """What was used by anybody."""
        return {use for found in self.uses.values() for use in found}


@dataclass
class Uses:
    """What was used by each test file of this run."""

    by_file: dict[str, set[Use]] = field(default_factory=lambda: defaultdict(set))
    # The test file that runs now.
    file: str = ""
    # How many tests of a file are still to come, and the files of which some were left out or failed.
    left: Counter[str] = field(default_factory=Counter)
    parts: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, who: str, accesses: Iterable[Access]) -> None:
        """Somebody did what he needs these for."""
        with self._lock:
            self.by_file[self.file].update(Use(who, each.action, _plain(each.resource)) for each in accesses)

    def note_of(self, identity: Identity, accesses: Iterable[Access]) -> None:
        """A key was used."""
        if identity.arn.rpartition("/")[2] != BY_HAND:
            self.note(identity.role.kind, accesses)

    def record(self) -> Record:
        """What is known now; a file that has run in whole takes the place of what was known of it."""
        kept = _read()
        whole = {name for name, left in self.left.items() if left <= 0 and name not in self.parts}
        found = {
            name: {*self.by_file.get(name, ()), *(() if name in whole else kept.uses.get(name, ()))}
            for name in self.by_file.keys() | (whole & kept.uses.keys())
        }
        return Record({**kept.uses, **found}, {*kept.whole, *whole})

    def keep(self) -> None:
        """Write it down."""
        FILE.parent.mkdir(parents=True, exist_ok=True)
        # Several runs may end at once.
        with FILE.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            record = self.record()
            told = {
                name: [f"{use.who} {use.action} {use.resource}" for use in sorted(found)]
                for name, found in sorted(record.uses.items())
            }
            FILE.write_text(json.dumps({"whole": sorted(record.whole), "uses": told}, indent=1) + "\n")


USES = Uses()


def _read() -> Record:
    if not FILE.exists():
        return Record({}, ())
    told = json.loads(FILE.read_text())
    uses = {name: {Use(*each.split(" ", 2)) for each in found} for name, found in told["uses"].items()}
    return Record(uses, told["whole"])


def _plain(resource: str) -> str:
    plain = ACCOUNT.sub("123456789012", resource)
    for pattern, replacement in NAMES:
        plain = pattern.sub(replacement, plain)
    return plain
