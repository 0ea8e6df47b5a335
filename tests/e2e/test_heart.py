"""The heart of it: a pull request becomes a build, and the build's result the flag."""

from __future__ import annotations

import json

import pytest
from chela_bed import Bed, Project, Reply, Target, reports, wait_for
from chela_bed.browser import log_in
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver


def statuses(bed: Bed, project: Project, commit: str) -> list[str]:
    return [flag["status"] for flag in bed.flags(project, commit)]


def test_a_pull_request_asks_for_its_build_and_shows_what_is_reported(
    bed: Bed, project: Project, target: Target
) -> None:
    token = bed.set_ci(project, f"{target.url}/hook", "local/test")
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic")

    (asked,) = target.wait()
    data = asked.verified(token)["data"]
    assert (asked.path, data["event"], data["pull_request"]["id"]) == ("/hook", "pull_request", request)
    assert (data["source"]["commit"], data["source"]["branch"]) == (commit, "topic")
    assert data["requested_by"]["user"] == "alice"

    for status in ("pending", "failure"):
        message = reports.report(commit, status, data["build_id"], pull_request=request)
        answer = reports.send(bed.url, project, token, message)
        assert answer.status_code == 200, answer.text
        assert answer.json()["applied"] is True
        assert statuses(bed, project, commit) == [status]


def test_an_accepting_answer_that_says_pending_is_shown_at_once(
    bed: Bed, project: Project, target: Target
) -> None:
    url = "https://ci.example.org/build/1"
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    accepted = reports.report(commit, "pending", url=url, description="Queued as number 1")
    target.answer(Reply(202, {"Content-Type": "application/json"}, json.dumps(accepted).encode()))
    bed.set_ci(project, f"{target.url}/hook", "local/test")
    bed.open_pull_request(project, "topic")

    flags = wait_for(
        lambda: [flag for flag in bed.flags(project, commit) if flag["comment"] == "Queued as number 1"],
        what="the flag with the answer's description",
    )
    assert [(flag["status"], flag["url"]) for flag in flags] == [("pending", url)]


@pytest.mark.browser
def test_the_page_shows_the_flag_with_its_link(
    bed: Bed, project: Project, target: Target, browser: WebDriver
) -> None:
    token = bed.set_ci(project, f"{target.url}/hook", "local/test")
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic")
    (asked,) = target.wait()
    message = reports.report(
        commit, "success", asked.build_id, pull_request=request, description="All is well"
    )
    assert reports.send(bed.url, project, token, message).ok

    log_in(browser, bed.login("alice"))
    browser.get(f"{bed.url}/{project.web}/pull-request/{request}")
    links = "a[href='https://ci.example.org/log']"
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, links), what="the flag on the page")
    assert "All is well" in browser.find_element(By.TAG_NAME, "body").text
