"""What the CI service answers, and what becomes of the build: contract, section 1.4."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from asking import Desk, desk, push_trigger
from chela_bed import Answer, Bed, Drop, Endless, Garbage, Recorded, Reply, Role, reports, wait_for

ACCEPTED = ("pending", "Accepted by the CI service")
HOSTILE = '<img src=x onerror="alert(1)">&\u202e\u0007'
# A report's text keeps a place for each character that could do harm; a problem's is one clean line.
HARMLESS = "�img src=x onerror=�alert(1)���"
MIB = 1024 * 1024
RETRY_AFTER = 9

Flag = tuple[str, str]


def problem(status: int, title: str, detail: str) -> Reply:
    """An error that explains itself: RFC 9457."""
    body = json.dumps({"title": title, "detail": detail, "status": status}).encode()
    return Reply(status, {"Content-Type": "application/problem+json"}, body)


# Answer, and what the flag says after "the CI service answered".
REFUSALS: dict[str, tuple[Answer, str]] = {
    "301": (
        Reply(301, {"Location": "/elsewhere"}),
        "301 Moved Permanently to /elsewhere; "
        "redirects are never followed, so put the final address into the CI URL",
    ),
    "307": (
        Reply(307, {"Location": "http://169.254.169.254/latest"}),
        "307 Temporary Redirect to http://169.254.169.254/latest; "
        "redirects are never followed, so put the final address into the CI URL",
    ),
    "400": (
        problem(400, "No such job", "local/test is not configured"),
        "400 Bad Request (No such job: local/test is not configured)",
    ),
    "401": (Reply(401), "401 Unauthorized; check the CI user name and the CI password, and what they permit"),
    "403": (
        problem(403, "Forbidden", "the job is for others"),
        "403 Forbidden (Forbidden: the job is for others); "
        "check the CI user name and the CI password, and what they permit",
    ),
    "404": (Reply(404, {}, b"<h1>Not here</h1>"), "404 Not Found; check the CI URL"),
    "405": (Reply(405), "405 Method Not Allowed; check the CI URL"),
    "410": (Reply(410), "410 Gone; check the CI URL"),
    "413": (Reply(413), "413 Payload Too Large"),
    "415": (Reply(415), "415 Unsupported Media Type"),
    "422": (problem(422, "Unprocessable", HOSTILE), f"422 Unprocessable Entity (Unprocessable: {HARMLESS})"),
    "418": (Reply(418), "418 I'm a teapot".replace("'", "�")),
}

ACCEPTANCES: dict[str, Answer] = {
    "empty": Reply(202),
    "no-content": Reply(204),
    "no-json": Reply(200, {"Content-Type": "text/html"}, b"<h1>Thanks!</h1>"),
    "wrong-json": Reply(200, {"Content-Type": "application/json"}, b'{"status": "pending"}'),
    "huge-json": Reply(200, {"Content-Type": "application/json"}, b'{"a": "' + b"x" * 4 * MIB + b'"}'),
    "endless": Endless(),
    "success": Reply(200, {}, json.dumps(reports.report("0" * 40, "success", description="Done")).encode()),
}


@dataclass
class Asked:
    """Builds of one project, one for each answer, and the requests that asked for them."""

    desk: Desk
    commits: dict[str, str] = field(default_factory=dict)

    def ask(self, *names: str) -> None:
        """Let the answers of these names be given."""
        tree = self.desk.bed.work_tree(self.desk.project)
        for name in names:
            self.commits[name] = tree.commit(name, {"a.txt": name}, start="main")
        tree.push("alice", *names, hooks=False)
        triggers = [push_trigger(self.desk.project, self.commits[name], name) for name in names]
        self.desk.bed.publish(*triggers)

    def requests(self, name: str) -> list[Recorded]:
        """The requests for one of the builds."""
        return [one for one in self.desk.target.requests if branch(one) == name]

    def flag(self, name: str, *, after: str = "Waiting for the CI service") -> Flag:
        """The one flag of a build, once it says something else than that."""
        return wait_for(
            lambda: next((flag for flag in self._flags(name) if flag[1] != after), None),
            what=f"another flag than {after!r} for {name}",
        )

    def _flags(self, name: str) -> list[Flag]:
        flags = self.desk.bed.flags(self.desk.project, self.commits[name])
        assert len(flags) <= 1, flags
        return [(flag["status"], flag["comment"]) for flag in flags]


def branch(request: Recorded) -> str:
    name: str = request.json["data"]["source"]["branch"]
    return name


@pytest.fixture(scope="module")
def asked(bed: Bed) -> Iterator[Asked]:
    """A build for each answer that is final."""
    answers = ACCEPTANCES | {name: answer for name, (answer, _) in REFUSALS.items()}
    with desk(bed) as made:
        made.target.otherwise = lambda request: answers[branch(request)]
        asked = Asked(made)
        asked.ask(*answers)
        yield asked


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_final_and_the_flag_says_why(asked: Asked, name: str) -> None:
    assert asked.flag(name) == ("error", f"the CI service answered {REFUSALS[name][1]}")
    assert len(asked.requests(name)) == 1


def test_a_redirect_is_not_followed(asked: Asked) -> None:
    asked.flag("301")
    assert {request.path for request in asked.desk.target.requests} == {f"/{asked.desk.project.fullname}"}


@pytest.mark.parametrize("name", ACCEPTANCES)
def test_of_an_acceptance_nothing_but_a_pending_report_is_shown(asked: Asked, name: str) -> None:
    assert asked.flag(name) == ACCEPTED
    assert len(asked.requests(name)) == 1


def test_a_pending_report_in_the_answer_cannot_speak_of_another_build(asked: Asked) -> None:
    bed, project = asked.desk.bed, asked.desk.project
    other = asked.commits["empty"]
    url = "https://ci.example.org/7"
    pending = reports.report(
        other,
        "pending",
        url=url,
        context="lint",
        pull_request=999,
        description=f"Queued {HOSTILE}",
        percent=3,
    )
    asked.desk.target.otherwise = Reply(202, {}, json.dumps(pending).encode())
    before = bed.flags(project, other)
    asked.ask("pending")
    assert asked.flag("pending") == ("pending", f"Queued {HARMLESS}��")
    (flag,) = bed.flags(project, asked.commits["pending"])
    assert (flag["username"], flag["url"], flag["percent"]) == ("local/test (commit)", url, 3)
    assert bed.flags(project, other) == before


def test_an_endless_answer_does_not_fill_the_worker(asked: Asked) -> None:
    asked.desk.target.otherwise = Endless()
    (worker,) = asked.desk.bed.process(Role.CI_WORKER).children()
    asked.ask("endless-1")
    asked.flag("endless-1")
    before = most_memory(worker)
    asked.ask("endless-2", "endless-3")
    assert (asked.flag("endless-2"), asked.flag("endless-3")) == (ACCEPTED, ACCEPTED)
    assert most_memory(worker) < before + 8 * MIB


def most_memory(process: int) -> int:
    """The most bytes that a process has ever had resident."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


