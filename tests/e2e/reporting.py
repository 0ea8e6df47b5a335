"""Projects to report on, build ids of a chosen time, and the order of reports written a second time."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import requests
from chela_bed import Bed, Project, Recorded, Reply, Target, reports, wait_for
from chela_bed.scene import START

NUMBERS = itertools.count(1)
PENDING, SUCCESS, CANCELED, FAILURE, ERROR = "pending", "success", "canceled", "failure", "error"
# The contract, section 2.3: which of two reports of one moment stands.
RANKS = {PENDING: 0, SUCCESS: 1, CANCELED: 2, FAILURE: 3, ERROR: 4}
NOWHERE = "https://ci.example.com/hook"


@dataclass(frozen=True)
class Place:
    """A project with CI, an open pull request and nothing that answers: what a test reports on."""

    bed: Bed
    project: Project
    token: str
    head: str
    request: int

    def commit(self, files: Mapping[str, str | None] | None = None) -> str:
        """A commit that nobody has reported on, on a branch of its own."""
        branch = f"topic-{next(NUMBERS)}"
        content = files or {"a.txt": f"{branch}\n"}
        return self.bed.push("alice", self.project, branch, content, start="main", hooks=False)

    def open(self, commit: str, title: str = "Please take this") -> int:
        """One more pull request with this commit as its head."""
        branch = f"topic-{next(NUMBERS)}"
        self.bed.work_tree(self.project).push("alice", f"{commit}:refs/heads/{branch}", hooks=False)
        return self.bed.open_pull_request(self.project, branch, title=title)

    def send(self, message: Mapping[str, Any]) -> requests.Response:
        """Send a signed message."""
        return reports.send(self.bed.url, self.project, self.token, message)

    def report(self, commit: str, status: str, *given: Any, **more: Any) -> requests.Response:
        """Report a status."""
        return self.send(reports.report(commit, status, *given, **more))

    def applied(self, commit: str, status: str, *given: Any, **more: Any) -> bool:
        """Report a status; whether it was applied."""
        answer = self.report(commit, status, *given, **more)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["applied"])

    def shown(self, commit: str) -> list[tuple[str, str]]:
        """Name and status of a commit's flags, in alphabetical order."""
        return sorted((flag["username"], flag["status"]) for flag in self.bed.flags(self.project, commit))


def make_place(bed: Bed, project: Project) -> Place:
    """A fresh project with an open pull request and CI that nothing triggers."""
    bed.create_project(project, "alice", START)
    head = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic")
    return Place(bed, project, set_quiet_ci(bed, project), head, request)


def set_quiet_ci(bed: Bed, project: Project, user: str = "alice", **more: Any) -> str:
    """CI with a token that no event triggers; the token."""
    return bed.set_ci(project, NOWHERE, user=user, on_pull_requests=False, **more)


@contextlib.contextmanager
def listening(place: Place) -> Iterator[Listener]:
    """The project's ordinary web-hook, and who receives it."""
    settings = f"{place.project.web}/options/update"
    with Target() as receiver:
        receiver.otherwise = Reply(200)
        place.bed.api().post(settings, {"Web-hooks": f"{receiver.url}/told"})
        yield Listener(place, receiver)
        place.bed.api().post(settings, {"Web-hooks": ""})


@dataclass(frozen=True)
class Listener:
    """Receives what a project's ordinary web-hook tells."""

    place: Place
    target: Target

    def told(self) -> list[Recorded]:
        """All that was told of flags until now.

        One worker tells in the order of events: with the flag that is set now, all have been told.
        """
        mark = f"mark {next(NUMBERS)}"
        assert self.place.applied(self.place.head, SUCCESS, context=mark)
        wait_for(lambda: mark in [flag_of(one)["username"] for one in self._flags()], what=mark)
        return [one for one in self._flags() if not flag_of(one)["username"].startswith("mark ")]

    def forget(self) -> None:
        """Forget what was told until now."""
        self.told()
        self.target.requests.clear()

    def _flags(self) -> list[Recorded]:
        return [one for one in self.target.requests if "flag" in one.json["msg"]]


def flag_of(told: Recorded) -> dict[str, Any]:
    """The flag of which a web-hook tells."""
    flag: dict[str, Any] = told.json["msg"]["flag"]
    return flag


def rows(bed: Bed) -> list[dict[str, Any]]:
    """All flags of all projects, as the database has them."""
    return bed.sql("SELECT * FROM commit_flags ORDER BY id")


def now() -> datetime:
    """The time."""
    return datetime.now(timezone.utc)


def ago(**span: float) -> datetime:
    """That long ago."""
    return now() - timedelta(**span)


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def build_id(at: datetime) -> str:
    """A build asked for at that moment: a UUIDv7 with the microseconds below its milliseconds."""
    millis, rest = divmod(micros(at), 1000)
    # RFC 9562, section 6.2, method 3; rounded up, so that the same microsecond is read again.
    fraction = -(-rest * 4096 // 1000)
    low = (0b10 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=(millis << 80) | (0x7000 | fraction) << 64 | low))


@dataclass(frozen=True)
class Sent:
    """A report as the order sees it."""

    build: datetime
    at: datetime
    status: str
    percent: int | None = None
    url: str = "https://ci.example.org/log"
    description: str = ""

    def message(self, commit: str, **more: Any) -> dict[str, Any]:
        """The report to send."""
        data = {"url": self.url, "description": self.description, **more}
        data |= {} if self.percent is None else {"percent": self.percent}
        return reports.report(commit, self.status, build_id(self.build), self.at, **data)

    def rank(self, *, whole_seconds: bool) -> tuple[Any, ...]:
        """What the contract compares (section 2.3)."""
        times = [micros(self.build), micros(self.at)]
        times = [time // 1_000_000 for time in times] if whole_seconds else times
        percent = -1 if self.percent is None or self.status != PENDING else self.percent
        return (*times, RANKS[self.status], percent, self.url.encode(), self.description.encode())

    def flag(self) -> tuple[str, int | None, str, str]:
        """What a flag shows of it."""
        percent = self.percent if self.status == PENDING else None
        return (self.status, percent, self.url, self.description)


def winner(sent: Iterable[Sent], *, whole_seconds: bool) -> Sent:
    """Which of these reports of one flag stands, whatever the order of their arrival."""
    return max(sent, key=lambda one: one.rank(whole_seconds=whole_seconds))
