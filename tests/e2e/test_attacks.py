"""What an attacker tries, and what it comes to."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from asking import JOB, address, desk
from chela_bed import ApiError, Bed, Project, Reply, Target, reports
from chela_bed.paths import Installation
from chela_bed.programs import environment

# What a git hook of Pagure's publishes when a branch with a pull request has moved.
HOOK = """
import json
from chela_pagure import requester
headers = {}
requester._capture(sender=requester.UPDATE, headers=headers, body=[(), {"pr_uid": "p"}])
print(headers[requester.HEADER])
"""


@dataclass(frozen=True)
class Place:
    """A project that takes reports and asks for nothing."""

    bed: Bed
    project: Project
    head: str
    token: str

    def report(self, at: str, **data: Any) -> requests.Response:
        """Report a success of that time."""
        message = reports.report(self.head, "success", **data)
        return reports.send(self.bed.url, self.project, self.token, {**message, "timestamp": at})


@pytest.fixture
def place(bed: Bed, project: Project) -> Place:
    nowhere = "https://ci.example.com/hook"
    token = bed.set_ci(project, nowhere, on_pull_requests=False, on_commits=False)
    return Place(bed, project, bed.work_tree(project).head(), token)


def finished(bed: Bed, project: Project, token: str) -> requests.Response:
    """What Jenkins would tell at the end of a build."""
    path = f"ci/jenkins/{project.fullname}/{token}/build-finished"
    return bed.api(None).request("POST", path, json={"build": {"number": 1, "phase": "FINALIZED"}})


class TestJenkinsCallBack:
    """It asks the CI URL from inside the network, unguarded, and follows redirects."""

    def test_asks_nothing_for_a_project_of_this_ci(self, bed: Bed, project: Project, target: Target) -> None:
        target.otherwise = Reply(302, {"Location": "http://169.254.169.254/latest/meta-data/"})
        token = bed.set_ci(project, address(target, project), JOB, "user", "word", on_commits=False)
        unknown = finished(bed, Project("nobodys", "demo"), token)
        answer = finished(bed, project, token)
        assert (answer.status_code, answer.text) == (404, unknown.text)
        assert target.requests == []

    def test_still_works_with_jenkins(self, bed: Bed, project: Project, target: Target) -> None:
        token = bed.set_ci(project, address(target, project), JOB, kind="jenkins", on_commits=False)
        finished(bed, project, token)
        assert target.requests[0].path.startswith(f"/{project.fullname}/")
        assert finished(bed, project, "not-the-token").status_code == 401


def test_a_password_does_not_reach_another_address_by_way_of_another_type(
    bed: Bed, project: Project, target: Target
) -> None:
    bed.set_ci(project, address(target, project), JOB, "user", "word")
    with pytest.raises(ApiError) as answer:
        bed.set_ci(project, address(target, project), JOB, kind="jenkins")
    errors = json.loads(answer.value.text)["errors"]
    assert errors == {"ci_password": ["The type is another one: type the password again."]}
    bed.set_ci(project, address(target, project), JOB, "user", "another word", kind="jenkins")
    hook = bed.ci_hook(project)
    assert hook is not None and (hook["ci_type"], hook["ci_password"]) == ("jenkins", "another word")


@pytest.mark.parametrize("path", ["%00", "demo/a%00b", "forks/a%00b/demo/hello", "forks/%ff/%ff", "x" * 3000])
def test_an_address_that_no_project_has_gets_the_answer_of_every_other(bed: Bed, path: str) -> None:
    answer = bed.api(None).request("POST", f"ci/webhook/{path}", data=b"{}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")


def test_a_time_that_no_database_holds_is_refused(place: Place) -> None:
    for at in ("-009999-01-02T01:59:59Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
        answer = place.report(at)
        assert answer.status_code == 422, answer.text
        assert "timestamp" in answer.json()["detail"]
    assert place.bed.flags(place.project, place.head) == []


def test_the_earliest_time_is_shown_like_any_other(place: Place) -> None:
    answer = place.report("1970-01-01T00:00:00Z", build_id="00000000-0000-7000-8000-000000000000")
    assert (answer.status_code, answer.json()["applied"]) == (200, True)
    flags = place.bed.flags(place.project, place.head)
    assert [flag["status"] for flag in flags] == ["success"]


def published(**environment: str) -> Any:
    """What a git hook says of who pushed."""
    command = [str(Installation().python), "-c", HOOK]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout).get("by", {}).get("user")


@pytest.mark.usefixtures("bed")
def test_only_who_pushed_is_named_and_not_who_had_it_rebased() -> None:
    assert published(GL_USER="carol") == "carol"
    assert published(GL_USER="carol", pull_request_uid="0123456789abcdef") is None


def test_a_committer_who_rebases_vouches_for_nothing_that_the_author_pushed_meanwhile(bed: Bed) -> None:
    with desk(bed) as own:
        project = own.project
        bed.add_committer(project, "carol")
        fork = bed.fork(project, "bob")
        bed.push("bob", fork, "his", {"his.txt": "1\n"}, hooks=False)
        request = bed.open_pull_request(project, "his", user="bob", source=fork)
        consent = {"title": "Mine", "initial_comment": "Ready.", "branch_to": "main", "allow_rebase": "y"}
        bed.login("bob").submit(f"/{project.web}/pull-request/{request}/edit", consent)
        own.of_pull_request(request)
        seen = bed.push("alice", project, "main", {"hers.txt": "1\n"}, hooks=False)

        bed.api("carol").post(f"{project.web}/pull-request/{request}/rebase")
        rebased = own.of_pull_request(request, count=2)[-1]
        assert rebased["source"]["commit"] not in (None, seen)
        assert "requested_by" not in rebased


PAGURES_ERROR_MAIL = """
import json, logging
import flask, pagure.flask_app, pagure.lib.model_base
app = pagure.flask_app.create_app()
from pagure.mail_logging import ContextInjector
record = logging.makeLogRecord({"msg": "something broke"})
form = {"ci_username": "ada", "ci_password": "a-secret-of-the-ci-service", "csrf_token": "x"}
with app.test_request_context("/demo/hello/settings/Pagure CI", method="POST", data=form):
    flask.g.session = pagure.lib.model_base.create_session(app.config["DB_URL"])
    ContextInjector().filter(record)
print(json.dumps(record.form))
"""


def test_an_error_mail_shows_the_posted_form_without_its_password(bed: Bed) -> None:
    done = subprocess.run(
        [Installation().python, "-c", PAGURES_ERROR_MAIL],
        env=environment(bed.folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    form = json.loads(done.stdout.splitlines()[-1])
    assert form["ci_username"] == "ada", "the form is not in the record at all"
    assert "a-secret-of-the-ci-service" not in done.stdout
