"""The Rust core: every rule. Times are microseconds since 1970 unless said otherwise."""

from collections.abc import Mapping, Sequence
from typing import final

VERSION: str
WAITING: str
SUPERSEDED: str
CHANGED: str

# uid, name, created, updated, status, percent, url, comment
Row = tuple[str, str, int, int, str, int | None, str, str]

class InvalidReport(Exception):
    args: tuple[int, str, str]

@final
class Policy:
    def __new__(
        cls,
        *,
        allow_http: Sequence[str],
        allow_hosts: Sequence[str],
        allow_networks: Sequence[str],
        limit_hosts: Sequence[str],
        allow_ports: Sequence[str],
    ) -> Policy: ...

@final
class Wanted:
    body: str
    page: str
    committer: bool

@final
class Parcel:
    build_id: str
    job: str
    commit: str | None
    pull_request: int | None
    def __new__(cls, body: str) -> Parcel: ...
    @staticmethod
    def pause(not_before: int) -> int: ...

@final
class Outcome:
    step: str
    comment: str
    url: str | None
    percent: int | None
    not_before: int | None

@final
class Report:
    MAX_BYTES: int
    commit: str
    pull_request: int | None
    def __new__(cls, content_type: str | None, body: bytes) -> Report: ...

@final
class Write:
    uid: str
    context: str
    created: int
    updated: int
    status: str
    percent: int | None
    url: str
    comment: str
    new: bool
    notify: bool

@final
class Change:
    write: Write | None
    remove: str | None
    shows: str
    over: str | None

@final
class Subject:
    def __new__(
        cls,
        *,
        secret: str,
        project: int,
        commit: str,
        pull_request: int | None,
        job: str,
        whole_seconds: bool,
    ) -> Subject: ...
    def report(self, rows: Sequence[Row], report: Report) -> Change: ...
    def delivery(
        self,
        rows: Sequence[Row],
        *,
        build_id: str,
        committer: bool,
        step: str,
        attempts: int,
        url: str,
        comment: str,
        percent: int | None = None,
    ) -> Change: ...

def now() -> int: ...
def new_build_id() -> str: ...
def wanted(facts: str) -> Wanted: ...
def check_settings(
    ci_url: str, username: str | None, password: str | None, job: str, policy: Policy
) -> tuple[str, str] | None: ...
def settings_digest(ci_url: str, job: str) -> str: ...
def authenticate(token: str | None, headers: Mapping[str, str], body: bytes) -> bool: ...
def problem(status: int, title: str, detail: str) -> str: ...
def attempt(
    parcel: Parcel,
    body: str,
    *,
    ci_url: str,
    username: str | None,
    password: str | None,
    token: str,
    attempts: int,
    policy: Policy,
) -> Outcome: ...
def send_test(
    *,
    ci_url: str,
    username: str | None,
    password: str | None,
    token: str,
    project: str,
    job: str,
    policy: Policy,
) -> tuple[bool, str]: ...
def slot(key: str, slots: int, secret: int) -> tuple[int, int]: ...
def wait(now: int, rests_until: int, paid_until: int) -> int: ...
def after_failure(now: int, failures: int) -> int: ...
def after_attempt(now: int, paid_until: int, took: int) -> int: ...
