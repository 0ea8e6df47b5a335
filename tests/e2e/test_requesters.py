"""Who a request names: only somebody who was seen asking for exactly this commit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from asking import (
    Desk,
    Turnstile,
    address,
    applied,
    by,
    desk,
    linked,
    moment,
    rebuild_trigger,
    turnstile,
)
from chela_bed import Bed, Message, Project, Role, Session, Target, reports, wait_for
from conftest import NUMBERS

STRANGER_OPENED = by("bob", "opened", can_push=False)
CAROL_ASKS = by("carol", "rebuild", can_push=True)
BOB_ASKS = by("bob", "rebuild", can_push=False)


@pytest.fixture(scope="module")
def hello(bed: Bed) -> Iterator[Desk]:
    """A project of alice's; carol may push to it."""
    with desk(bed) as made:
        bed.add_committer(made.project, "carol")
        yield made


@pytest.fixture(scope="module")
def fork(bed: Bed, hello: Desk) -> Project:
    """Bob's."""
    return bed.fork(hello.project, "bob")


@pytest.fixture(scope="module")
def way(bed: Bed) -> Iterator[Turnstile]:
    with turnstile(bed) as made:
        yield made


@pytest.fixture(scope="module")
def carol(bed: Bed) -> Session:
    return bed.login("carol")


@pytest.fixture(scope="module")
def bob(bed: Bed) -> Session:
    return bed.login("bob")


class Request:
    """Bob's pull request from his fork."""

    def __init__(self, hello: Desk, fork: Project) -> None:
        self.desk, self.fork = hello, fork
        self.branch = f"bobs-{next(NUMBERS)}"
        self.head = self.push(hooks=False)
        self.id = hello.bed.open_pull_request(hello.project, self.branch, source=fork, user="bob")
        linked(hello.bed, hello.project, self.id)
        hello.of_pull_request(self.id)

    def push(self, *, hooks: bool) -> str:
        """Bob pushes; without hooks Pagure does not notice before somebody looks."""
        files = {"bob.txt": str(next(NUMBERS))}
        return self.desk.bed.push("bob", self.fork, self.branch, files, hooks=hooks)

    def finish(self) -> None:
        """Report the build that the opening asked for, so that a click asks for another."""
        (opening,) = [
            one for one in self.desk.target.requests if one.json["data"]["pull_request"]["id"] == self.id
        ]
        report = reports.report(self.head, "success", opening.build_id, pull_request=self.id)
        applied(reports.send(self.desk.bed.url, self.desk.project, self.desk.token, report))

    def asked(self) -> list[tuple[str, object]]:
        """The commit of each request so far after the opening's, and who is said to have asked."""
        found = self.desk.of_pull_request(self.id)
        return [(data["source"]["commit"], data.get("requested_by")) for data in found[1:]]


@pytest.fixture
def request_of_bob(hello: Desk, fork: Project) -> Request:
    return Request(hello, fork)


def test_a_strangers_pull_request_says_when_he_opened_it_and_that_he_cannot_push(
    bed: Bed, hello: Desk, fork: Project
) -> None:
    before = datetime.now(timezone.utc)
    request = Request(hello, fork)
    after = datetime.now(timezone.utc)
    (data,) = hello.of_pull_request(request.id)
    assert data["requested_by"] == STRANGER_OPENED
    assert data["pull_request"]["author_can_push"] is False
    raw = next(
        one.json["data"]
        for one in hello.target.requests
        if one.json["data"]["pull_request"]["id"] == request.id
    )
    assert before < moment(raw["requested_by"]["at"]) < after


def test_a_committers_rebuild_of_a_strangers_commit_carries_the_committers_right(
    bed: Bed, hello: Desk, request_of_bob: Request, carol: Session
) -> None:
    request_of_bob.finish()
    bed.rebuild_by_button(carol, hello.project, request_of_bob.id)
    hello.of_pull_request(request_of_bob.id, 2)
    assert request_of_bob.asked() == [(request_of_bob.head, CAROL_ASKS)]


