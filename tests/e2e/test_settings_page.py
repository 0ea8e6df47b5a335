"""The page on which a project owner sets CI up and sends a test."""

from __future__ import annotations

import html
import json
import re

import pytest
import requests
from chela_bed import ApiError, Bed, Drop, Project, Reply, Session, Target, wait_for
from chela_bed.bed import CI
from chela_bed.browser import log_in
from reporting import set_quiet_ci
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.select import Select

PASSWORD = "a secret of the CI service"
GOOD = {
    "ci_type": "webhook",
    "ci_url": "https://ci.example.com/hook",
    "ci_username": "",
    "ci_password": "",
    "ci_job": "local/test",
    "active_pr": "y",
}
TEST = "settings/ci/test"


@pytest.fixture(scope="module")
def project(bed: Bed) -> Project:
    """A project whose CI each test sets up anew; it needs no content."""
    made = Project("configured", "demo")
    bed.api().post("new", {"name": made.name, "namespace": "demo", "description": "Settings"})
    return made


@pytest.fixture(scope="module")
def alice(bed: Bed) -> Session:
    return bed.login("alice")


def without_ci(bed: Bed, project: Project, session: Session) -> None:
    """What an earlier test set up goes; on the page, because the API knows nothing of what a page stored."""
    bed.fill_in_ci(session, project, ci_type="webhook")
    assert bed.ci_hook(project) is None


def page_of(session: Session, project: Project) -> str:
    return session.page(f"{project.web}/{CI}")


def said(page: str) -> list[str]:
    """What the page's head says of what was just done."""
    found = re.findall(r'<div class="text-(?:danger|info) font-weight-bold">(.*?)</div>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<i .*?</i>", "", text)).strip() for text in found]


@pytest.fixture(scope="module")
def bare(bed: Bed, project: Project, alice: Session) -> Project:
    """The project without anything stored; what is refused leaves it so."""
    without_ci(bed, project, alice)
    return project


def reason_beside(page: str, field: str) -> str | None:
    """What the form says of a field."""
    (row,) = [part for part in page.split('<div class="form-group row">')[1:] if f'id="{field}"' in part]
    found = re.search(r'<div class="alert alert-danger">(.*?)</div>', row, re.DOTALL)
    return html.unescape(found.group(1)) if found else None


@pytest.mark.browser
def test_the_form_is_filled_in_and_the_page_shows_what_the_ci_service_needs(
    bed: Bed, project: Project, alice: Session, browser: WebDriver
) -> None:
    log_in(browser, alice)
    without_ci(bed, project, alice)
    address = f"{bed.url}/{project.web}/{CI}"
    browser.get(address)
    assert not browser.find_elements(By.ID, "chela-token")
    assert not browser.find_elements(By.ID, "chela-test")
    Select(browser.find_element(By.ID, "ci_type")).select_by_value("webhook")
    password = browser.find_element(By.ID, "ci_password")
    assert (password.get_attribute("type"), password.get_attribute("autocomplete")) == (
        "password",
        "new-password",
    )
    typed = {
        "ci_url": "https://ci.example.com/hook",
        "ci_username": "ada",
        "ci_password": PASSWORD,
        "ci_job": "local/test",
    }
    for field, text in typed.items():
        browser.find_element(By.ID, field).clear()
        browser.find_element(By.ID, field).send_keys(text)
    browser.find_element(By.ID, "active_pr").click()
    browser.find_element(By.CSS_SELECTOR, "form .buttons input[type=submit]").click()

    stored = bed.ci_hook(project)
    assert stored is not None
    assert {field: stored[field] for field in typed} == typed
    assert (bool(stored["active_pr"]), bool(stored["active_commit"])) == (True, False)
    browser.get(address)
    token = stored["pagure_ci_token"]
    url = f"{bed.url}/api/0/ci/webhook/{project.fullname}"
    assert browser.find_element(By.ID, "chela-token").text == token
    assert browser.find_element(By.ID, "chela-report-url").text == url
    assert browser.page_source.count(token) == 1
    assert PASSWORD not in browser.page_source
    assert browser.find_element(By.ID, "ci_username").get_attribute("value") == "ada"
    assert browser.find_element(By.ID, "ci_password").get_attribute("value") == ""
    known = bed.api(None).request("GET", f"{project.web}/settings/plugins")
    assert not [secret for secret in (PASSWORD, token, "ada") if secret in known.text]


def test_an_empty_password_keeps_the_stored_one_and_no_user_name_ends_it(
    bed: Bed, project: Project, alice: Session
) -> None:
    without_ci(bed, project, alice)
    first = {**GOOD, "ci_username": "ada", "ci_password": PASSWORD}
    bed.fill_in_ci(alice, project, **first)
    changed = {**first, "ci_password": "", "ci_job": "local/other", "ci_url": "https://ci.example.com/new"}
    bed.fill_in_ci(alice, project, **changed)
    hook = bed.ci_hook(project)
    assert hook is not None
    assert (hook["ci_job"], hook["ci_url"], hook["ci_password"]) == (
        "local/other",
        "https://ci.example.com/new",
        PASSWORD,
    )
    bed.fill_in_ci(alice, project, **{**changed, "ci_username": ""})
    hook = bed.ci_hook(project)
    assert hook is not None
    assert not hook["ci_password"]


def test_a_stored_password_does_not_follow_to_another_address(
    bed: Bed, project: Project, alice: Session
) -> None:
    without_ci(bed, project, alice)
    first = {**GOOD, "ci_username": "ada", "ci_password": PASSWORD}
    bed.fill_in_ci(alice, project, **first)
    before = bed.ci_hook(project)
    elsewhere = {**first, "ci_url": "https://elsewhere.example.com/hook", "ci_password": ""}
    page = bed.fill_in_ci(alice, project, **elsewhere).text
    assert "type its password again" in str(reason_beside(page, "ci_password"))
    assert bed.ci_hook(project) == before


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"ci_url": "http://ci.example.com/"}, "ci_url", "plain HTTP to ci.example.com is not allowed"),
        ({"ci_url": "ftp://ci.example.com/"}, "ci_url", "does not begin with https://"),
        ({"ci_url": "ci.example.com/hook"}, "ci_url", "does not begin with https://"),
        ({"ci_url": "https://ada:pw@ci.example.com/"}, "ci_url", "user name or a password"),
        ({"ci_url": "https://10.0.0.1/"}, "ci_url", "not public"),
        ({"ci_url": "https://[fd00::1]/"}, "ci_url", "not public"),
        ({"ci_url": "https://0x0a.1/"}, "ci_url", "not public"),
        ({"ci_url": "https://ci.example.com:8443/"}, "ci_url", "port 8443"),
        ({"ci_url": "https://ci.example.com/#part"}, "ci_url", "after #"),
        ({"ci_url": "https+sigv4://x.lambda-url.eu-west-1.on.aws/"}, "ci_url", "access key id"),
        (
            {"ci_url": "https+sigv4://x.lambda-url.eu-west-1.on.aws/", "ci_username": "AKIAEXAMPLE"},
            "ci_url",
            "secret access key",
        ),
        ({"ci_job": "a\nb"}, "ci_job", ""),
        ({"ci_url": ""}, "ci_url", "required"),
        ({"ci_job": ""}, "ci_job", "required"),
    ],
)
def test_what_cannot_be_used_is_refused_beside_its_field_and_nothing_is_stored(
    bed: Bed, bare: Project, alice: Session, fields: dict[str, str], field: str, reason: str
) -> None:
    before = bed.sql("SELECT * FROM hook_pagure_ci ORDER BY id")
    typed = {"ci_password": PASSWORD} if "sigv4" not in fields.get("ci_url", "") else {}
    page = bed.fill_in_ci(alice, bare, **{**GOOD, **typed, **fields}).text
    beside = reason_beside(page, field)
    assert beside is not None
    assert reason in beside
    assert [other for other in GOOD if reason_beside(page, other)] == [field]
    assert PASSWORD not in page
    assert bed.sql("SELECT * FROM hook_pagure_ci ORDER BY id") == before


