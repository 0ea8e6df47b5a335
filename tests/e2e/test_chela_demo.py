"""`chela demo`, as somebody runs it who has just cloned the project."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
from chela_bed import wait_for
from chela_bed.serve import binary

PATIENCE = 100
ENDED = "As expected: the good pull request is green, and the bad one is red."
FLAGS = [
    r"^  #1 Greet the world by default +[0-9a-f]{12}  local/check  success  The build succeeded$",
    r"^  #2 Greet in French +[0-9a-f]{12}  local/check  failure  exit status 1 in phase BUILD: .*$",
]
NOBODY = 65534
NO_WALLS = "No sandbox works on this machine, so the demonstration's own, harmless builds run without one."
# All that its builds need.
PROGRAMS = ["sh", "bash", "cat", "grep", "sed", "sleep", "test", "env", "expr", "tr", "wc", "diff"]
# The system call landlock_create_ruleset, 444, does not exist (seccomp's "classic" BPF).
NO_LANDLOCK = b"".join(
    struct.pack("HBBI", *line)
    for line in [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x50026), (0x06, 0, 0, 0x7FFF0000)]
)
EVERYBODYS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture
def room() -> Iterator[Path]:
    """The temporary folder of a demonstration, which must be empty when it is over.

    Not pytest's own, which is closed to the user that root's builds run as.
    """
    with tempfile.TemporaryDirectory(prefix="chela-room-") as above:
        Path(above).chmod(0o755)
        folder = Path(above) / "tmp"
        folder.mkdir()
        folder.chmod(0o1777)
        yield folder
        assert list(folder.iterdir()) == []
        wait_for(lambda: not processes_of(folder), 10, "the end of all that the demonstration had started")


def processes_of(room: Path) -> list[bytes]:
    """What still runs of a demonstration: all of it names its folder, or has it in its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                found += [words] if str(room).encode() in words else []
    return found


def surroundings(room: Path, **more: str) -> dict[str, str]:
    return {"PATH": EVERYBODYS, "TMPDIR": str(room), "HOME": str(room.parent / "no-home"), **more}


def play(
    environment: Mapping[str, str],
    *,
    before: tuple[str, ...] = (),
    folder: Path | None = None,
    given: tuple[int, ...] = (),
    program: Path | None = None,
) -> str:
    """Run it into a pipe; what it printed."""
    done = subprocess.run(
        [*before, str(program or binary()), "demo"],
        env=dict(environment),
        cwd=folder,
        pass_fds=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


def assert_shown(text: str) -> None:
    """Both flags, and that they are as they should be."""
    for flag in FLAGS:
        assert re.search(flag, text, re.MULTILINE), text
    assert ENDED in text


def test_into_a_pipe_it_tells_each_change_on_a_line_and_leaves_nothing_behind(room: Path) -> None:
    text = play(surroundings(room))
    assert_shown(text)
    assert "\x1b" not in text
    assert "without one" not in text
    for number in (1, 2):
        (address,) = re.findall(
            rf"^The log of #{number}: (http://127\.0\.0\.1:\d+/builds/[0-9a-f]{{32}})$", text, re.M
        )
        with pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=5)
    order = [text.index(word) for word in ("pending", "The flags, as Pagure would show them", ENDED)]
    assert order == sorted(order)


def test_on_a_terminal_it_changes_in_place_and_in_colours(room: Path) -> None:
    shown, status = on_terminal(surroundings(room, TERM="xterm-256color"))
    assert status == 0, shown
    assert "\x1b[32m" in shown and "\x1b[31m" in shown and re.search(r"\x1b\[\d+A\x1b\[J", shown)
    assert_shown(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r\n", "\n"))


def on_terminal(environment: Mapping[str, str]) -> tuple[str, int]:
    """Run it on a terminal; what that showed, and the exit status."""
    ours, its = pty.openpty()
    child = subprocess.Popen(
        [str(binary()), "demo"],
        env=dict(environment),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says that the other end is closed with an error.
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    return shown.decode(), child.wait(PATIENCE)


def test_with_keep_the_pages_stay_until_somebody_interrupts(room: Path) -> None:
    with started(room, "--keep") as (child, output):
        wait_for(lambda: "Ctrl-C" in output.read_text(), PATIENCE, "what is said at the end")
        text = output.read_text()
        assert_shown(text)
        (good, bad) = re.findall(r"http://127\.0\.0\.1:\d+/builds/[0-9a-f]{32}", text)[:2]
        pages = [requests.get(address, timeout=10).text for address in (good, bad)]
        assert sum("Build SUCCEEDED" in page for page in pages) == 1
        assert sum("Build FAILED" in page for page in pages) == 1
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(good, timeout=5)


def test_interrupted_on_its_way_it_says_so_and_cleans_up(room: Path) -> None:
    with started(room) as (child, output):
        wait_for(lambda: "Phase BUILD" in output.read_text(), PATIENCE, "a build that runs")
        child.send_signal(signal.SIGTERM)
        status = child.wait(20)
        # It may just have been over.
        assert status == (0 if ENDED in output.read_text() else 1), output.read_text()


@contextlib.contextmanager
def started(room: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """It runs, and what it prints is in a file."""
    output = room.parent / "output"
    with output.open("wb") as out:
        child = subprocess.Popen(
            [str(binary()), "demo", *options],
            env=surroundings(room),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield child, output
        finally:
            if child.poll() is None:
                child.kill()
                child.wait(20)


@pytest.mark.parametrize("landlock", ["landlock", "no landlock"])
def test_without_bubblewrap_it_takes_other_walls_and_says_so_where_there_are_none(
    room: Path, landlock: str
) -> None:
    programs = room.parent / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        shutil.copy(str(shutil.which(name)), programs)
    hide = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(programs), "/usr/bin"]
    rules = room.parent / "rules"
    rules.write_bytes(NO_LANDLOCK)
    with rules.open("rb") as file:
        walls = [] if landlock == "landlock" else ["--seccomp", str(file.fileno())]
        text = play(surroundings(room), before=(*hide, *walls, "--"), given=(file.fileno(),))
    assert_shown(text)
    assert (NO_WALLS in text) == (landlock == "no landlock")


def test_with_no_programs_and_no_home_at_all_it_shows_it(room: Path) -> None:
    assert_shown(play({"TMPDIR": str(room)}, folder=Path("/")))


def test_where_nothing_can_be_written_it_says_what_to_do(room: Path) -> None:
    done = subprocess.run(
        [str(binary()), "demo"], env=surroundings(room, TMPDIR="/nonexistent"), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "TMPDIR" in done.stderr and "panicked" not in done.stderr


def test_whoever_reads_no_further_stops_nothing(room: Path) -> None:
    command = f"'{binary()}' demo | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=surroundings(room), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_without_a_home_sees_the_same(room: Path) -> None:
    # Where everybody can reach it.
    program = Path(shutil.copy(binary(), room.parent / "chela"))
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    assert_shown(play(surroundings(room), before=tuple(become), folder=Path("/"), program=program))
