"""What an administrator writes into pagure.cfg, whatever else stands there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from chela_bed import Options
from chela_bed.machine import prepare
from chela_bed.paths import BED, Installation
from conftest import wheel

LINES = """
from chela_pagure.settings import install
install(globals())
"""
ROUTES = [
    "/api/0/ci/webhook/<namespace>/<repo>",
    "/api/0/ci/webhook/<repo>",
    "/api/0/ci/webhook/forks/<username>/<namespace>/<repo>",
    "/api/0/ci/webhook/forks/<username>/<repo>",
]
OTHER = """
import flask
PLUGINS = [flask.Blueprint("another", __name__)]
"""


class Forge:
    """A Pagure that is configured and never serves anybody."""

    def __init__(self, folder: Path) -> None:
        prepare(Options(wheel()))
        self.python = Installation().python
        self.folder = folder
        (folder / "home").mkdir()
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "PAGURE_CONFIG": str(folder / "pagure.cfg"),
        }

    def write(self, *parts: str) -> None:
        """Write pagure.cfg, the parts in their order."""
        ours = [
            f"DB_URL = 'sqlite:///{self.folder}/pagure.sqlite'",
            f"GIT_FOLDER = {str(self.folder)!r}",
            "BROKER_URL = 'redis://127.0.0.1:1/0'",
        ]
        (self.folder / "pagure.cfg").write_text("\n".join([*ours, *parts, ""]))

    def other_blueprints(self) -> str:
        """A file with another plugin's blueprint."""
        file = self.folder / "other.py"
        file.write_text(OTHER)
        return str(file)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A program of Pagure's environment."""
        return subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def outcome(self) -> Any:
        """What the configuration comes to."""
        done = self.run(self.python, BED / "inside" / "configured.py")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path)


def check_installed(outcome: Any) -> None:
    """Fail unless the plugin is there, in the web process and in both of Pagure's Celery applications."""
    assert "webhook" in outcome["PAGURE_CI_SERVICES"]
    assert outcome["blueprints"].count("chela_pagure") == 1
    assert outcome["rules"] == ROUTES
    assert [app["delivers"] for app in outcome["settings"]] == [True, True]


def test_two_lines_are_enough(forge: Forge) -> None:
    forge.write(LINES)
    outcome = forge.outcome()
    check_installed(outcome)
    assert outcome["PAGURE_CI_SERVICES"] == ["webhook"]


@pytest.mark.parametrize("place", ["first", "last"])
def test_what_is_configured_before_or_after_the_lines_stays(forge: Forge, place: str) -> None:
    others = f"""
PAGURE_CI_SERVICES = ["jenkins"]
PAGURE_PLUGINS_CONFIG = {forge.other_blueprints()!r}
CELERY_CONFIG = {{"imports": ["wave"], "broker_transport_options": {{"visibility_timeout": 77}}}}
FLAG_STATUSES_LABELS = {{"success": "badge-mine", "pending": "badge-info"}}
"""
    forge.write(*([LINES, others] if place == "first" else [others, LINES]))
    outcome = forge.outcome()
    check_installed(outcome)
    assert outcome["PAGURE_CI_SERVICES"] == ["jenkins", "webhook"]
    assert "another" in outcome["blueprints"]
    for app in outcome["settings"]:
        assert "wave" in app["imports"]
        assert app["transport"] == {"visibility_timeout": 77}
    labels = outcome["FLAG_STATUSES_LABELS"]
    assert labels["success"] == "badge-mine"
    assert sorted(labels) == ["canceled", "error", "failure", "pending", "success"]


@pytest.mark.parametrize(
    "celery",
    ['{"imports": "wave"}', '{"imports": ("wave",)}', '{"CELERY_IMPORTS": ["wave"]}'],
    ids=["text", "tuple", "old_name"],
)
def test_workers_go_on_importing_what_they_did(forge: Forge, celery: str) -> None:
    forge.write(f"CELERY_CONFIG = {celery}", LINES)
    outcome = forge.outcome()
    check_installed(outcome)
    for app in outcome["settings"]:
        assert list(app["imports"]) == ["wave", "chela_pagure.worker"]


@pytest.mark.parametrize("variable", ["PAGURE_PLUGINS_CONFIG", "PAGURE_PLUGIN"])
def test_blueprints_that_the_environment_names_are_loaded_too(forge: Forge, variable: str) -> None:
    forge.environment[variable] = forge.other_blueprints()
    forge.write(LINES, "PAGURE_PLUGINS_CONFIG = '/nobody/reads/this'")
    outcome = forge.outcome()
    check_installed(outcome)
    assert "another" in outcome["blueprints"]


WEB = ("waitress-serve", "--listen=127.0.0.1:0", "--call", "pagure.flask_app:create_app")
CORE_WORKER = ("celery", "-A", "pagure.lib.tasks", "worker", "-c", "1")
CI_WORKER = ("celery", "-A", "pagure.lib.tasks_services", "worker", "-c", "1", "-Q", "pagure_ci")


@pytest.mark.parametrize("command", [WEB, CORE_WORKER, CI_WORKER], ids=["web", "core", "ci"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("CHELA_ALLOW_NETWORKS", "['127.0.0.0/99']"), ("CHELA_ALLOW_PORTS", "'8443'")],
    ids=["bad_entry", "no_list"],
)
def test_a_bad_limit_stops_every_process_with_its_name(
    forge: Forge, name: str, value: str, command: tuple[str, ...]
) -> None:
    forge.write(f"{name} = {value}", LINES)
    done = forge.run(Installation().venv / "bin" / command[0], *command[1:])
    assert done.returncode != 0
    assert name in done.stdout + done.stderr
    assert value.strip("[]'") in done.stdout + done.stderr
