"""The functions for AWS Lambda beside what one would write in Python: `cargo xtask bench` runs it.

Both are run in turns under the same runtime API, on the same moto and the same git server, and make the
same calls in the same order; what counts is the ratio of the medians. The times contain what moto and the
servers take, which is the same for both; processor seconds are a function's own.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from chela_bed.aws.keeper import Keeper
from fetch import SHAPES
from invoking import Cost, Life, Program, live, python, rust, start
from standardwebhooks.webhooks import Webhook
from world import TOKEN, World, build_of, world

STARTS = 21
ROUNDS = 7
# Invocations of a process after its first.
LATER = 3
# The batch size of `report`'s queue.
BATCH = 10
# With this of zlib's levels, zipfile makes a zip as large as ours.
LEVEL = "4"
SMALL, MIDDLE, LARGE = SHAPES
HEAD = """\
| on AWS Lambda, median (best) | Chela | Python, boto3 | ratio | goal |
| --- | --- | --- | --- | --- |"""
MEGABYTE = 1e6

Programs = Sequence[Program]
Lives = dict[str, list[Life]]


@dataclass(frozen=True)
class Bench:
    """Where it happens."""

    world: World
    keeper: Keeper
    scratch: Path

    def programs(self, name: str) -> Programs:
        """A function, and its peer."""
        return [make(name, self.world.settings) for make in (rust, python)]

    def live(self, program: Program, events: Sequence[Any]) -> Life:
        """A new process, and what it is given."""
        with TemporaryDirectory(dir=self.scratch) as folder:
            return live(program, Path(folder), self.keeper, events)

    # The rows.

    def starts(self, name: str, what: str) -> None:
        """From the start of a process to its first question for work."""
        programs = self.programs(name)
        taken: dict[str, list[float]] = {program.name: [] for program in programs}
        for turn in range(STARTS + 1):
            for program in programs:
                seconds = start(program, self.scratch)
                # The first turn warms the disk.
                if turn:
                    taken[program.name].append(seconds)
        what = f"start of `{name}` until it asks for work, beside {what}"
        row(what, taken["chela"], taken["python"], "10; 20 ms")

    def builds(self) -> None:
        """A request on its way to a started build."""
        quicker = python("trigger", {**self.world.settings, "ZIP_LEVEL": LEVEL}, "quicker")
        lives: Lives = {}
        for turn in range(ROUNDS + 1):
            zips = {}
            for program in [*self.programs("trigger"), quicker]:
                events = [self.world.request(MIDDLE) for _ in range(1 + LATER)]
                life = self.live(program, events)
                zips[program.name] = self.check_builds(events)
                if turn:
                    lives.setdefault(program.name, []).append(life)
            assert entries(zips["chela"]) == entries(zips["python"]) == entries(zips["quicker"])
        what = f"`trigger` starts a build ({MIDDLE.title})"
        for peer, title in (("python", what), ("quicker", f"the same, beside zipfile at level {LEVEL}")):
            show(title, lives, peer, "3")
            sizes = [f"{len(zips[name]) / MEGABYTE:.1f} MB" for name in ("chela", peer)]
            line("the zip that it stores", *sizes, "", "")
        worst = {name: max(life.mebibytes for life in all_) for name, all_ in lives.items()}
        cells = [f"{worst[name]:.0f} MiB" for name in ("chela", "python")]
        line("its peak of memory", *cells, f"{worst['python'] / worst['chela']:.1f}", "3")

    def check_builds(self, events: Sequence[Any]) -> bytes:
        """Each was started once, from its own source, and told of; one of the sources."""
        cloud, started = self.world.cloud, self.world.cloud.started()
        for build in map(build_of, events):
            record = cloud.ledger.json(f"builds/{build}")
            version, source = cloud.take_source(record["stored"]["key"])
            assert record["stored"]["version"] == version == started.pop(record["execution"]["id"])
        assert len(cloud.reports.take()) == 2 * len(events)
        return source

    def large(self) -> None:
        """The memory for a large repository."""
        events = [self.world.request(LARGE)]
        life = self.live(rust("trigger", self.world.settings), events)
        self.check_builds(events)
        line(f"`trigger`'s peak of memory for {LARGE.title}", f"{life.mebibytes:.0f} MiB", "", "", "160 MB")

    def reports(self) -> None:
        """Events on their way to Pagure."""
        requests = [self.world.request(SMALL) for _ in range(BATCH)]
        self.live(rust("trigger", self.world.settings), requests)
        self.world.cloud.reports.take()
        builds, lives = list(map(build_of, requests)), Lives()
        for turn in range(ROUNDS + 1):
            for program in self.programs("report"):
                life = self.live(program, [self.world.phases(builds)] * (1 + LATER))
                self.check_reports(BATCH * (1 + LATER))
                if turn:
                    lives.setdefault(program.name, []).append(life)
        show(f"`report` tells Pagure of {BATCH} events", lives, "python", "")

    def check_reports(self, count: int) -> None:
        """All came, and are signed."""
        taken = self.world.forge.taken
        assert len(taken) == count, f"{len(taken)} reports instead of {count}"
        for headers, body in taken:
            lower = {name.lower(): value for name, value in headers.items()}
            said = Webhook(TOKEN.encode()).verify(body, lower)
            assert said["data"]["percent"], said
        taken.clear()


def entries(packed: bytes) -> dict[str, tuple[int, int]]:
    """Sums and sizes by names."""
    with ZipFile(BytesIO(packed)) as opened:
        files = (entry for entry in opened.infolist() if not entry.is_dir())
        return {entry.filename: (entry.CRC, entry.file_size) for entry in files}


def show(what: str, lives: Lives, peer: str, goal: str) -> None:
    """Times of the first and of later invocations, and the processor's."""

    def beside(what: str, of: Callable[[Life], Sequence[float]], goal: str) -> None:
        ours, theirs = ([seconds for life in lives[name] for seconds in of(life)] for name in ("chela", peer))
        row(what, ours, theirs, goal)

    def spent(costs: Sequence[Cost]) -> list[float]:
        return [cost.processor for cost in costs]

    beside(f"{what}: first of a process", lambda life: [life.first.seconds], goal)
    beside("later ones", lambda life: [cost.seconds for cost in life.later], goal)
    beside("its own processor time: first", lambda life: spent([life.first]), "")
    beside("later ones", lambda life: spent(life.later), "")


