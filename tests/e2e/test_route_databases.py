"""What many senders at once leave behind, on every database Pagure runs on."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from chela_bed import Options, Project, reports
from chela_bed.database import Engine
from conftest import NAME, make_bed, wheel
from reporting import (
    CANCELED,
    ERROR,
    FAILURE,
    PENDING,
    SUCCESS,
    Place,
    Sent,
    ago,
    flag_of,
    listening,
    make_place,
    rows,
    winner,
)

STATUSES = (PENDING, SUCCESS, FAILURE, ERROR, CANCELED)
SENDERS = 4


@pytest.fixture(scope="module", params=list(Engine), ids=lambda engine: engine.value)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A project on a Pagure that lives on this database."""
    engine = request.param
    if engine is Engine.POSTGRESQL:
        yield make_place(request.getfixturevalue("bed"), Project("crowd", "demo"))
        return
    with make_bed(Options(wheel(), name=f"{NAME}-{engine.value}", database=engine)) as bed:
        yield make_place(bed, Project("crowd", "demo"))


def whole_seconds(place: Place) -> bool:
    """MariaDB's DATETIME, as Pagure makes it, has no fraction."""
    return place.bed.state.database is Engine.MARIADB


def at_once(place: Place, messages: Sequence[dict[str, Any]]) -> list[requests.Response]:
    """Send each from a thread of its own, all let go in one moment."""
    barrier = threading.Barrier(len(messages))

    def send(message: dict[str, Any]) -> requests.Response:
        barrier.wait(timeout=30)
        return place.send(message)

    with ThreadPoolExecutor(len(messages)) as pool:
        return list(pool.map(send, messages))


def test_two_first_reports_at_once_make_one_flag_and_one_notification(place: Place) -> None:
    commit, rounds = place.commit(), 12
    with listening(place) as listener:
        for number in range(rounds):
            message = reports.report(commit, SUCCESS, context=f"round {number}")
            answers = at_once(place, [message, message])
            assert [answer.status_code for answer in answers] == [200, 200], [a.text for a in answers]
            assert sorted(answer.json()["applied"] for answer in answers) == [False, True]
        told = [flag_of(one)["username"] for one in listener.told()]
    assert told == [f"round {number}" for number in range(rounds)]
    assert place.shown(commit) == sorted((f"round {number}", SUCCESS) for number in range(rounds))


def test_of_two_reports_at_once_the_greater_stands(place: Place) -> None:
    """Both find the same flag and are newer than it: the lesser must not be the last to write."""
    commit, build, rounds = place.commit(), ago(minutes=9), 15
    for number in range(rounds):
        context = f"race {number}"
        assert place.send(Sent(build, ago(minutes=8), PENDING).message(commit, context=context)).ok
        both = [Sent(build, ago(minutes=7), FAILURE), Sent(build, ago(minutes=6), SUCCESS)]
        answers = at_once(place, [one.message(commit, context=context) for one in both])
        assert [answer.status_code for answer in answers] == [200, 200], [a.text for a in answers]
        assert answers[1].json()["applied"] is True
    assert place.shown(commit) == sorted((f"race {number}", SUCCESS) for number in range(rounds))


def crowd(chance: random.Random, contexts: int, each: int) -> dict[str, list[Sent]]:
    """Reports of many builds, close enough in time that every part of the order decides somewhere."""
    begin = ago(hours=1).replace(microsecond=0)

    def sent() -> Sent:
        build = begin + timedelta(microseconds=chance.choice([0, 1, 400_000, 1_000_000]))
        # Up to 9 minutes before its build: a clock that far off counts as 5 minutes.
        at = begin + timedelta(microseconds=chance.choice([-540_000_000, 0, 3, 500_000, 2_000_000]))
        return Sent(
            build,
            at,
            chance.choice(STATUSES),
            chance.choice([None, 0, 7, 100]),
            f"https://ci.example.org/{chance.choice('ab')}",
            chance.choice(["", "a", "é"]),
        )

    return {f"check {number}": [sent() for _ in range(each)] for number in range(contexts)}


def test_any_crowd_of_reports_ends_in_the_flags_that_the_order_prescribes(place: Place) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    commit, sent = place.commit(), crowd(chance, contexts=5, each=10)
    messages = [one.message(commit, context=name) for name, ones in sent.items() for one in ones]
    chance.shuffle(messages)
    # Everything once more: what comes twice changes nothing.
    messages += chance.sample(messages, 10)
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(place.send, messages))
    assert {answer.status_code for answer in answers} == {200}, f"seed {seed}"
    flags = place.bed.flags(place.project, commit)
    shown = {
        flag["username"]: (flag["status"], flag["percent"], flag["url"], flag["comment"]) for flag in flags
    }
    assert len(flags) == len(sent)
    stands = {name: winner(ones, whole_seconds=whole_seconds(place)).flag() for name, ones in sent.items()}
    assert shown == stands, f"seed {seed}"


def test_within_a_second_the_time_decides_where_the_database_keeps_it(place: Place) -> None:
    commit, build = place.commit(), ago(minutes=9).replace(microsecond=0)
    failed = Sent(build, build + timedelta(microseconds=100_000), FAILURE)
    passed = Sent(build, build + timedelta(microseconds=900_000), SUCCESS)
    assert place.send(failed.message(commit)).json()["applied"] is True
    # Of one moment the graver status stands, and MariaDB's moments are seconds.
    assert place.send(passed.message(commit)).json()["applied"] is not whole_seconds(place)
    later = Sent(build, build + timedelta(seconds=1), SUCCESS)
    assert place.send(later.message(commit)).json()["applied"] is True


def test_what_is_stored_is_the_builds_time_and_the_reports(place: Place) -> None:
    commit, build, at = place.commit(), ago(minutes=9), ago(minutes=5)
    assert place.applied(commit, SUCCESS, Sent(build, at, SUCCESS).message(commit)["data"]["build_id"], at)
    (row,) = [row for row in rows(place.bed) if row["commit_hash"] == commit]
    kept = "seconds" if whole_seconds(place) else "microseconds"
    stored = [
        str(row[name])[: 19 if whole_seconds(place) else 26] for name in ("date_created", "date_updated")
    ]
    assert stored == [time.replace(tzinfo=None).isoformat(" ", kept) for time in (build, at)]
