"""A headless Chromium, for what only a page's script shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from chela_bed import install
from chela_bed.client import Session


def run() -> Iterator[WebDriver]:
    """A browser for as long as somebody needs it."""
    install.install_browser()
    options = webdriver.ChromeOptions()
    options.add_argument("--headless=new")
    options.add_argument("--window-size=1280,1000")
    options.add_argument("--disable-dev-shm-usage")
    # People's pictures come from another host; no test waits for it.
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
    if os.geteuid() == 0:
        # Chromium's own sandbox refuses to run as root.
        options.add_argument("--no-sandbox")
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def log_in(driver: WebDriver, session: Session) -> None:
    """Make the browser's next pages those of a logged-in user."""
    # With no page of Pagure open: what it still asks for would bring back the cookie of nobody.
    driver.get("about:blank")
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    for cookie in session.http.cookies:
        given = {"name": cookie.name, "value": cookie.value or "", "url": session.url}
        driver.execute_cdp_cmd("Network.setCookie", given)