def row(what: str, ours: Sequence[float], theirs: Sequence[float], goal: str) -> None:
    """One row of times."""
    cells = [f"{statistics.median(side) * 1e3:.1f} ms ({min(side) * 1e3:.1f})" for side in (ours, theirs)]
    line(what, *cells, f"{statistics.median(theirs) / statistics.median(ours):.1f}", goal)


def line(*cells: str) -> None:
    """One row."""
    print(f"| {' | '.join(cells)} |", flush=True)


def sizes() -> None:
    """What is uploaded to Lambda."""
    for name, goal in (("trigger", 8), ("report", 4)):
        (packed,) = Path(os.environ["CHELA_ZIPS"]).glob(f"{name}-*.zip")
        line(f"`{packed.name}`", f"{packed.stat().st_size / MEGABYTE:.1f} MB", "", "", f"{goal} MB")


def main() -> None:
    """Print the table."""
    repositories = Path(os.environ["CHELA_REPOSITORIES"])
    repositories.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=repositories) as scratch:
        keeper = Keeper(Path(scratch))
        with world(repositories, Path(scratch)) as around:
            bench = Bench(around, keeper, Path(scratch))
            print(HEAD, flush=True)
            bench.starts("trigger", "boto3 and pygit2")
            bench.starts("report", "boto3")
            bench.builds()
            bench.large()
            bench.reports()
            sizes()
        keeper.stop()


if __name__ == "__main__":
    main()
