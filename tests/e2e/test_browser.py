"""What people see."""

from __future__ import annotations

import pytest
from chela_bed import Bed, Project
from chela_bed.browser import log_in
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

pytestmark = pytest.mark.browser


def test_a_pull_request_page_shows_its_title_and_who_is_logged_in(
    bed: Bed, project: Project, browser: WebDriver
) -> None:
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic", title="Something new")
    log_in(browser, bed.login("bob"))
    browser.get(f"{bed.url}/{project.web}/pull-request/{request}")
    text = browser.find_element(By.TAG_NAME, "body").text
    assert "Something new" in text
    assert browser.find_elements(By.CSS_SELECTOR, "a[href$='/user/bob']")
