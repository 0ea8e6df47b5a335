"""What is wrong with a report is said, by name, and nothing of it is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from chela_bed import Bed, Project, reports
from reporting import SUCCESS, Place, build_id, make_place, now, rows

LIMIT = 64 * 1024
AHEAD = now() + timedelta(days=1)


@pytest.fixture(scope="module")
def place(bed: Bed) -> Place:
    return make_place(bed, Project("errors", "demo"))


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_stored(place: Place) -> Iterator[None]:
    """Each test of this file sends what is refused; those that go on to a good report say so."""
    before = rows(place.bed)
    yield
    flagged = {row["username"] for row in rows(place.bed) if row not in before}
    assert flagged <= {"taken"}, "a refused report was stored"


def post(place: Place, body: str | bytes | Iterable[bytes], kind: str | None = "application/json") -> Any:
    """Send with the token as a bearer, which suits any body."""
    headers = {"Authorization": f"Bearer {place.token}"}
    headers |= {} if kind is None else {"Content-Type": kind}
    address = f"{place.bed.url}/api/0/ci/webhook/{place.project.fullname}"
    return requests.post(address, data=body, headers=headers, timeout=30)


def is_problem(answer: requests.Response, status: int, member: str = "") -> None:
    """The answer is RFC 9457's, has that status and begins with the member at fault."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].startswith(f"{member}: " if member else ""), problem


def good(place: Place) -> dict[str, Any]:
    return reports.report(place.head, SUCCESS, context="taken", pull_request=place.request)


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[1]", "body"),
        (b'["build.reported","2026-11-22T20:16:02Z",{}]', "body"),
        (b"1", "body"),
        (b"null", "body"),
        (b'"text"', "body"),
        (b"\xff\xfe\x00", "body"),
        (b"{}{}", ""),
        (b"[" * 30_000, "body"),
        (b'{"a":' * 10_000, "a"),
    ],
)
def test_a_body_that_is_no_json_object_is_malformed(place: Place, body: bytes, member: str) -> None:
    is_problem(post(place, body), 400, member)


WITHOUT = ["type", "timestamp", "data", "data.commit", "data.status", "data.url"]


@pytest.mark.parametrize("member", WITHOUT)
def test_a_missing_member_is_named(place: Place, member: str) -> None:
    message = good(place)
    *path, last = member.split(".")
    del (message["data"] if path else message)[last]
    answer = post(place, json.dumps(message))
    is_problem(answer, 400)
    assert f"`{last}`" in answer.json()["detail"]


MALFORMED: list[tuple[str, Any]] = [
    ("type", "build.requested"),
    ("type", 1),
    ("timestamp", "yesterday"),
    ("timestamp", 1795000000),
    ("data", []),
    ("data.commit", "7a1b"),
    ("data.commit", "Z" * 40),
    ("data.commit", "A" * 40),
    ("data.commit", "a" * 64),
    ("data.commit", None),
    ("data.status", 7),
    ("data.url", "javascript:alert(1)"),
    ("data.url", "/log"),
    ("data.url", "https://ci.example.org/a b"),
    ("data.url", "https://user:secret@ci.example.org/"),
    ("data.url", None),
    ("data.build_id", "not a UUID"),
    ("data.build_id", "11111111-1111-4111-8111-111111111111"),
    ("data.pull_request", "7"),
    ("data.percent", "60"),
    ("data.percent", 6.5),
    ("data.context", 5),
    ("data.description", {"a": 1}),
]
OUT_OF_RANGE: list[tuple[str, Any]] = [
    ("timestamp", AHEAD.isoformat()),
    ("data.build_id", build_id(AHEAD)),
    ("data.status", "green"),
    ("data.status", ""),
    ("data.context", ""),
    ("data.context", "c" * 65),
    ("data.context", "a<b"),
    ("data.context", "é"),
    ("data.context", "a\nb"),
    ("data.pull_request", 0),
    ("data.pull_request", -1),
    ("data.pull_request", 2**31),
    ("data.percent", -1),
    ("data.percent", 101),
]