def test_a_strangers_rebuild_gives_him_no_right(
    bed: Bed, hello: Desk, request_of_bob: Request, bob: Session
) -> None:
    request_of_bob.finish()
    bed.rebuild_by_button(bob, hello.project, request_of_bob.id)
    hello.of_pull_request(request_of_bob.id, 2)
    assert request_of_bob.asked() == [(request_of_bob.head, BOB_ASKS)]


def look_at_page(bed: Bed, hello: Desk, request: int) -> None:
    bed.login("alice").page(f"{hello.project.web}/pull-request/{request}")


def ask_for_diffstats(bed: Bed, hello: Desk, request: int) -> None:
    bed.api("alice").get(f"{hello.project.web}/pull-request/{request}/diffstats")


def look_at_patch(bed: Bed, hello: Desk, request: int) -> None:
    bed.login("alice").page(f"{hello.project.web}/pull-request/{request}.patch")


@pytest.mark.parametrize("look", [look_at_page, ask_for_diffstats, look_at_patch])
def test_who_merely_looks_at_an_update_has_not_asked_for_it(
    bed: Bed,
    hello: Desk,
    request_of_bob: Request,
    way: Turnstile,
    look: Callable[[Bed, Desk, int], None],
) -> None:
    commit = request_of_bob.push(hooks=False)
    look(bed, hello, request_of_bob.id)
    way.settle()
    # Either the look discovered the update, or nobody did: never in alice's name.
    assert request_of_bob.asked() in [[(commit, None)], []]
    if look is look_at_page:
        assert request_of_bob.asked() == [(commit, None)]


def test_a_commit_pushed_after_a_committers_click_is_not_built_in_her_name(
    bed: Bed, hello: Desk, request_of_bob: Request, way: Turnstile, carol: Session
) -> None:
    request_of_bob.finish()
    with way.closed():
        bed.rebuild_by_button(carol, hello.project, request_of_bob.id)
        newer = request_of_bob.push(hooks=False)
        bed.login("alice").page(f"{hello.project.web}/pull-request/{request_of_bob.id}")
    way.settle()
    assert request_of_bob.asked() == [(newer, None)]


def test_a_click_on_a_page_that_knows_no_update_builds_what_the_page_showed(
    bed: Bed, hello: Desk, request_of_bob: Request, way: Turnstile, carol: Session
) -> None:
    request_of_bob.finish()
    page = f"/{hello.project.web}/pull-request/{request_of_bob.id}"
    carol.page(page)
    unseen = request_of_bob.push(hooks=False)
    # The form's token comes from another page: this one would discover the update.
    carol.submit(
        page,
        {"comment": "pretty please pagure-ci rebuild"},
        action=f"{page}/trigger-ci",
        csrf_from="/new/",
    )
    way.settle()
    assert (unseen, CAROL_ASKS) not in request_of_bob.asked()
    assert (request_of_bob.head, CAROL_ASKS) in request_of_bob.asked()


def test_a_push_that_another_one_overtook_names_nobody(bed: Bed, way: Turnstile) -> None:
    with desk(bed) as own:
        bed.add_committer(own.project, "carol")
        bed.push("alice", own.project, "topic", {"a.txt": "1\n"}, hooks=False)
        request = linked(bed, own.project, bed.open_pull_request(own.project, "topic"))
        own.of_pull_request(request)
        bed.stop(Role.CORE_WORKER)
        try:
            hers = bed.push("carol", own.project, "topic", {"a.txt": "2\n"})
            other = bed.push("alice", own.project, "topic", {"a.txt": "3\n"}, hooks=False)
        finally:
            bed.start(Role.CORE_WORKER)
        _, updated = own.of_pull_request(request, 2)
        assert (updated["source"]["commit"], updated.get("requested_by")) == (other, None)
        (pushed,) = own.of_commit(hers)
        assert pushed["requested_by"] == by("carol", "pushed", can_push=True)


