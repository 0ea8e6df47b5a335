"""The program `terraform`, with the provider of AWS that lies on the machine."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chela_bed.aws.cloudformation import RefusedError
from chela_bed.paths import BedError

# What may lie about in a module's folder and is none of it.
LITTER = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan")


@functools.cache
def plugins() -> Path | None:
    """The folder from which `terraform init -plugin-dir` takes the provider of AWS."""
    if shutil.which("terraform") is None:
        return None
    name = "terraform-provider-aws_v*"
    found = subprocess.run(
        ["find", "/", "-xdev", "-type", "f", "-name", name, "-not", "-path", "*/.terraform/*"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    # <host>/hashicorp/aws/<version>/<machine>/<file>
    folders = [Path(line).parents[5] for line in sorted(found.stdout.splitlines())]
    return folders[-1] if folders else None


def missing() -> str | None:
    """What this machine lacks to run it."""
    if plugins() is not None:
        return None
    return "terraform or its provider of AWS is not on this machine: the module was NOT tried"


@dataclass(frozen=True)
class Command:
    """It at work in a folder, and nothing of this machine's own settings with it."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def init(self) -> None:
        """Make the folder ready."""
        self.run("init", "-backend=false", f"-plugin-dir={plugins()}")

    def run(self, *words: str) -> str:
        """What it says; it has to work."""
        done = self.call(*words)
        if done.returncode:
            raise BedError(f"terraform {' '.join(words)} failed:\n{done.stdout[-5000:]}")
        return done.stdout

    def plan(self) -> Mapping[str, Any]:
        """What it would do, as `terraform show -json` has it; what it refuses in its own words."""
        done = self.call("plan", "-json", "-out=plan.tfplan")
        if done.returncode:
            raise RefusedError(_said(done.stdout))
        read: Mapping[str, Any] = json.loads(self.run("show", "-json", "plan.tfplan"))
        return read

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it, whatever comes of it."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        plain = {"TF_CLI_ARGS": "" if words[0] == "show" else "-no-color"}
        return subprocess.run(
            ["terraform", *words],
            cwd=self.folder,
            env={**own, **quiet(self.folder), **plain, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def quiet(folder: Path) -> Mapping[str, str]:
    """What keeps it from asking, and from this machine's settings."""
    settings = folder / "settings.tfrc"
    # A file that is not there makes it warn on standard output.
    settings.touch()
    return {
        "TF_CLI_CONFIG_FILE": str(settings),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }


def errors(output: str) -> list[Mapping[str, Any]]:
    """Those among the lines of `-json`."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [line["diagnostic"] for line in lines if line.get("diagnostic", {}).get("severity") == "error"]


def _said(output: str) -> list[str]:
    """One sentence each."""
    return [f"{error['summary']}: {error['detail']}" for error in errors(output)] or [output[-5000:]]
