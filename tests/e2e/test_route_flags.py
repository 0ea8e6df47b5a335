"""Which flag a report changes, and which of two reports stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from chela_bed import Bed, Project, reports
from reporting import (
    CANCELED,
    ERROR,
    FAILURE,
    PENDING,
    SUCCESS,
    Place,
    ago,
    build_id,
    make_place,
    rows,
    set_quiet_ci,
)

JOB = "local/test"


@pytest.fixture(scope="module")
def place(bed: Bed) -> Place:
    return make_place(bed, Project("flags", "demo"))


def test_two_pull_requests_with_one_head_and_the_commits_own_build_have_three_flags(place: Place) -> None:
    commit = place.commit()
    first, second = place.open(commit), place.open(commit)
    build = build_id(ago(minutes=1))
    assert place.applied(commit, SUCCESS, build, pull_request=first)
    assert place.applied(commit, FAILURE, build, pull_request=second)
    assert place.applied(commit, ERROR, build)
    assert place.shown(commit) == [(JOB, FAILURE), (JOB, SUCCESS), (f"{JOB} (commit)", ERROR)]
    assert place.applied(commit, CANCELED, build_id(ago(seconds=5)), pull_request=first)
    assert place.shown(commit) == [(JOB, CANCELED), (JOB, FAILURE), (f"{JOB} (commit)", ERROR)]


def test_the_same_commit_in_a_fork_has_a_flag_of_its_own(bed: Bed, place: Place) -> None:
    fork = bed.fork(place.project, "bob")
    token = set_quiet_ci(bed, fork, "bob")
    commit = bed.work_tree(place.project).head("main")
    assert place.applied(commit, SUCCESS, context="same")
    assert reports.send(bed.url, fork, token, reports.report(commit, FAILURE, context="same")).ok
    assert place.shown(commit) == [("same", SUCCESS)]
    assert [flag["status"] for flag in bed.flags(fork, commit)] == [FAILURE]


def test_a_context_is_the_flags_name_and_a_flag_of_its_own(place: Place) -> None:
    commit = place.commit()
    for context in ("a", "A", "b c", "x" * 64, "codebuild/hello #1 (+arm64)"):
        assert place.applied(commit, PENDING, context=context)
    assert len(place.shown(commit)) == 5


def test_a_late_pending_never_reopens_a_finished_flag(place: Place) -> None:
    commit, build = place.commit(), build_id(ago(minutes=9))
    assert place.applied(commit, SUCCESS, build, ago(minutes=3))
    assert not place.applied(commit, PENDING, build, ago(minutes=4))
    answer = place.report(commit, PENDING, build, ago(minutes=8), description="late").json()
    assert (answer["applied"], answer["flag"]["status"], answer["flag"]["description"]) == (
        False,
        SUCCESS,
        "",
    )
    # A failed stage that is tried again is no late word.
    assert place.applied(commit, FAILURE, build, ago(minutes=2))
    assert place.applied(commit, PENDING, build, ago(minutes=1))
    assert place.applied(commit, SUCCESS, build, ago(seconds=5))


def test_an_older_build_never_covers_a_newer_one(place: Place) -> None:
    commit = place.commit()
    older, newer = build_id(ago(minutes=20)), build_id(ago(minutes=10))
    assert place.applied(commit, FAILURE, older, ago(minutes=15))
    assert place.applied(commit, PENDING, newer, ago(minutes=9))
    assert not place.applied(commit, ERROR, older, ago(minutes=1))
    assert place.applied(commit, SUCCESS, newer, ago(minutes=8))
    assert [status for _, status in place.shown(commit)] == [SUCCESS]


def test_builds_of_one_millisecond_keep_their_order(place: Place) -> None:
    commit, moment = place.commit(), ago(minutes=10).replace(microsecond=5_000)
    earlier, later = build_id(moment), build_id(moment + timedelta(microseconds=1))
    assert place.applied(commit, SUCCESS, later, moment)
    assert not place.applied(commit, ERROR, earlier, moment + timedelta(seconds=9))


def test_of_one_moment_the_graver_status_stands_then_the_percent_then_the_texts(place: Place) -> None:
    commit, build, at = place.commit(), build_id(ago(minutes=9)), ago(minutes=5)
    rising: list[dict[str, Any]] = [
        {"status": PENDING},
        {"status": PENDING, "percent": 0},
        {"status": PENDING, "percent": 60},
        {"status": PENDING, "percent": 60, "url": "https://ci.example.org/z"},
        {"status": PENDING, "percent": 60, "url": "https://ci.example.org/z", "description": "a"},
        {"status": PENDING, "percent": 60, "url": "https://ci.example.org/z", "description": "é"},
        {"status": SUCCESS, "percent": 0},
        {"status": CANCELED},
        {"status": FAILURE},
        {"status": ERROR},
    ]
    for number, one in enumerate(rising):
        assert place.applied(commit, build_id=build, at=at, **one), one
        for before in rising[max(number - 1, 0) : number + 1]:
            assert not place.applied(commit, build_id=build, at=at, **before), (before, one)


def test_the_same_report_twice_is_applied_once(place: Place) -> None:
    commit = place.commit()
    message = reports.report(commit, FAILURE, build_id(ago(minutes=1)), description="It failed")
    first, again = place.send(message).json(), place.send(message).json()
    assert (first["applied"], again["applied"]) == (True, False)
    assert first["flag"] == again["flag"]


def test_a_report_without_a_build_id_is_ordered_by_its_time(place: Place) -> None:
    commit = place.commit()
    assert place.applied(commit, SUCCESS, at=ago(minutes=5))
    assert not place.applied(commit, ERROR, at=ago(minutes=6))
    assert place.applied(commit, PENDING, at=ago(minutes=4))


def test_percent_is_shown_while_pending_only(bed: Bed, place: Place) -> None:
    commit, build = place.commit(), build_id(ago(minutes=9))
    for status, percent, shown in ((PENDING, 40, 40), (SUCCESS, 100, None)):
        assert place.applied(commit, status, build, percent=percent)
        assert [flag["percent"] for flag in bed.flags(place.project, commit)] == [shown]


def test_a_description_is_cut_and_harmless(bed: Bed, place: Place) -> None:
    commit = place.commit()
    assert place.applied(commit, SUCCESS, description="<b>\"'&\n" + "é" * 300)
    (flag,) = bed.flags(place.project, commit)
    assert flag["comment"] == "\ufffdb" + "\ufffd" * 5 + "é" * 248


def test_a_commit_has_fifty_flags_of_ours_and_no_more(bed: Bed, place: Place) -> None:
    commit = place.commit()
    assert place.applied(commit, PENDING, context="check 1")
    # Anybody with a token for Pagure's flag API can set such flags: they take no room.
    bed.sql(
        "INSERT INTO commit_flags (commit_hash, project_id, user_id, uid, status, username, comment, url, "
        "date_created, date_updated) SELECT commit_hash, project_id, user_id, 'uid ' || number, status, "
        "'other ' || number, comment, url, date_created, date_updated "
        "FROM commit_flags, generate_series(1, 60) AS number WHERE commit_hash = :commit",
        commit=commit,
    )
    for number in range(2, 51):
        assert place.applied(commit, PENDING, context=f"check {number}")
    answer = place.report(commit, PENDING, context="one too many")
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert "50" in answer.json()["detail"]
    assert len(place.shown(commit)) == 110
    assert place.applied(commit, SUCCESS, context="check 50"), "those that are there can still change"


def test_the_newest_commit_is_not_flagged_in_an_older_ones_place(bed: Bed, place: Place) -> None:
    old = place.commit()
    request = place.open(old)
    (branch,) = [bed.pull_request(place.project, request)["branch_from"]]
    tree = bed.work_tree(place.project)
    new = bed.push("alice", place.project, branch, {"b.txt": "newer\n"}, start=old, hooks=False)
    assert tree.head() == new
    assert place.applied(old, SUCCESS, pull_request=request)
    assert (place.shown(old), place.shown(new)) == ([(JOB, SUCCESS)], [])


def test_no_answer_and_no_page_shows_a_flags_uid(bed: Bed, place: Place) -> None:
    commit = place.commit()
    request = place.open(commit)
    answer = place.report(commit, SUCCESS, pull_request=request, context="secret uid")
    (uid,) = [row["uid"] for row in rows(bed) if row["username"] == "secret uid"]
    web = place.project.web
    said = [
        answer.text,
        str(bed.flags(place.project, commit)),
        str(bed.pull_request_flags(place.project, request)),
        str(bed.pull_request(place.project, request)),
        bed.login("alice").page(f"/{web}/pull-request/{request}"),
        bed.login("alice").page(f"/{web}/c/{commit}"),
    ]
    assert all("secret uid" in text or "Please take this" in text for text in said)
    assert not any(uid in text for text in said)


def test_another_projects_people_cannot_overwrite_a_flag_through_pagures_own_api(
    bed: Bed, place: Place
) -> None:
    """Pagure looks flags up by commit and uid in all projects: only who knows the uid reaches one."""
    theirs = bed.fork(place.project, "carol")
    commit = bed.work_tree(place.project).head("main")
    assert place.applied(commit, SUCCESS, context="guarded")
    fields = {"username": "guarded", "comment": "x", "url": "https://x.example", "status": FAILURE}
    for guess in ("guarded", JOB, str(bed.project_id(place.project)), "0" * 32):
        bed.api("carol").post(f"{theirs.web}/c/{commit}/flag", {**fields, "uid": guess})
    assert place.shown(commit).count(("guarded", SUCCESS)) == 1
    assert ("guarded", FAILURE) not in place.shown(commit)


def test_a_flag_that_others_set_in_the_project_stays_as_it_is(bed: Bed, place: Place) -> None:
    commit = place.commit()
    fields = {"username": JOB, "comment": "theirs", "url": "https://x.example", "status": "success"}
    bed.api("alice").post(f"{place.project.web}/c/{commit}/flag", {**fields, "uid": "theirs"})
    assert place.applied(commit, FAILURE, context=JOB)
    assert place.shown(commit) == [(JOB, FAILURE), (JOB, SUCCESS)]