@pytest.mark.parametrize(
    ("status", "member", "value"),
    [
        *[(400, member, value) for member, value in MALFORMED],
        *[(422, member, value) for member, value in OUT_OF_RANGE],
    ],
)
def test_a_wrong_member_is_named(place: Place, status: int, member: str, value: Any) -> None:
    message = good(place)
    *path, last = member.split(".")
    (message["data"] if path else message)[last] = value
    is_problem(post(place, json.dumps(message)), status, member)


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
def test_only_json_is_taken(place: Place, kind: str | None) -> None:
    is_problem(post(place, json.dumps(good(place)), kind), 415)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_however_it_is_written(place: Place, kind: str) -> None:
    assert post(place, json.dumps(good(place)), kind).status_code == 200


def filled(place: Place, size: int) -> bytes:
    """A good report of exactly so many bytes."""
    message = good(place)
    message["padding"] = ""
    message["padding"] = "x" * (size - len(json.dumps(message)))
    return json.dumps(message).encode()


def test_a_report_of_64_kib_is_taken_and_a_byte_more_is_not(place: Place) -> None:
    assert post(place, filled(place, LIMIT)).status_code == 200
    is_problem(post(place, filled(place, LIMIT + 1)), 413)
    is_problem(post(place, iter([filled(place, LIMIT + 1)])), 413)
    assert post(place, iter([filled(place, LIMIT)])).status_code == 200


@pytest.fixture(scope="module")
def other(bed: Bed, place: Place) -> str:
    """A commit that lies in bob's fork only."""
    fork = bed.fork(place.project, "bob")
    return bed.push("bob", fork, "theirs", {"b.txt": "2\n"}, hooks=False)


def test_a_commit_that_lies_in_a_fork_is_known_with_its_pull_request_only(
    bed: Bed, place: Place, other: str
) -> None:
    for request in ({}, {"pull_request": place.request}):
        is_problem(place.report(other, SUCCESS, context="no", **request), 404, "data.commit")
    # Pagure fetches a pull request's commits into the project a moment after it was opened.
    fork = place.project.fork("bob")
    theirs = bed.open_pull_request(place.project, "theirs", source=fork, user="bob")
    assert place.applied(other, SUCCESS, context="taken", pull_request=theirs)


def test_what_is_no_commit_of_the_project_is_unknown(bed: Bed, place: Place, project: Project) -> None:
    stranger = bed.push("alice", project, "strange", {"s.txt": "3\n"}, hooks=False)
    ours = bed.work_tree(place.project)
    tree, blob = ours.head(f"{place.head}^{{tree}}"), ours.head(f"{place.head}:a.txt")
    for ident in (stranger, tree, blob, "0" * 40, "f" * 40):
        is_problem(place.report(ident, SUCCESS, context="no"), 404, "data.commit")


def test_a_tag_is_no_commit(bed: Bed, place: Place) -> None:
    ours = bed.work_tree(place.project)
    ours.tag("v1", place.head)
    ours.push("alice", "refs/tags/v1", hooks=False)
    is_problem(place.report(ours.head("refs/tags/v1"), SUCCESS, context="no"), 404, "data.commit")


def test_an_unknown_pull_request_is_named(place: Place) -> None:
    unknown = place.report(place.head, SUCCESS, context="no", pull_request=place.request + 1000)
    is_problem(unknown, 404, "data.pull_request")


def test_what_is_said_of_a_hostile_report_is_json_and_not_a_page(place: Place) -> None:
    hostile = "<script>window.pwned=1</script>"
    message = good(place)
    message["data"]["status"] = hostile
    message["data"]["context"] = hostile
    message[hostile] = hostile
    answer = post(place, json.dumps(message))
    is_problem(answer, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_report_is_never_answered_with_a_page(place: Place) -> None:
    """Numbers and texts that a database or a parser could choke on."""
    odd: list[tuple[str, Any]] = [
        ("description", "\x00"),
        ("description", "\ud800"),
        ("description", "\U0001f980" * 300),
        ("percent", 10**30),
        ("pull_request", 2**63),
        ("pull_request", 1e3),
        ("url", "https://" + "a" * 3000),
        ("url", "https://ci.example.org/" + "é" * 1000),
        ("url", "https://[::1"),
        ("context", "\u202e"),
    ]
    for member, value in odd:
        message = good(place)
        message["data"][member] = value
        answer = post(place, json.dumps(message))
        assert answer.status_code in (200, 400, 422), (member, answer.text)
        assert answer.headers["Content-Type"] in ("application/json", "application/problem+json")
