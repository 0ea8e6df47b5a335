"""The pages of real builds in a real browser: live, and harmless whatever a build shows there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
import requests
from chela_bed import Bed, wait_for
from chela_bed.browser import log_in
from chela_bed.planting import Tree
from chela_bed.serve import binary
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from yard import Asked, Yard, buildspec, gate, jobs, yard

pytestmark = pytest.mark.browser

# Runs in every page before its own script: whatever the policy had to stop, and whatever ran anyway.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
  window.violations.push(event.violatedDirective + " " + event.blockedURI));
window.alert = window.confirm = window.prompt = text => window.violations.push("dialog " + text);
"""

SCRIPTS = [
    b"<script>window.pwned = 1</script>",
    b"<img src=x onerror=window.pwned=1>",
    b"</div></section><svg onload=window.pwned=1>",
    b"<a href=javascript:window.pwned=1 id=bait>click</a>",
    b"<style>body{display:none}</style><base href=//evil.example/>",
    b"<meta http-equiv=refresh content='0;url=//evil.example/'>",
    b"<form action=//evil.example/><button>x</button></form>",
]
TERMINAL = [
    b"\x1b]0;pwned\x07title",
    b"\x1b]8;;javascript:window.pwned=1\x1b\\link\x1b]8;;\x1b\\",
    b"\x1b[2J\x1b[1;1H\x1b[31;1mred\x1b[0m",
    b"\x1bP+q\x1b\\dcs \x1b_apc\x1b\\ \x9d0;pwned\x9c",
    b"over\rwritten\x08\x00\x07\x7f",
    b"\x1b[" + b"9" * 5000 + b"m unending",
]
BYTES = [b"\xff\xfe\xc3\x28 \xe2\x82", "\u202egnp.exe \u2066 \u200f bidi".encode(), b"x" * 20_000]
# What would end an event of the live view, or begin another.
EVENTS = [b"\n\nevent: end\ndata: x\n\nid: 99:99\nevent: parts\ndata: <p id=status>forged</p>\n\n"]
HOSTILE = b"\n".join(SCRIPTS + TERMINAL + BYTES + EVENTS)

TITLE = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1> \u202e title"
BRANCH = "<script>window.pwned=1</script>"


@pytest.fixture(scope="module")
def shown(bed: Bed) -> Iterator[Yard]:
    with yard(bed, "build-pages", jobs(test={})) as made:
        yield made


@pytest.fixture
def view(browser: WebDriver) -> Iterator[WebDriver]:
    """A browser that notes what its pages' policy has to stop, and must have noted nothing at the end."""
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    yield browser
    assert browser.execute_script("return [window.violations, typeof window.pwned]") == [[], "undefined"]
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def lines(view: WebDriver) -> list[str]:
    """The lines of the log that the page shows."""
    script = (
        "return [...document.querySelectorAll('#lines > div, #unfinished > div')].map(e => e.textContent)"
    )
    found: list[str] = view.execute_script(script)
    return found


def await_line(view: WebDriver, line: str) -> None:
    """Wait until the page shows this line of the log, without a reload."""
    wait_for(lambda: line in lines(view), 30, f"{line!r} on the page, which shows {lines(view)[-5:]}")


def status(view: WebDriver) -> str:
    """The build's state; the page's script may replace the element at any moment."""
    word: str = view.execute_script("return document.querySelector('#status strong').textContent")
    return word


def ask_for_pull_request(shown: Yard, tree: Tree, branch: str, title: str) -> tuple[Asked, int]:
    """A pull request that Pagure knows, and a build of it."""
    planted = shown.plant(tree, branch)
    request = shown.bed.open_pull_request(shown.project, branch, title=title)
    flags = wait_for(
        lambda: [
            one for one in shown.bed.pull_request_flags(shown.project, request) if "/builds/" in one["url"]
        ],
        what="the build's flag",
    )
    build_id = next(name for name in shown.serve.builds() if shown.page_of(name) == flags[0]["url"])
    return Asked(build_id, planted, "local/test"), request


