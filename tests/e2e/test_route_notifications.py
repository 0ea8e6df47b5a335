"""Who is told of a flag: what Pagure's ordinary web-hooks receive."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import pytest
from chela_bed import Bed, Project, wait_for
from reporting import (
    FAILURE,
    PENDING,
    SUCCESS,
    Listener,
    Place,
    build_id,
    flag_of,
    listening,
    make_place,
    now,
)


@pytest.fixture(scope="module")
def place(bed: Bed) -> Place:
    return make_place(bed, Project("told", "demo"))


@pytest.fixture
def listener(place: Place) -> Iterator[Listener]:
    with listening(place) as listener:
        yield listener


def topics(listener: Listener) -> list[tuple[str, str]]:
    """Topic and status of all that was told of flags."""
    return [(told.headers["x-pagure-topic"], flag_of(told)["status"]) for told in listener.told()]


def test_a_new_flag_and_each_change_of_status_are_told_once_and_progress_is_not(
    place: Place, listener: Listener
) -> None:
    commit, build = place.commit(), build_id(now())
    for percent in (0, 50, 90):
        assert place.applied(commit, PENDING, build, percent=percent, description=f"{percent} done")
    assert place.applied(commit, SUCCESS, build)
    assert place.applied(commit, SUCCESS, build, description="the same, later")
    assert place.applied(commit, FAILURE, build)
    assert not place.applied(commit, PENDING, build, at=now().replace(year=2025))
    assert topics(listener) == [
        ("commit.flag.added", PENDING),
        ("commit.flag.updated", SUCCESS),
        ("commit.flag.updated", FAILURE),
    ]


def test_a_pull_requests_flag_is_told_as_such_while_its_commit_is_the_head(
    bed: Bed, place: Place, listener: Listener
) -> None:
    old, build = place.commit(), build_id(now())
    request = place.open(old)
    branch = bed.pull_request(place.project, request)["branch_from"]
    listener.forget()
    assert place.applied(old, PENDING, build, pull_request=request)
    assert topics(listener) == [("commit.flag.added", PENDING), ("pull-request.flag.added", PENDING)]
    about = listener.told()[1].json["msg"]
    assert (about["pullrequest"]["id"], about["flag"]["commit_hash"]) == (request, old)

    bed.push("alice", place.project, branch, {"b.txt": "2\n"}, start=old)
    wait_for(lambda: bed.pull_request(place.project, request)["commit_stop"] != old, what="the new head")
    listener.forget()
    assert place.applied(old, SUCCESS, build, pull_request=request)
    assert topics(listener) == [("commit.flag.updated", SUCCESS)]


def test_what_is_told_is_signed_as_pagure_signs_and_says_what_the_flag_says(
    bed: Bed, place: Place, listener: Listener
) -> None:
    commit = place.commit()
    assert place.applied(commit, SUCCESS, context="told", description="All is well")
    (first,) = listener.told()
    (project,) = bed.sql("SELECT hook_token FROM projects WHERE id = :id", id=bed.project_id(place.project))
    expected = hmac.new(project["hook_token"].encode(), first.body, hashlib.sha256).hexdigest()
    assert first.headers["x-pagure-signature-256"] == expected
    said = first.json["msg"]
    assert said["flag"] == bed.flags(place.project, commit)[0]
    assert (said["agent"], said["repo"]["fullname"]) == ("alice", place.project.fullname)
    assert place.token not in first.body.decode()
