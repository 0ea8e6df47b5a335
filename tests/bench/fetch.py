"""Fetching one commit into a directory or a zip, beside git: `cargo xtask bench` runs it.

All are measured in turns, from one server (`git http-backend`), so that a noisy machine disturbs all
alike; what counts is the ratio of the medians.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from chela_bed.gitserver import GitHandler

WORDS = [f"{a}{b}" for a in ("key", "set", "get", "row", "is_", "to_") for b in range(200)]
HEAD = """\
| median (best), peak | Chela | `clone --depth 1` | `fetch --depth 1` + checkout | 1st ratio | 2nd |
| --- | --- | --- | --- | --- | --- |"""
ZIP_HEAD = """
| median (best), peak | Chela's zip | `fetch --depth 1` + `archive --format=zip` | ratio | its size |
| --- | --- | --- | --- | --- |"""
ISOLATED = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


@dataclass(frozen=True)
class Shape:
    """A repository to make: always the same one."""

    name: str
    files: int
    size: int
    commits: int
    rounds: int
    clone_goal: float

    @property
    def title(self) -> str:
        """As the table has it."""
        return f"{self.files:,} files, {self.files * self.size / 1e6:.0f} MB, {self.commits} commits"


SHAPES = [
    Shape("small", 220, 6_000, 50, 31, 2),
    Shape("middle", 2_500, 6_000, 300, 15, 2),
    Shape("large", 20_000, 10_000, 2, 5, 1),
]


def text(rng: random.Random, size: int) -> str:
    """Lines as a program has them: they shrink to a third."""
    lines = []
    while size > 0:
        depth = "    " * rng.randrange(4)
        line = depth + " ".join(rng.choices(WORDS, k=rng.randrange(1, 9))) + "\n"
        size -= len(line)
        lines.append(line)
    return "".join(lines)


def history(shape: Shape) -> Iterator[bytes]:
    """The repository in the words of git-fast-import(1)."""
    rng = random.Random(shape.name)
    contents = [text(rng, shape.size) for _ in range(shape.files)]
    for number in range(shape.commits):
        changed = range(shape.files) if number == 0 else rng.sample(range(shape.files), 5)
        when = 1_700_000_000 + number * 60
        yield f"commit refs/heads/main\ncommitter A <a@example.org> {when} +0000\ndata 0\n".encode()
        for file in changed:
            if number:
                contents[file] += text(rng, 100)
            data = contents[file].encode()
            path = f"part{file % 20}/unit{file // 20 % 25}/file{file}.c"
            yield f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"


def make(shape: Shape, folder: Path) -> Path:
    """The bare repository, packed as a server has it; made once."""
    repository = folder / f"{shape.name}-{shape.files}-{shape.size}-{shape.commits}.git"
    if not repository.exists():
        fresh = folder / "fresh.git"
        shutil.rmtree(fresh, ignore_errors=True)
        git("init", "--quiet", "--bare", "-b", "main", fresh)
        command = ["git", "-C", str(fresh), "fast-import", "--quiet"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=ISOLATED) as importer:
            assert importer.stdin is not None
            importer.stdin.writelines(history(shape))
        assert importer.returncode == 0
        git("-C", fresh, "repack", "-adfq")
        fresh.rename(repository)
    return repository


def git(*words: str | Path) -> str:
    """What git says."""
    done = subprocess.run(
        ["git", *map(str, words)], env=ISOLATED, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


class StreamingHandler(GitHandler):
    """Passes the answer on while git still writes it, and at once, as web servers do."""

    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing to say."""

    def _answer(self, body: bytes) -> None:
        command = ["git", "http-backend"]
        pipe, variables = subprocess.PIPE, self._variables(len(body))
        with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe) as backend:
            assert backend.stdin is not None and isinstance(backend.stdout, BufferedReader)
            backend.stdin.write(body)
            backend.stdin.close()
            self.send_response(200)
            while line := backend.stdout.readline().strip():
                name, _, value = line.decode().partition(": ")
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while data := backend.stdout.read1(1 << 16):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    seconds: float
    mebibytes: float


# A process of its own, and a small one: a child begins with its parent's peak.
RUNNER = """
import os, sys, time
commands = [command.split("\\0") for command in sys.stdin.read().split("\\n")]
started, peak = time.perf_counter(), 0
for command in commands:
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    peak = max(peak, usage.ru_maxrss)
    if status:
        sys.exit(f"{command} ended with {status}")
print(time.perf_counter() - started, peak / 1024, file=sys.stderr)
"""


