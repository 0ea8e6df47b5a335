"""Makes flags appear: `chela serve` runs, and pull requests are opened."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chela_bed.bed import Bed
from chela_bed.programs import Role
from chela_bed.scene import PullRequests, Scene, lay_out, open_pull_requests
from chela_bed.serve import Serve, binary
from chela_bed.waiting import wait_for

# A machine that has just set Pagure up has other things to do as well.
PATIENCE = 120

Wanted = Callable[[Mapping[str, Any]], bool]


def play(bed: Bed) -> str:
    """Lay the scene out, start the receiver, open the pull requests; the text to show."""
    scene = lay_out(bed)
    serve = start_receiver(bed, scene)
    opened = open_pull_requests(bed, scene)
    for request in (opened.same_project, opened.failing):
        _await_flag(bed, scene, request, "the end of its build", lambda flag: flag["status"] != "pending")
    _await_flag(bed, scene, opened.from_fork, "its hold", lambda flag: "committer" in flag["comment"])
    return _text(bed, scene, opened, serve)


def start_receiver(bed: Bed, scene: Scene) -> Serve:
    """Let `chela serve` build the scene's project, as a program that outlives this one."""
    port = bed.state.ports["receiver"]
    process = bed.process(Role.RECEIVER)
    serve = Serve(bed.folder.root / "receiver", port, bed.url, [bed.git_url], {}, process)
    serve.add(scene.project, bed.set_ci(scene.project, f"{serve.url}/hook", "local/test"))
    serve.start()
    return serve


def _await_flag(bed: Bed, scene: Scene, request: int, what: str, wanted: Wanted) -> None:
    wait_for(
        lambda: any(map(wanted, bed.pull_request_flags(scene.project, request))),
        PATIENCE,
        f"{what} on pull request {request}; see {bed.process(Role.RECEIVER).log}",
    )


def _text(bed: Bed, scene: Scene, opened: PullRequests, serve: Serve) -> str:
    page = f"{bed.url}/{scene.project.web}/pull-request"
    people = "\n".join(f"  {user.name:8} {user.password}" for user in bed.state.users.values())
    return (
        f"Pagure runs at {bed.url}\n\nLog-ins:\n{people}\n\n"
        "Open these pull requests and look at their flags:\n"
        f"  {page}/{opened.same_project}  passes\n"
        f"  {page}/{opened.failing}  fails\n"
        f"  {page}/{opened.from_fork}  from bob's fork: it waits until alice or carol asks for a rebuild,\n"
        "    by its button, or by a comment that says: pretty please pagure-ci rebuild\n\n"
        f"The receiver is chela serve, with the settings in {serve.config}\n"
        f"All its builds and their logs:\n  {pages(serve.config)}"
    )


def pages(config: Path) -> str:
    """The address of the list of all builds, as the program tells its operator."""
    command = [str(binary()), "pages", "--json", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    address: str = json.loads(done.stdout)["url"]
    return address