def test_a_collaborator_of_some_branches_can_push_to_those_alone(
    bed: Bed, project: Project, target: Target, carol: Session
) -> None:
    bed.push("alice", project, "release/1", {"r.txt": "1\n"}, hooks=False)
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    # There is no CI yet: the opening asks for nothing that a click would be merged with.
    requests = {into: bed.open_pull_request(project, "topic", into=into) for into in ("main", "release/1")}
    bed.add_collaborator(bed.login("alice"), project, "carol", "release/*")
    bed.set_ci(project, address(target, project))
    for request in requests.values():
        bed.rebuild_by_button(carol, project, request)
    found = {
        one.json["data"]["pull_request"]["target_branch"]: one.json["data"]["requested_by"]["can_push"]
        for one in target.wait(2)
    }
    assert found == {"main": False, "release/1": True}


class TestClicks:
    """Clicks that come while a build waits or has just been accepted."""

    def test_two_clicks_in_a_row_are_one_request(
        self, bed: Bed, hello: Desk, request_of_bob: Request, way: Turnstile, carol: Session
    ) -> None:
        request_of_bob.finish()
        with way.closed():
            bed.rebuild_by_button(carol, hello.project, request_of_bob.id)
            bed.rebuild_by_comment(carol, hello.project, request_of_bob.id)
        way.settle()
        assert request_of_bob.asked() == [(request_of_bob.head, CAROL_ASKS)]

    def test_a_click_within_ten_seconds_of_an_accepted_one_asks_for_nothing_more(
        self, bed: Bed, project: Project, target: Target, way: Turnstile
    ) -> None:
        head = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
        trigger = rebuild_trigger(bed, project, bed.open_pull_request(project, "topic"))
        bed.set_ci(project, address(target, project))
        # The moments are the messages' own, so that no test has to be quick or to wait.
        first = datetime.now(timezone.utc) - timedelta(seconds=30)
        asked = []
        for seconds in (0, 9, 11):
            way.settle(click(trigger, head, first + timedelta(seconds=seconds)))
            asked.append(len(target.requests))
        assert asked == [1, 1, 2]

    def test_a_committers_click_is_more_than_the_strangers_before_it(
        self,
        bed: Bed,
        hello: Desk,
        request_of_bob: Request,
        way: Turnstile,
        bob: Session,
        carol: Session,
    ) -> None:
        request_of_bob.finish()
        with way.closed():
            bed.rebuild_by_button(bob, hello.project, request_of_bob.id)
            bed.rebuild_by_button(carol, hello.project, request_of_bob.id)
        way.settle()
        assert request_of_bob.asked() == [(request_of_bob.head, CAROL_ASKS)]

    def test_a_strangers_click_does_not_take_the_place_of_a_committers(
        self,
        bed: Bed,
        hello: Desk,
        request_of_bob: Request,
        way: Turnstile,
        bob: Session,
        carol: Session,
    ) -> None:
        request_of_bob.finish()
        with way.closed():
            bed.rebuild_by_button(carol, hello.project, request_of_bob.id)
            bed.rebuild_by_button(bob, hello.project, request_of_bob.id)
        way.settle()
        assert request_of_bob.asked() == [(request_of_bob.head, CAROL_ASKS)]

    def test_clicks_while_the_ci_service_is_down_become_one_build(
        self, bed: Bed, project: Project, target: Target, way: Turnstile, carol: Session, bob: Session
    ) -> None:
        bed.add_committer(project, "carol")
        commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
        request = bed.open_pull_request(project, "topic")
        bed.set_ci(project, address(target, project))
        target.stop()
        bed.rebuild_by_button(carol, project, request)
        wait_for(lambda: bed.flags(project, commit), what="the flag of the first attempt")
        for session in (carol, bob):
            bed.rebuild_by_button(session, project, request)
        way.settle()
        target.start()
        target.wait()
        way.settle()
        (asked,) = target.requests
        assert asked.json["data"]["requested_by"]["user"] == "carol"


def click(trigger: Message, head: str, at: datetime) -> Message:
    """The trigger of a click of alice's at that moment."""
    asker = {"user": "alice", "reason": "rebuild", "commit": head, "at": at.isoformat()}
    # A UUIDv7: milliseconds since 1970 in front.
    number = int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62
    carried = {"build_id": str(uuid.UUID(int=number)), "by": asker}
    return replace(trigger, headers={"chela": json.dumps(carried)})
