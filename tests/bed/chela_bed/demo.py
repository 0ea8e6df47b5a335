"""Makes flags appear: the documentation's receiver runs, and two pull requests are opened."""

from __future__ import annotations

import socket
import sys

from chela_bed.bed import Bed
from chela_bed.paths import CHECKOUT, BedError
from chela_bed.process import Program
from chela_bed.programs import Role, environment
from chela_bed.scene import lay_out, open_pull_requests
from chela_bed.waiting import wait_for

RECEIVER = CHECKOUT / "docs/receiver/receiver.py"


def play(bed: Bed) -> str:
    """Lay the scene out, start the receiver, open the pull requests; the text to show."""
    scene = lay_out(bed)
    token = bed.set_ci(scene.project, f"http://127.0.0.1:{bed.state.ports['receiver']}/", "local/test")
    _start_receiver(bed, token)
    opened = open_pull_requests(bed, scene)
    for request in (opened.same_project, opened.from_fork):
        wait_for(
            lambda number=request: bed.pull_request_flags(scene.project, number),  # type: ignore[misc]
            60,
            f"a flag on pull request {request}",
        )
    page = f"{bed.url}/{scene.project.web}/pull-request"
    people = "\n".join(f"  {user.name:8} {user.password}" for user in bed.state.users.values())
    return (
        f"Pagure runs at {bed.url}\n\nLog-ins:\n{people}\n\n"
        "Open these pull requests and look at their flags:\n"
        f"  {page}/{opened.same_project}  passes\n  {page}/{opened.from_fork}  from bob's fork, fails"
    )


def _start_receiver(bed: Bed, token: str) -> None:
    if not RECEIVER.exists():
        raise BedError(f"{RECEIVER} is missing: is the checkout complete?")
    folder = bed.folder.root / "receiver"
    folder.mkdir(parents=True)
    secret = folder / "token"
    secret.touch(mode=0o600)
    secret.write_text(token)
    port = bed.state.ports["receiver"]
    surroundings = {
        **environment(bed.folder),
        "CHELA_TOKEN_FILE": str(secret),
        "CHELA_PORT": str(port),
        "CHELA_PAGURE": bed.url,
        "CHELA_CLONE": f"{bed.git_url}/",
        # The stranger of this scene is bob, whose commits are ours.
        "CHELA_STRANGERS": "yes",
    }
    bed.run_beside(Role.RECEIVER, Program([sys.executable, str(RECEIVER)], "", surroundings, folder))
    wait_for(lambda: _listens(bed, port), 30, "the receiver")


def _listens(bed: Bed, port: int) -> bool:
    if bed.process(Role.RECEIVER).pid is None:
        raise BedError(f"the receiver ended:\n{bed.log(Role.RECEIVER)}")
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