# What goes wrong, and what the flag says meanwhile.
TROUBLES: dict[str, tuple[Answer | None, str]] = {
    "408": (Reply(408), "the CI service answered 408 Request Timeout"),
    "425": (Reply(425), "the CI service answered 425 Too Early"),
    "429": (Reply(429), "the CI service answered 429 Too Many Requests"),
    "500": (
        problem(500, "Broken", HOSTILE),
        f"the CI service answered 500 Internal Server Error (Broken: {HARMLESS})",
    ),
    "503": (Reply(503), "the CI service answered 503 Service Unavailable"),
    "retry-after": (
        Reply(503, {"Retry-After": str(RETRY_AFTER)}),
        "the CI service answered 503 Service Unavailable",
    ),
    "endless-500": (Endless(500), "the CI service answered 500 Internal Server Error"),
    "garbage": (Garbage(), "127.0.0.1 did not answer in HTTP"),
    "closed": (Drop(), "the connection to 127.0.0.1 failed"),
    "down": (None, "the connection to 127.0.0.1 failed: Connection refused"),
}


@dataclass
class Trouble:
    """A CI service in trouble, and what was seen of it."""

    asked: Asked
    meanwhile: Flag | None = None


@pytest.fixture(scope="module")
def troubled(bed: Bed) -> Iterator[dict[str, Trouble]]:
    """One project for each trouble, its first attempts made; then all goes well again."""
    with contextlib.ExitStack() as projects:
        found = {name: Trouble(Asked(projects.enter_context(desk(bed)))) for name in TROUBLES}
        for name, trouble in found.items():
            answer = TROUBLES[name][0]
            target = trouble.asked.desk.target
            if answer is None:
                target.stop()
            else:
                target.otherwise = answer
            trouble.asked.ask(name)
        for name, trouble in found.items():
            trouble.meanwhile = trouble.asked.flag(name)
            target = trouble.asked.desk.target
            target.otherwise = Reply()
            if TROUBLES[name][0] is None:
                target.start()
        yield found


@pytest.mark.parametrize("name", TROUBLES)
def test_what_may_pass_is_tried_again_with_the_same_build(troubled: dict[str, Trouble], name: str) -> None:
    trouble = troubled[name]
    assert trouble.meanwhile is not None
    status, comment = trouble.meanwhile
    assert status == "pending"
    assert comment.startswith(f"Waiting for the CI service: {TROUBLES[name][1]}")

    waiting = trouble.meanwhile[1]
    asked = trouble.asked
    # A second bad attempt may have been made before this test could see the first one's flag.
    wait_for(lambda: asked.flag(name, after=waiting) == ACCEPTED, 60, f"the delivery of {name}")
    requests = asked.desk.target.requests
    assert len(requests) >= (1 if name == "down" else 2)
    assert {(one.build_id, one.body) for one in requests} == {(requests[0].build_id, requests[0].body)}
    for one in requests:
        one.verified(asked.desk.token)
    for header in ("webhook-timestamp", "webhook-signature"):
        assert len({one.headers[header] for one in requests}) == len(requests), header


def test_a_retry_after_is_respected(troubled: dict[str, Trouble]) -> None:
    first, second = troubled["retry-after"].asked.desk.target.wait(2, timeout=60)[:2]
    # Without it, the next attempt comes after five seconds at most.
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= RETRY_AFTER