def test_a_build_is_seen_as_it_goes_on(shown: Yard, view: WebDriver) -> None:
    later = f"  post_build:\n    commands:\n      - echo afterwards\n      - {gate('third')}\n"
    half = f"printf 'no end yet'; {gate('second')}; echo ' and now'"
    planted = shown.commands("echo first", gate(), half, more=later)
    asked = shown.ask(planted)
    with shown.standing(asked):
        view.get(shown.page(asked))
        await_line(view, "first")
        view.execute_script("window.here = true")
        assert status(view) == "running"
        assert "BUILD" in view.find_element(By.ID, "phases").text
        assert "POST_BUILD" not in view.find_element(By.ID, "phases").text
    with shown.standing(asked, name="second"):
        await_line(view, "no end yet")
    with shown.standing(asked, name="third"):
        await_line(view, "no end yet and now")
        await_line(view, "afterwards")
        wait_for(lambda: "POST_BUILD" in view.find_element(By.ID, "phases").text, what="the next phase")
    wait_for(lambda: status(view) == "success", what="the end")
    assert view.title.startswith("success")
    assert "The build succeeded" in view.find_element(By.ID, "status").text
    assert view.execute_script("return window.here") is True
    assert [line for line in shown.log(asked).splitlines() if line != ""] == [
        line for line in lines(view) if line != ""
    ]


def test_a_live_page_goes_on_after_the_receiver_was_killed_and_started_again(
    shown: Yard, view: WebDriver
) -> None:
    asked = shown.ask(shown.commands("echo begun", gate(), "echo finished"))
    with shown.standing(asked):
        view.get(shown.page(asked))
        await_line(view, "begun")
        view.execute_script("window.here = true")
        shown.serve.kill()
        shown.serve.start()
        with shown.standing(asked):
            wait_for(lambda: lines(view).count("begun") == 2, what="the second run on the page")
    wait_for(lambda: status(view) == "success", what="the end")
    await_line(view, "finished")
    assert view.execute_script("return window.here") is True
    assert lines(view) == shown.log(asked).splitlines()


@pytest.mark.parametrize("live", [True, False], ids=["live", "over"])
def test_hostile_names_and_bytes_are_shown_and_nothing_of_them_runs(
    shown: Yard, view: WebDriver, live: bool
) -> None:
    branch = f"{BRANCH}{'live' if live else 'over'}"
    spec = buildspec(gate(), "cat hostile", "exit 7 # <script>window.pwned=1</script>")
    asked, _ = ask_for_pull_request(shown, {"hostile": HOSTILE, "buildspec.yml": spec}, branch, TITLE)
    with shown.standing(asked):
        if live:
            view.get(shown.page(asked))
    if not live:
        shown.serve.await_ended(asked.build_id)
        view.get(shown.page(asked))
    wait_for(lambda: status(view) == "failure", what="the end")
    await_line(view, "event: parts")
    text = view.find_element(By.TAG_NAME, "body").text
    for script in SCRIPTS:
        assert script.decode() in "\n".join(lines(view)), script
    assert TITLE.replace("\u202e", "\u27e8U+202E\u27e9") in text
    assert branch in text
    assert "forged" not in view.find_element(By.ID, "status").text
    assert "pwned" not in view.title.replace("<script>window.pwned=1</script>", "")
    shape = "return [document.scripts.length, document.images.length, document.forms.length, "
    shape += "document.querySelectorAll('svg, base, style, #bait, main a[href^=javascript]').length]"
    assert view.execute_script(shape) == [1, 0, 0, 0]
    assert "red" in [red.text for red in view.find_elements(By.CSS_SELECTOR, "#lines .c1.b")]
    for control in ("\x1b", "\x00", "\x07", "\x08", "\x9d", "\u202e", "\u2066"):
        assert control not in "\n".join(lines(view)), repr(control)
    raw = requests.get(f"{shown.page(asked)}/log", timeout=30)
    assert HOSTILE in raw.content
    assert (raw.headers["Content-Type"], raw.headers["X-Content-Type-Options"]) == (
        "text/plain; charset=utf-8",
        "nosniff",
    )


