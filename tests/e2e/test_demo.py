"""What `cargo xtask pagure up` shows, and what the documentation's small receiver does in its place."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from chela_bed import HELLO, Bed, Options, Project, Role, demo, paths, wait_for
from chela_bed.process import Process, Program
from chela_bed.programs import environment
from conftest import make_bed, wheel

RECEIVER = paths.CHECKOUT / "docs/receiver/receiver.py"


def test_up_shows_flags_that_chela_serve_has_set_and_where_its_logs_are() -> None:
    with make_bed(Options(wheel(), name="e2e-demo")) as bed:
        text = demo.play(bed)
        assert bed.url in text
        assert "secret-alice" in text
        flags = [bed.pull_request_flags(HELLO, request)[0] for request in (1, 2, 3)]
        assert [flag["status"] for flag in flags] == ["success", "failure", "pending"]
        assert "committer" in flags[2]["comment"]

        listed = re.search(r"http://\S+/lists/\S+", text)
        assert listed, text
        page = requests.get(listed.group(), timeout=10)
        assert page.ok
        assert all(flag["url"].rpartition("/")[2] in page.text for flag in flags)
        assert bed.running()[Role.RECEIVER] is not None

    assert bed.running()[Role.RECEIVER] is None


def test_the_documentations_receiver_turns_the_flags_to_what_the_builds_say(
    bed: Bed, project: Project
) -> None:
    good = bed.push("alice", project, "good", {"greeting.txt": "Hello, dear world!\n"}, hooks=False)
    bad = bed.push("alice", project, "bad", {"greeting.txt": "Go away!\n"}, hooks=False)
    with small_receiver(bed, project):
        for branch in ("good", "bad"):
            bed.open_pull_request(project, branch)

        def ended() -> list[str]:
            found = [bed.flags(project, commit) for commit in (good, bad)]
            statuses = [flags[0]["status"] for flags in found if flags]
            return statuses if len(statuses) == 2 and "pending" not in statuses else []

        assert wait_for(ended, what="the end of both builds") == ["success", "failure"]


@contextmanager
def small_receiver(bed: Bed, project: Project) -> Iterator[None]:
    """The documentation's receiver, for as long as a test needs it."""
    port = bed.state.target_ports[-4]
    folder = bed.folder.root / "small-receiver"
    folder.mkdir()
    secret = folder / "token"
    secret.touch(mode=0o600)
    secret.write_text(bed.set_ci(project, f"http://127.0.0.1:{port}/", "local/test"))
    surroundings = {
        **environment(bed.folder),
        "CHELA_TOKEN_FILE": str(secret),
        "CHELA_PORT": str(port),
        "CHELA_PAGURE": bed.url,
        "CHELA_CLONE": f"{bed.git_url}/",
    }
    process = Process("receiver", folder, folder)
    process.launch(Program([sys.executable, str(RECEIVER)], "", surroundings, folder))

    def listens() -> bool:
        if process.pid is None:
            pytest.fail(f"the receiver ended:\n{process.log.read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(listens, what="the receiver")
        yield
    finally:
        process.stop()
