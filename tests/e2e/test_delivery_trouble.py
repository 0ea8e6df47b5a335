"""Trouble of Pagure's own while it delivers: its broker or its database goes away for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from asking import Desk, desk, push_trigger
from chela_bed import Bed, Reply, Role, wait_for

# These would fail once each on a connection that the database has closed.
USERS_OF_THE_DATABASE = [Role.WEB, Role.CORE_WORKER, Role.SERVICES_WORKER]


@pytest.fixture
def ci(bed: Bed) -> Iterator[Desk]:
    with desk(bed) as made:
        yield made


def test_a_rebuild_is_sent_although_the_flag_waits_for_a_message_that_the_broker_lost(ci: Desk) -> None:
    bed, project = ci.bed, ci.project
    ci.target.answer(Reply(503, {"Retry-After": "3600"}))
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic")
    (first,) = ci.target.wait()
    wait_for(lambda: "503" in str(bed.flags(project, commit)), what="the flag that waits")

    bed.restart(Role.REDIS)
    # Two clicks within ten seconds are one wish; here time has passed.
    bed.sql(
        "UPDATE commit_flags SET date_created = date_created - interval '1 minute', "
        "date_updated = date_updated - interval '1 minute' WHERE commit_hash = :commit",
        commit=commit,
    )
    bed.rebuild_by_button(bed.login("alice"), project, request)

    second = ci.target.wait(2, timeout=60)[1]
    assert second.build_id > first.build_id
    accepted = [("pending", "Accepted by the CI service")]
    wait_for(lambda: flags(ci, commit) == accepted, what="the rebuild's flag")


def test_a_delivery_survives_that_the_database_is_down_for_a_moment(ci: Desk) -> None:
    bed = ci.bed
    answered = threading.Event()
    ci.target.answer(Reply(after=answered))
    commit = bed.push("alice", ci.project, "topic", {"a.txt": "1\n"}, hooks=False)
    bed.publish(push_trigger(ci.project, commit, "topic"))
    (first,) = ci.target.wait()
    before = bed.log(Role.CI_WORKER).count(failed := "A step of a delivery failed; it is tried again")
    bed.stop(Role.DATABASE)
    try:
        answered.set()
        wait_for(lambda: bed.log(Role.CI_WORKER).count(failed) > before, what="the failure in the log")
    finally:
        bed.start(Role.DATABASE)
        for role in USERS_OF_THE_DATABASE:
            bed.process(role).ask_to_end()
        for role in USERS_OF_THE_DATABASE:
            bed.process(role).await_end()
        bed.start(*USERS_OF_THE_DATABASE)

    again = ci.target.wait(2, timeout=60)[1]
    assert (again.build_id, again.body) == (first.build_id, first.body)
    accepted = [("pending", "Accepted by the CI service")]
    wait_for(lambda: flags(ci, commit) == accepted, what="the flag")


def flags(ci: Desk, commit: str) -> list[tuple[str, str]]:
    return [(flag["status"], flag["comment"]) for flag in ci.bed.flags(ci.project, commit)]
