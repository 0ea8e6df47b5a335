"""What ends a delivery that waits for its next attempt, and what changes it: contract, section 1.4."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from asking import JOB, Desk, address, desk, push_trigger
from chela_bed import Bed, Recorded, Reply, reports, wait_for
from chela_bed.broker import Broker

OWN = f"{JOB} (commit)"
CHANGED = "Pagure CI was changed or switched off while this build waited; ask for a rebuild"
SUPERSEDED = "A newer commit took its place before the CI service could be reached"
BASIC = "Basic " + base64.b64encode(b"ci:the new password").decode()
# Time enough to change something before the second attempt of all these builds.
PAUSE = {"Retry-After": "20"}

Flag = tuple[str, str, str]


@dataclass
class Build:
    """A build whose first attempt has failed."""

    desk: Desk
    commit: str
    request: int | None = None

    @property
    def flags(self) -> list[Flag]:
        """Name, status and text of the commit's flags."""
        found = self.desk.bed.flags(self.desk.project, self.commit)
        return sorted((flag["username"], flag["status"], flag["comment"]) for flag in found)

    @property
    def requests(self) -> list[Recorded]:
        """What was asked for this very commit."""
        return [
            request
            for request in self.desk.target.requests
            if request.json["data"]["source"]["commit"] == self.commit
        ]

    def set_ci(self, url: str, job: str = JOB, *credentials: str) -> None:
        """Fill in the settings anew."""
        self.desk.bed.set_ci(self.desk.project, url, job, *credentials)

    def report(self, status: str, context: str = OWN) -> None:
        """Report it, as the CI service."""
        desk = self.desk
        message = reports.report(self.commit, status, self.requests[0].build_id, context=context)
        answer = reports.send(desk.bed.url, desk.project, desk.token, message)
        assert answer.json()["applied"] is True, answer.text


def remove(build: Build) -> None:
    build.desk.bed.remove_ci(build.desk.project)


def deactivate(build: Build) -> None:
    page = f"/{build.desk.project.web}/settings/Pagure CI"
    build.desk.bed.login("alice").submit(page, {"ci_type": "webhook", "ci_job": JOB, "ci_url": url(build)})
    assert build.desk.bed.ci_hook(build.desk.project) is None


def change_url(build: Build) -> None:
    build.set_ci(f"{url(build)}/elsewhere")


def change_job(build: Build) -> None:
    build.set_ci(url(build), "local/other")


def make_private(build: Build) -> None:
    bed, project = build.desk.bed, build.desk.project
    bed.sql("UPDATE projects SET private = true WHERE id = :id", id=bed.project_id(project))


def push_more(build: Build) -> None:
    bed, project = build.desk.bed, build.desk.project
    bed.push("alice", project, "topic", {"a.txt": "2\n"}, hooks=False)
    # Pagure sees the new commit when it shows the page.
    bed.login("alice").page(f"/{project.web}/pull-request/{build.request}")


def change_credentials(build: Build) -> None:
    build.set_ci(url(build), JOB, "ci", "the new password")


def report_success(build: Build) -> None:
    build.report("success")


def report_elsewhere(build: Build) -> None:
    build.report("failure", "lint")


def url(build: Build) -> str:
    return address(build.desk.target, build.desk.project)


# What happens; what the flags say at the end; how many requests there were.
HAPPENINGS: dict[Callable[[Build], None], tuple[list[Flag], int]] = {
    remove: ([(OWN, "canceled", CHANGED)], 1),
    deactivate: ([(OWN, "canceled", CHANGED)], 1),
    change_url: ([(OWN, "canceled", CHANGED)], 1),
    change_job: ([(OWN, "canceled", CHANGED)], 1),
    make_private: ([(OWN, "canceled", CHANGED)], 1),
    push_more: ([(JOB, "canceled", SUPERSEDED)], 1),
    change_credentials: ([(OWN, "pending", "Accepted by the CI service")], 2),
    report_success: ([(OWN, "success", "")], 1),
    report_elsewhere: ([("lint", "failure", "")], 1),
}


def begin(own: Desk, *, pull_request: bool) -> Build:
    """A build that waits for its second attempt, which would be accepted."""
    own.target.answer(Reply(503, PAUSE))
    bed, project = own.bed, own.project
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    build = Build(own, commit)
    if pull_request:
        build.request = bed.open_pull_request(project, "topic")
    else:
        bed.publish(push_trigger(project, commit, "topic"))
    return build


@pytest.fixture(scope="module")
def builds(bed: Bed) -> Iterator[dict[Callable[[Build], None], Build]]:
    """One build for each happening, after its end."""
    with contextlib.ExitStack() as projects:
        desks = {happen: projects.enter_context(desk(bed)) for happen in HAPPENINGS}
        found = {happen: begin(own, pull_request=happen is push_more) for happen, own in desks.items()}
        for happen, build in found.items():
            wait_for(lambda flags=build: "503" in str(flags.flags), what="the first attempt")  # type: ignore[misc]
            happen(build)
            assert len(build.requests) == 1, f"{happen.__name__} came too late"
        Broker(bed).await_quiet(90)
        for build in found.values():
            restore_public(build)
        yield found


def restore_public(build: Build) -> None:
    """Let everybody see the flags again."""
    bed, project = build.desk.bed, build.desk.project
    bed.sql("UPDATE projects SET private = false WHERE name = :name", name=project.name)


@pytest.mark.parametrize("happen", HAPPENINGS, ids=lambda happen: happen.__name__)
def test_a_waiting_delivery_ends_or_goes_on_with_what_is_so_now(
    builds: dict[Callable[[Build], None], Build], happen: Callable[[Build], None]
) -> None:
    build = builds[happen]
    flags, requests = HAPPENINGS[happen]
    assert (build.flags, len(build.requests)) == (flags, requests)


def test_the_next_attempt_uses_the_new_credentials(builds: dict[Callable[[Build], None], Build]) -> None:
    first, second = builds[change_credentials].requests
    assert "authorization" not in first.headers
    assert second.headers["authorization"] == BASIC
    assert (second.build_id, second.body) == (first.build_id, first.body)
