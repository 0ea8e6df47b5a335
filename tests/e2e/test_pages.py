"""What people see of a flag, in a browser, whatever a report says."""

from __future__ import annotations

import json

import pytest
from chela_bed import Bed, Project, Reply, Target, wait_for
from chela_bed.browser import log_in
from reporting import CANCELED, ERROR, FAILURE, PENDING, SUCCESS, Place, ago, build_id, make_place
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

pytestmark = pytest.mark.browser

# Badge and its background, as Pagure's own style sheet colours it.
COLOURS = {
    PENDING: ("badge-info", "rgba(23, 162, 184, 1)"),
    SUCCESS: ("badge-success", "rgba(40, 167, 69, 1)"),
    FAILURE: ("badge-danger", "rgba(220, 53, 69, 1)"),
    ERROR: ("badge-danger", "rgba(220, 53, 69, 1)"),
    CANCELED: ("badge-warning", "rgba(255, 193, 7, 1)"),
}
# Each sets window.pwned where a page takes it for markup, an attribute or a script.
HOSTILE = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1>',
    "' onmouseover='window.pwned=1' x='",
    "</span></a></script><script>window.pwned=1</script>",
    "&lt;img src=x onerror=window.pwned=1&gt;",
    "${window.pwned=1} {{7*7}} {% raw %} javascript:window.pwned=1",
    "\u202ewindow.pwned=1\u0000\u2028",
]


@pytest.fixture(scope="module")
def place(bed: Bed) -> Place:
    return make_place(bed, Project("pages", "demo"))


@pytest.fixture(scope="module")
def reader(bed: Bed, browser: WebDriver) -> WebDriver:
    """A browser in which alice is logged in."""
    log_in(browser, bed.login("alice"))
    return browser


def open_request(reader: WebDriver, place: Place, request: int, flags: int) -> list[WebElement]:
    """The flags that a pull request's page shows, once its script has put them there."""
    reader.get(f"{place.bed.url}/{place.project.web}/pull-request/{request}")
    wait_for(lambda: len(reader.find_elements(By.CSS_SELECTOR, "#flags > a")) == flags, what=f"{flags} flags")
    return reader.find_elements(By.CSS_SELECTOR, "#flags > a")


def background(element: WebElement) -> str:
    colour: str = element.value_of_css_property("background-color")
    return colour


def test_both_pages_show_each_flags_name_text_link_and_colour(reader: WebDriver, place: Place) -> None:
    commit = place.commit()
    request = place.open(commit)
    build = build_id(ago(minutes=1))
    for status in COLOURS:
        url = f"https://ci.example.org/{status}?a=1&b=2"
        text = f"It is {status}"
        assert place.applied(
            commit, status, build, context=f"check/{status}", url=url, description=text, pull_request=request
        )
    for flag in open_request(reader, place, request, len(COLOURS)):
        name, status, text = flag.text.splitlines()[:3]
        badge = flag.find_element(By.CLASS_NAME, "badge")
        assert (name, text) == (f"check/{status}", f"It is {status}")
        assert flag.get_attribute("href") == f"https://ci.example.org/{status}?a=1&b=2"
        assert str(badge.get_attribute("class")).split()[1] == COLOURS[status][0]
        assert background(badge) == COLOURS[status][1]

    reader.get(f"{place.bed.url}/{place.project.web}/c/{commit}")
    shown = reader.find_elements(By.CSS_SELECTOR, "#pr_flags .badge")
    assert {badge.text: background(badge) for badge in shown} == {
        status: colour for status, (_, colour) in COLOURS.items()
    }
    links = reader.find_elements(By.CSS_SELECTOR, "#pr_flags a")
    assert {link.text: link.get_attribute("href") for link in links} == {
        f"check/{status}": f"https://ci.example.org/{status}?a=1&b=2" for status in COLOURS
    }