def test_a_jenkins_project_is_set_up_as_ever(bed: Bed, project: Project, alice: Session) -> None:
    without_ci(bed, project, alice)
    jenkins = {**GOOD, "ci_type": "jenkins", "ci_url": "http://jenkins.internal:8080/", "ci_username": "ada"}
    bed.fill_in_ci(alice, project, **{**jenkins, "ci_password": PASSWORD})
    hook = bed.ci_hook(project)
    assert hook is not None
    assert (hook["ci_type"], hook["ci_url"]) == ("jenkins", "http://jenkins.internal:8080/")
    assert (hook["ci_username"], hook["ci_password"]) == ("ada", PASSWORD)
    page = page_of(alice, project)
    # Jenkins is given the address with its token, as Pagure has always done.
    assert f"/api/0/ci/jenkins/{project.fullname}/{hook['pagure_ci_token']}/build-finished" in page
    assert "chela-test" not in page


def test_a_test_is_a_signed_ping_and_builds_nothing(
    bed: Bed, project: Project, alice: Session, target: Target
) -> None:
    token = set_quiet_ci(bed, project, username="ada", password=PASSWORD)
    bed.fill_in_ci(
        alice,
        project,
        **{**GOOD, "ci_url": f"{target.url}/hook", "ci_username": "ada", "ci_password": PASSWORD},
    )
    answer = alice.submit(f"/{project.web}/{CI}", {}, action=f"/{project.web}/{TEST}")
    assert said(answer.text) == ["The CI service took the test (answer 202)."]
    (ping,) = target.wait()
    message = ping.verified(token)
    assert (message["type"], ping.path) == ("ping", "/hook")
    assert message["data"] == {"project": {"fullname": project.fullname}, "job": "local/test"}
    assert ping.headers["authorization"].startswith("Basic ")
    assert token not in str(ping)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(401), "The test was refused: the CI service answered 401 Unauthorized"),
        (Reply(503), "The test failed, a build would be tried again: the CI service answered 503"),
        (Reply(302, {"Location": "https://a.example/"}), "redirects are never followed"),
        (Drop(), "The test failed, a build would be tried again: "),
    ],
)
def test_a_test_says_what_came_back(
    bed: Bed, project: Project, alice: Session, target: Target, reply: Reply | Drop, expected: str
) -> None:
    bed.fill_in_ci(alice, project, **{**GOOD, "ci_url": target.url})
    target.answer(reply)
    answer = alice.submit(f"/{project.web}/{CI}", {}, action=f"/{project.web}/{TEST}")
    assert expected in " ".join(said(answer.text))
    assert len(target.requests) == 1


