"""The documentation's pictures, taken from the pages as they are.

CHELA_PICTURES=docs/images cargo xtask e2e -- -m picture
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from chela_bed import Bed, Project, paths, wait_for
from chela_bed.bed import CI
from chela_bed.browser import log_in
from chela_bed.scene import START
from reporting import SUCCESS, Place, ago, build_id
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.select import Select

pytestmark = [pytest.mark.browser, pytest.mark.picture]

LARGEST = 150 * 1024
WIDTH = 1100


@pytest.fixture(scope="module")
def place(bed: Bed) -> Place:
    project = Project("weather", "demo")
    bed.create_project(project, "alice", START)
    files = {"greeting.txt": "Hello, dear world!\n"}
    head = bed.push("alice", project, "kinder-greeting", files, message="Greet more kindly", hooks=False)
    request = bed.open_pull_request(project, "kinder-greeting", title="Greet more kindly")
    token = bed.set_ci(project, "https://ci.example.org/hook", "local/test", "ada", "secret")
    return Place(bed, project, token, head, request)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go: they replace the documentation's only if somebody asks for it."""
    named = os.environ.get("CHELA_PICTURES")
    return paths.CHECKOUT / named if named else tmp_path


@pytest.fixture
def reader(bed: Bed, browser: WebDriver) -> WebDriver:
    log_in(browser, bed.login("alice"))
    return browser


def take(browser: WebDriver, picture: Path, first: str, last: str) -> None:
    """The page's whole width, from the top of one element to the bottom of another."""
    edges = "const box = q => document.querySelector(q).getBoundingClientRect();"
    top = browser.execute_script(f"{edges} return box(arguments[0]).top + scrollY", first)
    bottom = browser.execute_script(f"{edges} return box(arguments[0]).bottom + scrollY", last)
    begin = max(top - 12, 0)
    clip = {"x": 0, "y": begin, "width": WIDTH, "height": bottom - begin + 12, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    picture.write_bytes(base64.b64decode(shot["data"]))
    assert 5_000 < picture.stat().st_size < LARGEST, "the picture is empty or too large for a README"


def test_the_picture_of_a_flag(place: Place, reader: WebDriver, folder: Path) -> None:
    assert place.applied(
        place.head,
        SUCCESS,
        build_id(ago(minutes=2)),
        pull_request=place.request,
        description="make test passed in 41 s",
        url="https://ci.example.org/builds/17",
    )
    reader.set_window_size(WIDTH, 900)
    reader.get(f"{place.bed.url}/{place.project.web}/pull-request/{place.request}")
    wait_for(lambda: reader.find_elements(By.CSS_SELECTOR, "#flags .badge-success"), what="the flag")
    wait_for(lambda: reader.find_elements(By.CSS_SELECTOR, "a.btn-outline-success"), what="its count")
    # People's pictures come from another host, which no test asks.
    reader.execute_script("document.querySelectorAll('img.avatar').forEach(it => it.remove())")
    take(reader, folder / "flag.png", "body", "#flags")


def test_the_picture_of_the_settings(place: Place, reader: WebDriver, folder: Path) -> None:
    reader.set_window_size(WIDTH, 900)
    reader.get(f"{place.bed.url}/{place.project.web}/{CI}")
    # The bed's own address and a real token would only puzzle readers.
    reader.execute_script(
        "for (const [id, text] of Object.entries(arguments[0]))"
        " document.getElementById(id).textContent = text",
        {
            "chela-token": "K3QX…",
            "chela-report-url": f"https://pagure.example.org/api/0/ci/webhook/{place.project.fullname}",
        },
    )
    Select(reader.find_element(By.ID, "ci_type")).select_by_value("webhook")
    take(reader, folder / "settings.png", "h3", "form .buttons")