def test_the_list_of_a_pull_requests_commits_counts_its_flags(reader: WebDriver, place: Place) -> None:
    commit = place.commit()
    request = place.open(commit)
    assert place.applied(commit, SUCCESS, pull_request=request)
    open_request(reader, place, request, 1)
    counts = wait_for(
        lambda: reader.find_elements(By.CSS_SELECTOR, "a.btn-outline-success[title='1 success flag']"),
        what="the count beside the commit",
    )
    assert f"/c/{commit}" in str(counts[0].get_attribute("href"))


def test_a_flag_follows_its_build_from_pending_to_success(reader: WebDriver, place: Place) -> None:
    commit = place.commit()
    request, build = place.open(commit), build_id(ago(minutes=1))
    for status in (PENDING, SUCCESS):
        assert place.applied(commit, status, build, pull_request=request, description=f"Now {status}")
        (flag,) = open_request(reader, place, request, 1)
        assert f"Now {status}" in flag.text
        assert background(flag.find_element(By.CLASS_NAME, "badge")) == COLOURS[status][1]


def untouched(reader: WebDriver) -> bool:
    """No script of a stranger ran, and no element or attribute of theirs is on the page."""
    for trap in ("#flags", "#pr_flags"):
        for element in reader.find_elements(By.CSS_SELECTOR, f"{trap} :is(script, img, svg, iframe, b)"):
            raise AssertionError(f"the page holds {element.get_attribute('outerHTML')}")
    attributes = "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    handlers = {name for name in reader.execute_script(attributes) if name.startswith("on")}
    assert not handlers & {"onerror", "onload", "onmouseover"}
    return reader.execute_script("return window.pwned") is None


def test_hostile_text_in_a_report_does_nothing_on_any_page(reader: WebDriver, place: Place) -> None:
    commit = place.commit()
    request = place.open(commit, title=HOSTILE[1])
    for number, text in enumerate(HOSTILE):
        assert place.applied(commit, SUCCESS, context=f"n {number}", pull_request=request, description=text)
        refused = place.report(commit, SUCCESS, context=text, pull_request=request)
        assert refused.status_code == 422
    flags = open_request(reader, place, request, len(HOSTILE))
    assert untouched(reader)
    # What is shown is text: nothing of it was taken away by the browser as markup.
    assert any("script\ufffdwindow.pwned=1" in flag.text for flag in flags)
    for flag in flags:
        assert str(flag.get_attribute("href")).startswith("https://ci.example.org/")
    reader.get(f"{place.bed.url}/{place.project.web}/c/{commit}")
    assert len(reader.find_elements(By.CSS_SELECTOR, "#pr_flags .badge")) == len(HOSTILE)
    assert untouched(reader)


@pytest.mark.parametrize("text", HOSTILE[:5])
def test_hostile_text_in_a_links_address_does_nothing(reader: WebDriver, place: Place, text: str) -> None:
    commit = place.commit()
    request = place.open(commit)
    url = f"https://ci.example.org/{text.replace(' ', '+')}?q={text.replace(' ', '+')}"
    assert place.applied(commit, FAILURE, url=url, pull_request=request)
    (flag,) = open_request(reader, place, request, 1)
    assert flag.find_element(By.CLASS_NAME, "badge").text == FAILURE
    assert str(flag.get_attribute("href")).startswith("https://ci.example.org/")
    assert untouched(reader)


def test_hostile_words_with_which_a_ci_service_refuses_do_nothing(
    bed: Bed, project: Project, target: Target, reader: WebDriver
) -> None:
    said = {"title": "No", "detail": "".join(HOSTILE[:3])}
    problem = json.dumps(said).encode()
    target.answer(Reply(422, {"Content-Type": "application/problem+json"}, problem))
    token = bed.set_ci(project, target.url)
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic", title=HOSTILE[0])
    place = Place(bed, project, token, commit, request)
    wait_for(
        lambda: [flag for flag in bed.flags(project, commit) if flag["status"] == ERROR], what="the refusal"
    )
    (flag,) = open_request(reader, place, request, 1)
    assert "answered 422" in flag.text
    assert "script\ufffdwindow.pwned=1" in flag.text
    assert untouched(reader)
