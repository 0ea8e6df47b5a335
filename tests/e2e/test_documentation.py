"""What the documentation tells people to type exists, and its links lead somewhere."""

from __future__ import annotations

import ast
import fnmatch
import functools
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from chela_bed.machine import PLUGIN_LINES
from chela_bed.paths import CHECKOUT
from conftest import wheel

ADMINISTRATORS = "docs/administrators.md"
# Another file of blueprints that the administrator named; the plugin keeps it for itself.
INTERNAL = {"CHELA_OTHER_PLUGINS_CONFIG"}


def tracked(pattern: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\n") if (CHECKOUT / name).is_file()]


PAGES = tracked("*.md")


def text(page: str) -> str:
    return (CHECKOUT / page).read_text()


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", text(page), re.MULTILINE | re.DOTALL)
    return [str(block) for block in found]


def commands(page: str) -> list[list[str]]:
    """The words of each line of shell, without the variables before it."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [strip_variables(words) for words in split if words]


def strip_variables(words: list[str]) -> list[str]:
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def calls(program: str) -> list[list[str]]:
    """How the pages call a program, in their blocks of shell; what follows it up to `--`."""
    start = program.split()
    found = [
        words[len(start) :] for page in PAGES for words in commands(page) if words[: len(start)] == start
    ]
    return [words[: words.index("--")] if "--" in words else words for words in found]


def subcommand(words: list[str]) -> list[str]:
    return words[: next((at for at, word in enumerate(words) if word.startswith("-")), len(words))]


@functools.cache
def usage(*command: str) -> str | None:
    """The help of a command, or nothing if there is no such command."""
    ran = subprocess.run(
        [*command, "--help"], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=300
    )
    return ran.stdout if ran.returncode == 0 else None


def unknown_options(words: list[str], shown: str) -> list[str]:
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    return [option for option in options if option not in re.findall(r"(?<![\w-])--?[\w-]+", shown)]


def test_every_chore_that_a_page_names_exists() -> None:
    named = [re.findall(r"`cargo xtask ([^`]+)`", text(page)) for page in PAGES]
    typed = calls("cargo xtask") + [shlex.split(chore) for page in named for chore in page]
    assert len(typed) > 5, "the pages name chores"
    for words in typed:
        help_ = usage("cargo", "xtask", *subcommand(words))
        assert help_ is not None, f"there is no `cargo xtask {shlex.join(words)}`"
        assert not unknown_options(words, help_), shlex.join(words)


def test_every_option_of_the_program_that_a_page_shows_exists() -> None:
    run = [
        words[words.index("--") + 1 :]
        for page in PAGES
        for words in commands(page)
        if words[:2] == ["cargo", "run"]
    ]
    typed = calls("chela") + run
    assert len(typed) > 5, "the pages show the program"
    for words in typed:
        help_ = usage("cargo", "run", "--quiet", "--package", "chela", "--", words[0])
        assert help_ is not None, f"there is no `chela {words[0]}`"
        assert not unknown_options(words, help_), shlex.join(words)


def test_what_is_installed_is_what_the_chore_leaves() -> None:
    patterns = [word for words in calls("pip install") for word in words if word.endswith(".whl")]
    assert patterns, "administrators are told what to install"
    assert all(fnmatch.fnmatch(wheel().name, pattern) for pattern in patterns), patterns


def test_the_python_files_that_are_run_exist() -> None:
    words = [word for words in commands("docs/write-a-receiver.md") for word in words]
    scripts = [word for word in words if word.endswith(".py")]
    assert scripts
    assert all((CHECKOUT / "docs/receiver" / script).is_file() for script in scripts), scripts


@pytest.mark.parametrize("page", [ADMINISTRATORS, "plugin/README.md"])
def test_the_lines_for_pagures_configuration_are_those_that_are_tested(page: str) -> None:
    shown = [line.strip() for block in blocks(page, "python") for line in block.splitlines()]
    used = [line for line in PLUGIN_LINES.split("\n") if line]
    lines = [line for line in shown if line]
    assert lines
    assert lines == used[-len(lines) :]


def test_the_administrators_settings_are_those_that_the_plugin_reads() -> None:
    sources = [Path(CHECKOUT, name).read_text() for name in tracked("plugin/python/*.py")]
    literals = [node for source in sources for node in ast.walk(ast.parse(source))]
    read = {
        node.value
        for node in literals
        if isinstance(node, ast.Constant) and re.fullmatch(r"CHELA_[A-Z_]+", str(node.value))
    }
    table = re.findall(r"^\| `(CHELA_\w+)` \|", text(ADMINISTRATORS), re.MULTILINE)
    assert read - INTERNAL == set(table)
    assert set(re.findall(r"CHELA_[A-Z_]+", text(ADMINISTRATORS))) <= set(table)


def anchors(page: Path) -> set[str]:
    """As the usual forges make them: lower case, spaces to hyphens, no other punctuation."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: str) -> list[str]:
    prose = re.sub(r"^ *```.*?^ *```|`[^`\n]*`", "", text(page), flags=re.MULTILINE | re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)", prose) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (CHECKOUT / page).parent / path if path else CHECKOUT / page
        assert target.exists(), f"{page}: {link}"
        assert not anchor or anchor in anchors(target), f"{page}: {link}"


def test_the_pages_have_links_that_are_checked() -> None:
    assert sum(len(links(page)) for page in PAGES) > 20
