"""The route for reports: who may report, and where."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import requests
from chela_bed import Bed, Project, reports
from reporting import NOWHERE, SUCCESS, Place, ago, make_place, now, rows, set_quiet_ci

Headers = dict[str, str]


@dataclass(frozen=True)
class Refusals:
    """A report on a project that takes it, and a project that takes none."""

    place: Place
    body: str
    other: Project

    def sign(self, at: datetime | None = None) -> Headers:
        return reports.signature(self.place.token, self.body, at)

    def post(
        self, headers: Headers, body: str | None = None, project: Project | None = None
    ) -> requests.Response:
        return reports.post(self.place.bed.url, project or self.place.project, body or self.body, headers)


@pytest.fixture(scope="module")
def place(bed: Bed) -> Place:
    return make_place(bed, Project("route", "demo"))


@pytest.fixture(scope="module")
def refusals(bed: Bed, place: Place) -> Refusals:
    other = Project("route-other", "demo")
    bed.api().post("new", {"name": other.name, "namespace": other.namespace, "description": "No CI"})
    return Refusals(place, json.dumps(reports.report(place.head, SUCCESS)), other)


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def forms(bed: Bed) -> dict[Project, tuple[str, str]]:
    """CI token and commit of a project with and without a namespace, and of bob's forks of both."""
    made = {}
    for project in (Project("forms"), Project("forms", "demo")):
        commit = bed.create_project(project)
        fork = bed.fork(project, "bob")
        made[project] = (set_quiet_ci(bed, project), commit)
        made[fork] = (set_quiet_ci(bed, fork, "bob"), commit)
    return made


