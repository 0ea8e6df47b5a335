"""What a build may take of the machine, and what is left of it: nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from chela_bed import Bed, wait_for
from yard import COMMITTER, STRANGER, Yard, gate, jobs, peak_memory, plain, processes_with, unharmed, yard

MIB = 1 << 20
FOREVER = "sleep 4242.4242"

# Two processes at each end of a pipe, without end. In bash, whose forks are tried again when they fail.
BOMB = f"{FOREVER} & bash -c ':(){{ :|:& }};:'; wait"
CROWD = f"{FOREVER} & ({FOREVER} & while {FOREVER} & do :; done); wait"
# Each holds what it has read until somebody takes it, which nobody does.
HOARD = f"""\
mkfifo full
{FOREVER} <full &
for n in 1 2 3; do dd if=/dev/zero of=full bs=48M count=1 & done
wait"""
# Files that no folder names.
HOG = f"""\
hog() {{ exec 9>"$1"; rm "$1"; head -c 7000000 /dev/zero >&9; exec {FOREVER}; }}
for n in $(seq 10); do hog $n & done
wait"""
DIG = """\
name=$(printf 'd%.0s' $(seq 200))
for n in $(seq 30); do mkdir $name && cd -P $name || break; done
sleep 4242.4242"""


@dataclass(frozen=True)
class Case:
    """A build that takes too much."""

    command: str
    status: str
    sentence: str
    job: str = "test"


TOO_MUCH = {
    "time": Case(FOREVER, "error", "Stopped after 2s, the job's time-out", "short"),
    "time, deaf to every signal": Case(
        f"trap '' TERM INT HUP; while :; do {FOREVER}; done",
        "error",
        "Stopped after 2s, the job's time-out",
        "short",
    ),
    "one file": Case(
        "head -c 9000000 /dev/zero >big",
        "failure",
        "exit status 153 in phase BUILD: head -c 9000000 /dev/zero >big",
    ),
    "disk": Case(
        f"for n in $(seq 10); do head -c 7000000 /dev/zero >$n; done; {FOREVER}",
        "failure",
        "the build's files took more than 48 MiB",
    ),
    "disk, without names": Case(HOG, "failure", "the build's files took more than 48 MiB"),
    "files": Case(
        f"seq 2000 | xargs touch; {FOREVER}", "failure", "the build made more than 1000 files and folders"
    ),
    "depth": Case(
        DIG, "failure", "the build's folders are nested too deep: a path is longer than 4095 bytes"
    ),
    "processes": Case(CROWD, "failure", "the build had more than 64 processes and threads"),
    "processes, a bomb": Case(BOMB, "failure", "the build had more than 64 processes and threads"),
    "memory": Case(HOARD, "failure", "the build used more than 96 MiB of memory"),
    "words": Case("yes", "failure", "the build printed more than 64 MiB"),
    "words, without a line's end": Case(
        "tr '\\0' x </dev/zero", "failure", "the build printed more than 64 MiB"
    ),
}


@pytest.fixture(scope="module")
def walls(bed: Bed) -> Iterator[Yard]:
    configured = jobs(test={}, short={"timeout": "2s"})
    with yard(bed, "walls", configured) as made:
        yield made


@pytest.fixture(autouse=True)
def goes_on(walls: Yard) -> Iterator[None]:
    with unharmed(walls):
        yield
    wait_for(lambda: not processes_with("4242.4242"), 10, "the end of all that the builds had started")


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_build_that_takes_too_much_ends_and_says_of_what(walls: Yard, name: str) -> None:
    case = TOO_MUCH[name]
    planted = walls.commands(case.command)
    asked = [walls.ask(planted, whose, case.job) for whose in (COMMITTER, STRANGER)]
    for one in asked:
        flag = walls.flag(one)
        assert (flag.status, flag.comment) == (case.status, plain(case.sentence)), walls.log(one)[-300:]


def test_a_build_that_prints_without_end_costs_the_receiver_no_memory(walls: Yard) -> None:
    walls.flag(walls.ask(walls.commands("echo warm")))
    assert walls.serve.pid is not None
    before = peak_memory(walls.serve.pid)
    planted = walls.commands(gate(), "yes a line without an end | tr -d '\\n'")
    asked = walls.ask(planted)
    with contextlib.ExitStack() as viewers:
        with walls.standing(asked):
            # Somebody who asks to see it all and then takes nothing.
            events = viewers.enter_context(
                requests.get(f"{walls.page(asked)}/events", stream=True, timeout=30)
            )
            assert events.headers["Content-Type"] == "text/event-stream"
        assert walls.flag(asked).comment == "the build printed more than 64 MiB"
    log = walls.serve.build_folder(asked.build_id) / "log"
    assert log.stat().st_size < MIB // 2
    assert "\n[chela] The log is cut here: it has reached its limit\n" in walls.log(asked)
    assert requests.get(walls.page(asked), timeout=30).ok
    grown = peak_memory(walls.serve.pid) - before
    assert grown < 16 * MIB, f"{grown / MIB:.0f} MiB for a build that printed 64 MiB"


def test_builds_beside_those_that_take_too_much_go_on(walls: Yard) -> None:
    good = walls.ask(walls.commands(gate(), "for n in $(seq 50); do ls / >/dev/null || exit 1; done"))
    storm = [walls.ask(walls.commands(f"{gate()}; {case}"), STRANGER) for case in (BOMB, HOARD)]
    with walls.standing(good, *storm):
        pass
    assert walls.flag(good).status == "success", walls.log(good)[-300:]
    assert [walls.flag(one).status for one in storm] == ["failure", "failure"]
