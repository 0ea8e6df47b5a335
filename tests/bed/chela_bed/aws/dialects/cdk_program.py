"""Installs and compiles `infra/cdk`, and runs the small program in it that makes templates of wishes."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chela_bed.aws.child import Child
from chela_bed.install import install_cloud
from chela_bed.paths import CHECKOUT, BedError

SOURCE = CHECKOUT / "infra" / "cdk"
HOME = CHECKOUT / "target" / "aws" / "cdk"
# What is compiled, and what is only read.
WRITTEN = ("lib", "example", "test")
READ = ("policies", "rules", "cdk.json", "README.md")
COMPILER = ("tsconfig.json", "package.json", "package-lock.json", ".npmrc")
ALL = (*WRITTEN, *READ, *COMPILER)
ASKING = threading.Lock()


def ask(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the program answers; it is started when first asked, and ends with this process."""
    with ASKING:
        program = _program()
        program.say(json.dumps(question).encode())
        answer: Mapping[str, Any] = json.loads(program.expect())
        return answer


def compiled(folder: Path, scratch: Path) -> Path:
    """A copy of the package in this folder, ready to run: its path."""
    made = scratch / f"package-{_digest(folder, ALL)}"
    if not made.exists():
        half = made.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(_compiled(folder), half / "dist")
        (half / "node_modules").symlink_to(packages())
        for name in ALL:
            _copy(folder / name, half / name)
        half.rename(made)
    return made


def run(command: Sequence[str], folder: Path, **variables: str) -> str:
    """Run Node, npm, or one of the packages' programs such as `tsc`; what it prints."""
    program, *arguments = command
    own = ["node", str(packages() / ".bin" / program)]
    done = subprocess.run(
        [*([program] if program in ("node", "npm") else own), *arguments],
        cwd=folder,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BedError(f"{' '.join(command)} has failed:\n{(done.stdout + done.stderr)[-6000:]}")
    return done.stdout


def environment() -> dict[str, str]:
    """No AWS account, no questions, no reports to anybody."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(HOME),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "npm_config_update_notifier": "false",
    }


@functools.cache
def packages() -> Path:
    """Bring the packages into target/, if they are not there."""
    install_cloud()
    with _locked():
        stamp, wanted = HOME / "installed.json", (SOURCE / "package-lock.json").read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            _fetch_packages()
            stamp.write_text(wanted)
    return HOME / "node_modules"


def _fetch_packages() -> None:
    for name in COMPILER:
        shutil.copy(SOURCE / name, HOME)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"npm could not bring the CDK:\n{done.stderr[-3000:]}")


def _compiled(folder: Path) -> Path:
    """What comes of its TypeScript; kept, for it takes seconds."""
    kept = HOME / f"compiled-{_digest(folder, (*WRITTEN, *COMPILER))}"
    packages()
    with _locked():
        if not kept.exists():
            half = kept.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            for name in (*WRITTEN, *COMPILER):
                _copy(folder / name, half / name)
            run(["tsc", "--outDir", "dist"], half)
            half.rename(kept)
    return kept / "dist"


@functools.cache
def _program() -> Child:
    server = _compiled(SOURCE) / "test" / "serve.js"
    return Child(["node", str(server)], HOME / "serve.log", environment())


@contextmanager
def _locked() -> Iterator[None]:
    """Several test runs may begin at once."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _digest(folder: Path, names: Sequence[str]) -> str:
    hashed = hashlib.sha256()
    for name in names:
        for file in _files(folder / name):
            hashed.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    return hashed.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
