"""What an attacker tries, and what it comes to."""

from __future__ import annotations

import json

import pytest
import requests
from asking import JOB, address
from chela_bed import ApiError, Bed, Project, Reply, Target


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