def run(*commands: list[str]) -> Cost:
    """All of them one after the other; the greatest peak of memory of any."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUNNER],
        input="\n".join("\0".join(command) for command in commands),
        env=ISOLATED,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Cost(*map(float, done.stderr.split()))


Ways = dict[str, Callable[[], Cost]]


def contenders(url: str, commit: str, target: str) -> Ways:
    """Three ways to the same files."""
    chela, inside = os.environ["CHELA_FETCH"], ["git", "-C", f"{target}fetch"]
    return {
        "chela": lambda: run([chela, url, commit, f"{target}chela"]),
        "clone": lambda: run(["git", "clone", "-q", "--depth", "1", url, f"{target}clone"]),
        "fetch": lambda: run(
            ["git", "init", "-q", f"{target}fetch"],
            [*inside, "fetch", "-q", "--depth", "1", url, commit],
            [*inside, "checkout", "-q", "FETCH_HEAD"],
        ),
    }


def zippers(url: str, commit: str, target: str) -> Ways:
    """Two ways to a zip of them."""
    chela, inside = os.environ["CHELA_ZIP"], ["git", "-C", f"{target}bare"]
    return {
        "chela": lambda: run([chela, url, commit, f"{target}chela.zip"]),
        "archive": lambda: run(
            ["git", "init", "-q", "--bare", f"{target}bare"],
            [*inside, "fetch", "-q", "--depth", "1", url, commit],
            [*inside, "archive", "--format=zip", "-o", f"{target}archive.zip", "FETCH_HEAD"],
        ),
    }


@dataclass(frozen=True)
class Costs:
    """Of all runs of each way."""

    of: dict[str, list[Cost]]

    def cell(self, name: str) -> str:
        """As the table has it."""
        seconds = [cost.seconds for cost in self.of[name]]
        peak = max(cost.mebibytes for cost in self.of[name])
        return f"{statistics.median(seconds):.3f} s ({min(seconds):.3f}), {peak:.0f} MiB"

    def ratio(self, name: str) -> float:
        """How many times as long as ours it takes."""
        median = {way: statistics.median(cost.seconds for cost in self.of[way]) for way in self.of}
        return median[name] / median["chela"]


def race(rounds: int, target: str, ways: Callable[[str], Ways], compare: Callable[[str], None]) -> Costs:
    """Each way in turns. The first turn warms the server's disk, and shows that all do the same."""
    costs: dict[str, list[Cost]] = {}
    for turn in range(rounds + 1):
        # What is there stays until all is measured: ext4 is slow to make files for some seconds
        # after others were removed, since it does not take their inodes again.
        for name, work in ways(f"{target}{turn}-").items():
            cost = work()
            if turn:
                costs.setdefault(name, []).append(cost)
        if not turn:
            compare(f"{target}{turn}-")
    return Costs(costs)


def same_files(target: str) -> None:
    """Nothing differs but git's own directory."""
    same = ["diff", "--recursive", "--no-dereference", "--exclude=.git"]
    subprocess.run([*same, f"{target}chela", f"{target}clone"], check=True)


def same_entries(target: str) -> None:
    """Nothing differs but the directories, which git lists too."""
    ours, theirs = (entries(Path(f"{target}{name}.zip")) for name in ("chela", "archive"))
    assert ours == theirs, set(ours.items()) ^ set(theirs.items())


def entries(zip_: Path) -> dict[str, tuple[int, int]]:
    """Sums and sizes by names."""
    with ZipFile(zip_) as opened:
        files = (entry for entry in opened.infolist() if not entry.is_dir())
        return {entry.filename: (entry.CRC, entry.file_size) for entry in files}


def directories(shape: Shape, url: str, commit: str, folder: Path) -> None:
    """One row."""
    target = str(folder / f"{shape.name}-")
    costs = race(shape.rounds, target, lambda at: contenders(url, commit, at), same_files)
    cells = [
        shape.title,
        *(costs.cell(name) for name in ("chela", "clone", "fetch")),
        f"{costs.ratio('clone'):.1f} (goal {shape.clone_goal:g})",
        f"{costs.ratio('fetch'):.1f} (goal 1)",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def zips(shape: Shape, url: str, commit: str, folder: Path) -> None:
    """One row."""
    target = str(folder / f"{shape.name}-zip-")
    costs = race(shape.rounds, target, lambda at: zippers(url, commit, at), same_entries)
    ours, theirs = (Path(f"{target}0-{name}.zip").stat().st_size for name in ("chela", "archive"))
    cells = [
        shape.title,
        *(costs.cell(name) for name in ("chela", "archive")),
        f"{costs.ratio('archive'):.1f} (goal 1)",
        f"{ours / theirs:.2f} of git's",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print the table; only the shapes that are named, or all."""
    folder = Path(os.environ["CHELA_REPOSITORIES"])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [shape for shape in SHAPES if shape.name in sys.argv[1:] or not sys.argv[1:]]
    repositories = [make(shape, folder) for shape in wanted]
    StreamingHandler.root = folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), StreamingHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with TemporaryDirectory(dir=folder) as scratch:
        for head, row in ((HEAD, directories), (ZIP_HEAD, zips)):
            print(head, flush=True)
            for shape, repository in zip(wanted, repositories, strict=True):
                commit = git("-C", repository, "rev-parse", "main")
                url = f"http://127.0.0.1:{server.server_port}/{repository.name}"
                row(shape, url, commit, Path(scratch))
    server.shutdown()


if __name__ == "__main__":
    main()