def test_a_test_says_that_nobody_listens(bed: Bed, project: Project, alice: Session, target: Target) -> None:
    bed.fill_in_ci(alice, project, **{**GOOD, "ci_url": target.url})
    target.stop()
    answer = alice.submit(f"/{project.web}/{CI}", {}, action=f"/{project.web}/{TEST}")
    (text,) = said(answer.text)
    assert text.startswith("The test failed, a build would be tried again: ")
    assert "refused" in text


def test_hostile_words_of_a_ci_service_are_text(
    bed: Bed, project: Project, alice: Session, target: Target
) -> None:
    bed.fill_in_ci(alice, project, **{**GOOD, "ci_url": target.url})
    hostile = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"
    problem = json.dumps({"title": hostile, "detail": hostile}).encode()
    target.answer(Reply(422, {"Content-Type": "application/problem+json"}, problem))
    answer = alice.submit(f"/{project.web}/{CI}", {}, action=f"/{project.web}/{TEST}")
    assert hostile not in answer.text
    assert hostile in " ".join(said(answer.text))


def test_only_the_projects_administrators_send_a_test_and_only_from_the_page(
    bed: Bed, project: Project, alice: Session, target: Target
) -> None:
    bed.fill_in_ci(alice, project, **{**GOOD, "ci_url": target.url})
    address = f"{bed.url}/{project.web}/{TEST}"
    without_csrf = alice.http.post(address, timeout=30)
    assert without_csrf.status_code == 400
    assert "load it again" in without_csrf.text
    with pytest.raises(ApiError) as refused:
        bed.login("bob").submit("/new/", {}, action=f"/{project.web}/{TEST}")
    assert refused.value.status == 403
    nobody = requests.post(address, timeout=30, allow_redirects=False)
    assert nobody.status_code == 302
    assert "/login/" in nobody.headers["Location"]
    assert alice.http.get(address, timeout=30).status_code in (404, 405)
    assert target.requests == []


def test_no_test_is_sent_where_there_is_no_ci(bed: Bed, project: Project, alice: Session) -> None:
    without_ci(bed, project, alice)
    answer = alice.submit(f"/{project.web}/{CI}", {}, action=f"/{project.web}/{TEST}")
    assert said(answer.text) == ["No test was sent: the project has no CI"]


@pytest.mark.browser
def test_a_test_is_sent_with_a_click(
    bed: Bed, project: Project, alice: Session, target: Target, browser: WebDriver
) -> None:
    bed.fill_in_ci(alice, project, **{**GOOD, "ci_url": target.url})
    log_in(browser, alice)
    browser.get(f"{bed.url}/{project.web}/{CI}")
    browser.find_element(By.ID, "chela-test").click()
    text = browser.find_element(By.CSS_SELECTOR, ".alert .text-info").text
    assert text.endswith("The CI service took the test (answer 202).")
    assert len(target.requests) == 1
    hook = bed.ci_hook(project)
    assert hook is not None
    assert hook["ci_url"] == target.url


@pytest.mark.browser
def test_enter_stores_the_form_and_sends_no_test(
    bed: Bed, project: Project, alice: Session, target: Target, browser: WebDriver
) -> None:
    bed.fill_in_ci(alice, project, **{**GOOD, "ci_url": target.url})
    log_in(browser, alice)
    browser.get(f"{bed.url}/{project.web}/{CI}")
    browser.find_element(By.ID, "ci_job").clear()
    browser.find_element(By.ID, "ci_job").send_keys("local/entered", Keys.ENTER)
    wait_for(lambda: "Hook Pagure CI activated" in browser.page_source, what="the stored form")
    hook = bed.ci_hook(project)
    assert hook is not None
    assert (hook["ci_job"], target.requests) == ("local/entered", [])
