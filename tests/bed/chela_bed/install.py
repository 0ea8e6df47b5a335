"""Brings Pagure 5.14.1 and what it needs into `target/pagure`, as Debian 13 packs it."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chela_bed.paths import BED, BedError, Installation

SUITE = "trixie"
INDEX = "main/binary-all/Packages.xz"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Program or file -> the package that brings it.
TOOLS = {
    "redis-server": "redis-server",
    "git": "git",
    "make": "make",
    "gpgv": "gpgv",
    "dpkg-deb": "dpkg",
    "setpriv": "util-linux",
    "bwrap": "bubblewrap",
    "/usr/lib/postgresql": "postgresql",
    str(KEYRING): "debian-archive-keyring",
}
TOOLS_OF_MARIADB = {"mariadbd": "mariadb-server"}
TOOLS_OF_BROWSER = {"chromium": "chromium", "chromedriver": "chromium-driver"}
TOOLS_OF_BENCH = {"wrk": "wrk", "webhook": "webhook"}
TOOLS_OF_CLOUD = {"node": "nodejs", "npm": "npm", "unzip": "unzip"}

# Pagure, the modules of it that only Debian patched for Python 3.12 and later (upstream's import `imp`),
# and what its static folder links to: pages look and act right only with that.
LOCK = BED / "packages.sha256"


def install(tools: Iterable[dict[str, str]] = (TOOLS,)) -> Installation:
    """Install whatever is missing; does nothing the second time."""
    installation = Installation()
    _install_tools(tools)
    _once(installation, "packages", _digest([LOCK.read_text()]), _unpack_pagure)
    requirements = BED / "requirements-pagure.txt"
    _once(installation, "venv", _digest([requirements.read_text(), str(installation.root)]), _make_venv)
    return installation


def install_browser() -> None:
    """Install a headless browser, if it is missing."""
    _install_tools([TOOLS_OF_BROWSER])


def install_peers() -> None:
    """Install what the receiver is measured with and beside, if it is missing."""
    _install_tools([TOOLS_OF_BENCH])


def install_cloud() -> None:
    """Install what the near-real AWS needs, if it is missing."""
    _install_tools([TOOLS_OF_CLOUD])


def install_plugin(installation: Installation, wheel: Path) -> None:
    """Install the plugin's wheel as an administrator would."""
    stamp = installation.root / "plugin.stamp"
    fingerprint = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    _pip(installation, "install", "--force-reinstall", "--no-deps", str(wheel))
    stamp.write_text(fingerprint)


def _install_tools(tools: Iterable[dict[str, str]]) -> None:
    wanted = {what: package for group in tools for what, package in group.items()}
    missing = sorted({package for what, package in wanted.items() if not _present(what)})
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BedError(f"missing: {names}. As root on Debian or Ubuntu they are installed for you")
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # A mirror between two states fails this, and may still have all that is wanted.
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    subprocess.run(
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], env=quiet, check=True
    )