@pytest.mark.parametrize("way", ["signed", "bearer"])
@pytest.mark.parametrize(
    "project",
    [
        Project("forms"),
        Project("forms", "demo"),
        Project("forms", None, "bob"),
        Project("forms", "demo", "bob"),
    ],
    ids=lambda project: project.fullname,
)
def test_all_four_forms_of_the_address_take_a_report_both_ways(
    bed: Bed, forms: dict[Project, tuple[str, str]], project: Project, way: str
) -> None:
    token, commit = forms[project]
    context = f"{way} for {project.fullname}"
    body = json.dumps(reports.report(commit, SUCCESS, context=context))
    headers = reports.signature(token, body) if way == "signed" else bearer(token)
    answer = reports.post(bed.url, project, body, headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json"), answer.text
    flag = answer.json()["flag"]
    assert answer.json()["applied"] is True
    assert (flag["context"], flag["status"], flag["percent"]) == (context, SUCCESS, None)
    # The four have the same commit, and each its own flags.
    flagged = [one for one in forms if context in [flag["username"] for flag in bed.flags(one, commit)]]
    assert flagged == [project]


def test_a_token_of_one_form_is_none_of_another(bed: Bed, forms: dict[Project, tuple[str, str]]) -> None:
    for project, (token, commit) in forms.items():
        for other in forms:
            answer = reports.send(bed.url, other, token, reports.report(commit, SUCCESS, context="own"))
            assert answer.status_code == (200 if other == project else 401)


def fingerprint(answer: requests.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that a sender could tell two answers apart by."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "Date")
    return answer.status_code, headers, answer.content


Refused = Callable[[Refusals], requests.Response]
REFUSED: dict[str, Refused] = {
    "no token": lambda it: it.post({}),
    "an empty bearer": lambda it: it.post({"Authorization": "Bearer "}),
    "a wrong bearer": lambda it: it.post(bearer("x" * 32)),
    "the token's beginning": lambda it: it.post(bearer(it.place.token[:-1])),
    "the token as another scheme": lambda it: it.post({"Authorization": f"token {it.place.token}"}),
    "the token as a basic password": lambda it: it.post(
        {"Authorization": requests.auth._basic_auth_str("alice", it.place.token)}
    ),
    "a user's API token": lambda it: it.post(bearer(it.place.bed.state.users["alice"].token)),
    "an unknown project": lambda it: it.post(bearer(it.place.token), project=Project("nothing", "demo")),
    "an unknown fork": lambda it: it.post(it.sign(), project=it.place.project.fork("carol")),
    "an unknown user's fork": lambda it: it.post(it.sign(), project=it.place.project.fork("nobody")),
    "another body": lambda it: it.post(it.sign(), it.body.replace(SUCCESS, "failure")),
    "another message's id": lambda it: it.post({**it.sign(), "webhook-id": "another"}),
    "a changed time": lambda it: it.post({**it.sign(), "webhook-timestamp": str(int(now().timestamp()) + 1)}),
    "a time that is no number": lambda it: it.post({**it.sign(), "webhook-timestamp": "now"}),
    "a message without an id": lambda it: it.post({**it.sign(), "webhook-id": ""}),
    "a replay outside the window": lambda it: it.post(it.sign(ago(seconds=302))),
    "a time too far in the future": lambda it: it.post(it.sign(now() + timedelta(seconds=310))),
    "an empty signature": lambda it: it.post({**it.sign(), "webhook-signature": ""}),
    "an empty v1": lambda it: it.post({**it.sign(), "webhook-signature": "v1,"}),
    "a signature of another version": lambda it: it.post(
        {**it.sign(), "webhook-signature": it.sign()["webhook-signature"].replace("v1,", "v2,")}
    ),
    "no JSON at all": lambda it: it.post(bearer("wrong"), "not JSON"),
}


def signed_with_nothing(body: str) -> Headers:
    """A signature that anybody can make; the library refuses to."""
    seconds = int(now().timestamp())
    digest = hmac.digest(b"", f"m.{seconds}.{body}".encode(), "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "m", "webhook-timestamp": str(seconds), "webhook-signature": signature}


def of_other_project(it: Refusals) -> Iterator[tuple[str, requests.Response]]:
    """What a project answers in each state in which it has no CI of this kind."""
    bed, other = it.place.bed, it.other
    yield "a project without CI", it.post(it.sign(), project=other)
    jenkins = bed.set_ci(other, NOWHERE, kind="jenkins", on_pull_requests=False)
    yield "a project with Jenkins", it.post(bearer(jenkins), project=other)
    # What Pagure's own removal leaves behind, and what a hand in the database could.
    set_quiet_ci(bed, other)
    bed.remove_ci(other)
    assert bed.ci_token(other) is None
    for bears in ("", "None", "null"):
        yield f"a removed hook and {bears!r}", it.post(bearer(bears), project=other)
    yield "a removed hook and an empty key", it.post(signed_with_nothing(it.body), project=other)
    bed.sql("UPDATE hook_pagure_ci SET pagure_ci_token = '' WHERE project_id = :id", id=bed.project_id(other))
    assert bed.ci_token(other) == ""
    yield "an empty token and an empty bearer", it.post(bearer(""), project=other)
    yield "an empty token and an empty key", it.post(signed_with_nothing(it.body), project=other)


def test_whoever_may_not_report_gets_one_and_the_same_answer_and_nothing_is_stored(
    bed: Bed, refusals: Refusals
) -> None:
    before = rows(bed)
    answers = {reason: refused(refusals) for reason, refused in REFUSED.items()}
    answers |= dict(of_other_project(refusals))
    assert {reason: answer.status_code for reason, answer in answers.items()} == dict.fromkeys(answers, 401)
    first = answers["a wrong bearer"]
    assert first.headers["Content-Type"] == "application/problem+json"
    assert first.json()["title"] == "Not authorized"
    for reason, answer in answers.items():
        assert fingerprint(answer) == fingerprint(first), reason
    assert rows(bed) == before


@pytest.mark.parametrize("where", ["pagure_ci_token", "token", "access_token"])
def test_the_token_is_not_taken_from_the_address(bed: Bed, refusals: Refusals, where: str) -> None:
    place = refusals.place
    address = f"{bed.url}/api/0/ci/webhook/{place.project.fullname}"
    kind = {"Content-Type": "application/json"}
    query = requests.post(address, params={where: place.token}, data=refusals.body, headers=kind, timeout=30)
    assert fingerprint(query) == fingerprint(refusals.post({}))
    path = requests.post(f"{address}/{place.token}", data=refusals.body, headers=kind, timeout=30)
    assert path.status_code in (401, 404)
    assert place.token not in path.text
    assert place.shown(place.head) == []


def test_a_message_within_the_window_is_taken_whichever_of_its_signatures_is_the_right_one(
    refusals: Refusals,
) -> None:
    for at in (ago(seconds=290), now() + timedelta(seconds=290)):
        assert refusals.post(refusals.sign(at)).status_code == 200
    good = refusals.sign()
    stale = reports.signature("the token before", refusals.body)["webhook-signature"]
    several = f"{stale} v2,xyz v1,%%% {good['webhook-signature']}"
    assert refusals.post({**good, "webhook-signature": several}).status_code == 200
    assert refusals.post({**good, "webhook-signature": f"{stale} {stale}"}).status_code == 401


def test_a_new_token_ends_the_old_one(bed: Bed, forms: dict[Project, tuple[str, str]]) -> None:
    project = Project("forms")
    old, commit = forms[project]
    bed.remove_ci(project)
    new = set_quiet_ci(bed, project)
    message = reports.report(commit, SUCCESS)
    assert old != new
    assert reports.send(bed.url, project, old, message).status_code == 401
    assert reports.send(bed.url, project, new, message).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(bed: Bed, place: Place, method: str) -> None:
    address = f"{bed.url}/api/0/ci/webhook/{place.project.fullname}"
    answer = requests.request(method, address, headers=bearer(place.token), timeout=30)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