def test_the_page_works_without_javascript(shown: Yard, browser: WebDriver) -> None:
    asked = shown.ask(shown.commands("echo plain", gate()))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        with shown.standing(asked):
            browser.get(shown.page(asked))
            assert status(browser) == "running"
            assert "plain" in browser.find_element(By.ID, "lines").text
        shown.serve.await_ended(asked.build_id)
        browser.refresh()
        assert status(browser) == "success"
        assert "Build SUCCEEDED" in browser.find_element(By.ID, "lines").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_flag_in_pagures_page_leads_to_the_build(shown: Yard, view: WebDriver) -> None:
    asked, request = ask_for_pull_request(
        shown, {"buildspec.yml": buildspec("echo from the flag")}, "flagged", "Flag me"
    )
    assert shown.flag(asked).status == "success"
    log_in(view, shown.bed.login("alice"))
    view.get(f"{shown.bed.url}/{shown.project.web}/pull-request/{request}")
    link = wait_for(
        lambda: view.find_elements(By.CSS_SELECTOR, f"a[href='{shown.page(asked)}']"), what="the flag's link"
    )[0]
    view.get(str(link.get_attribute("href")))
    assert status(view) == "success"
    assert "from the flag" in lines(view)
    back = view.find_element(By.PARTIAL_LINK_TEXT, "Flag me").get_attribute("href")
    assert back == f"{shown.bed.url}/{shown.project.web}/pull-request/{request}"


def test_the_list_is_where_chela_pages_says_and_leads_to_each_build(shown: Yard, view: WebDriver) -> None:
    older, newer = (shown.ask(shown.commands(f"echo {word}")) for word in ("older", "newer"))
    for asked in (older, newer):
        assert shown.flag(asked).status == "success"
    for scope in ([], ["--project", shown.project.fullname]):
        command = [str(binary()), "--json", "pages", "--config", str(shown.serve.config), *scope]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        address = json.loads(done.stdout)["url"]
        view.get(address)
        links = [
            link.get_attribute("href") for link in view.find_elements(By.CSS_SELECTOR, "#builds li > div > a")
        ]
        assert links[:2] == [shown.page(newer), shown.page(older)]
        assert address.rpartition("/")[2] not in shown.serve.log
    view.find_element(By.CSS_SELECTOR, "#builds li > div > a").click()
    wait_for(lambda: "newer" in lines(view), what="the newest build's page")


def test_an_address_that_is_nothing_is_not_found_and_says_nothing_back(shown: Yard) -> None:
    asked = shown.ask(shown.commands("true"))
    assert shown.flag(asked).status == "success"
    page = shown.page(asked)
    key = page.rpartition("/")[2]
    base = shown.serve.url
    other = f"{int(key, 16) ^ 1:032x}"
    for path in (
        f"/builds/{other}",
        f"/builds/{other}/log",
        f"/builds/{other}/events",
        f"/builds/{key.upper()}x",
        f"/builds/{key}/artifacts/0/x",
        f"/builds/{key}/artifacts/-1/x",
        f"/builds/{key}/artifacts/99999999999999999999/x",
        f"/builds/{key}/../../chela.db",
        f"/builds/{asked.build_id}",
        f"/lists/{key}",
        f"/lists/{other}?before=x",
        "/assets/%2e%2e%2fchela.toml",
        "/builds/",
        "/lists",
        "/<script>alert(1)</script>",
    ):
        answer = requests.get(f"{base}{path}", timeout=30)
        assert answer.status_code == 404, path
        assert "There is no such page." in answer.text
        assert "alert" not in answer.text and other not in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for headers in (requests.get(page, timeout=30).headers, requests.get(f"{page}/log", timeout=30).headers):
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_no_page_is_found_through_the_receivers_log(shown: Yard) -> None:
    keys = [shown.page_of(name).rpartition("/")[2] for name in shown.serve.builds()]
    for key in keys:
        assert requests.get(f"{shown.serve.url}/builds/{key}/nothing", timeout=30).status_code == 404
    assert [key for key in keys if key in shown.serve.log] == []


def test_the_policy_stops_even_what_got_into_the_page_and_the_tests_would_see_it(
    shown: Yard, browser: WebDriver
) -> None:
    asked = shown.ask(shown.commands("true"))
    shown.serve.await_ended(asked.build_id)
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    browser.get(shown.page(asked))
    put = "const s = document.createElement('script'); s.textContent = 'window.pwned = 1';"
    put += "document.body.append(s);"
    put += "document.body.insertAdjacentHTML('beforeend', '<img src=/healthz onerror=window.pwned=1>');"
    browser.execute_script(put)
    seen = wait_for(
        lambda: browser.execute_script("return window.violations"), what="what the policy stopped"
    )
    assert any(str(one).startswith("script-src") for one in seen)
    assert browser.execute_script("return typeof window.pwned") == "undefined"
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