def _present(what: str) -> bool:
    if what.startswith("/"):
        return Path(what).exists()
    return shutil.which(what, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


def _unpack_pagure(installation: Installation) -> None:
    shutil.rmtree(installation.packages, ignore_errors=True)
    installation.downloads.mkdir(parents=True, exist_ok=True)
    mirror = Mirror(_mirror(), installation.downloads)
    for package in locked(LOCK.read_text()):
        archive = mirror.bring(package)
        subprocess.run(["dpkg-deb", "-x", str(archive), str(installation.packages)], check=True)
    _arrange(installation)


def _arrange(installation: Installation) -> None:
    # Pagure looks for these beside its code; Debian keeps them in /usr/share.
    for folder in ("templates", "static", "themes"):
        link = installation.tree / "pagure" / folder
        link.unlink(missing_ok=True)
        link.symlink_to(installation.share / folder)
    # WhiteNoise looks at every file at start-up: one dangling link, and the web process ends.
    for path in (installation.share / "static").rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()
            path.touch()
    # Every git hook of every repository is a link to this file.
    hook = installation.tree / "pagure/hooks/files/hookrunner"
    lines = hook.read_text().splitlines(keepends=True)
    lines[0] = f"#!{installation.python}\n"
    hook.write_text("".join(lines))


def _make_venv(installation: Installation) -> None:
    shutil.rmtree(installation.venv, ignore_errors=True)
    (installation.root / "plugin.stamp").unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", installation.venv], check=True)
    _pip(installation, "install", "-r", str(BED / "requirements-pagure.txt"))
    packages = next((installation.venv / "lib").glob("python*/site-packages"))
    (packages / "pagure.pth").write_text(f"{installation.tree}\n")
    # pagure.lib.git_auth imports dbm.gnu for gitolite alone; a Python built without it gets an empty one.
    if subprocess.run([installation.python, "-c", "import _gdbm"], stderr=subprocess.DEVNULL).returncode:
        (packages / "_gdbm.py").write_text("# Only gitolite needs it.\n")
    # Each push starts three Pythons: without compiled modules each of them compiles Pagure anew.
    subprocess.run([installation.python, "-m", "compileall", "-q", installation.tree / "pagure"], check=False)


def _pip(installation: Installation, *arguments: str) -> None:
    command = [str(installation.python), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


@dataclass(frozen=True)
class Package:
    """A package file: its path below the mirror's folder, and its SHA-256 in hexadecimal digits."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        return Path(self.path).name.partition("_")[0]


def locked(lock: str) -> Iterator[Package]:
    """The packages of a lock file, which has the format of sha256sum."""
    for line in lock.splitlines():
        sha256, path = line.split()
        yield Package(path, sha256)


class Mirror:
    """A Debian mirror, and the folder for what it gave.

    A mirror between two states serves an index that does not fit its signature, for hours. The files
    named in the lock need no index; it is read only for those that Debian has replaced since.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address
        self._folder = folder

    def bring(self, package: Package) -> Path:
        """The package's file; where the mirror no longer has that one, the suite's present one."""
        try:
            return self._download(package)
        except _GoneError:
            present = self._index.get(package.name)
        if present is None:
            raise BedError(f"{self._address} has no package {package.name} in {SUITE}")
        return self._download(present)

    @cached_property
    def _index(self) -> dict[str, Package]:
        """The suite's package index, believed because Debian signed its checksum."""
        suite = f"{self._address}/dists/{SUITE}"
        signed = _verified(_fetch(f"{suite}/InRelease"))
        checksums = {parts[2]: parts[0] for parts in map(str.split, signed.splitlines()) if len(parts) == 3}
        packed = _fetch(f"{suite}/{INDEX}")
        if hashlib.sha256(packed).hexdigest() != checksums.get(INDEX):
            raise BedError(
                f"{self._address}: the index of {SUITE} is not the one that Debian signed. "
                "Try again later, or name another mirror in CHELA_DEBIAN_MIRROR"
            )
        return dict(_packages(lzma.decompress(packed).decode()))

    def _download(self, package: Package) -> Path:
        target = self._folder / Path(package.path).name
        if not target.exists() or _checksum(target) != package.sha256:
            target.write_bytes(_fetch(f"{self._address}/{package.path}"))
        if _checksum(target) != package.sha256:
            raise BedError(f"{target} does not have the checksum that it must have: {package.sha256}")
        return target


def _mirror() -> str:
    """The Debian mirror that CHELA_DEBIAN_MIRROR names, or the one of apt's own configuration."""
    named = os.environ.get("CHELA_DEBIAN_MIRROR")
    if named:
        return named.rstrip("/")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for address in known:
        if address.rstrip("/").endswith("/debian"):
            return address.rstrip("/")
    raise BedError(
        "apt on this machine knows no Debian mirror, and Pagure 5.14.1 comes from Debian 13's packages. "
        "Set CHELA_DEBIAN_MIRROR to the address of one (the folder that contains dists/ and pool/)"
    )


def _verified(release: bytes) -> str:
    command = ["gpgv", "--quiet", "--keyring", str(KEYRING), "--output", "-"]
    done = subprocess.run(command, input=release, capture_output=True, check=False)
    if done.returncode:
        raise BedError(f"the mirror's release file is not signed by Debian:\n{done.stderr.decode()}")
    text = done.stdout.decode()
    # Checksums of one kind only: the sections list the same names.
    return text.partition("SHA256:")[2].partition("SHA512:")[0]


def _packages(index: str) -> Iterator[tuple[str, Package]]:
    for stanza in index.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if line[:1].isalpha() and ": " in line
        )
        if "Package" in fields:
            yield fields["Package"], Package(fields["Filename"], fields["SHA256"])


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class _GoneError(BedError):
    """The mirror does not have that file."""


def _fetch(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=120) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.URLError as problem:
        gone = isinstance(problem, urllib.error.HTTPError) and problem.code in (404, 410)
        raise (_GoneError if gone else BedError)(
            f"{address}: {problem}. CHELA_DEBIAN_MIRROR can name another Debian mirror that has {SUITE}"
        ) from problem


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _once(
    installation: Installation, step: str, fingerprint: str, work: Callable[[Installation], None]
) -> None:
    stamp = installation.root / f"{step}.stamp"
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    stamp.unlink(missing_ok=True)
    work(installation)
    stamp.write_text(fingerprint)
