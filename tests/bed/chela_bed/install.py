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

PAGURE = ["pagure", "pagure-ci"]
# Pure Python, but only Debian's copies run on Python 3.12 and later (upstream's import `imp`).
MODULES = ["python3-kitchen", "python3-straight.plugin"]
# What Pagure's static folder links to; pages look and act right only with it.
ASSETS = [
    "fonts-font-awesome",
    "libjs-bootstrap4",
    "libjs-codemirror",
    "libjs-d3",
    "libjs-highlight.js",
    "libjs-jquery",
    "libjs-jquery-atwho",
    "libjs-jquery-caret.js",
    "libjs-jquery-lazyload",
    "libjs-jquery-selectize.js",
    "libjs-jquery-textcomplete",
    "libjs-jquery-ui",
    "libjs-jstimezonedetect",
]


def install(tools: Iterable[dict[str, str]] = (TOOLS,)) -> Installation:
    """Install whatever is missing; does nothing the second time."""
    installation = Installation()
    _install_tools(tools)
    _once(installation, "packages", _digest(PAGURE + MODULES + ASSETS), _unpack_pagure)
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
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=True)
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
    mirror = _mirror()
    index = _index(mirror)
    for name in PAGURE + MODULES + ASSETS:
        if name not in index:
            raise BedError(f"the Debian mirror has no package {name} in {SUITE}")
        archive = _download(mirror, index[name], installation.downloads)
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
class _Package:
    path: str
    sha256: str


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


def _index(mirror: str) -> dict[str, _Package]:
    """The suite's package index, believed because Debian signed its checksum."""
    signed = _verified(_fetch(f"{mirror}/dists/{SUITE}/InRelease"))
    checksums = {parts[2]: parts[0] for parts in map(str.split, signed.splitlines()) if len(parts) == 3}
    packed = _fetch(f"{mirror}/dists/{SUITE}/{INDEX}")
    if hashlib.sha256(packed).hexdigest() != checksums.get(INDEX):
        raise BedError(f"{mirror}: the index of {SUITE} is not the one that Debian signed; try again later")
    return dict(_packages(lzma.decompress(packed).decode()))


def _verified(release: bytes) -> str:
    command = ["gpgv", "--quiet", "--keyring", str(KEYRING), "--output", "-"]
    done = subprocess.run(command, input=release, capture_output=True, check=False)
    if done.returncode:
        raise BedError(f"the mirror's release file is not signed by Debian:\n{done.stderr.decode()}")
    text = done.stdout.decode()
    # Checksums of one kind only: the sections list the same names.
    return text.partition("SHA256:")[2].partition("SHA512:")[0]


def _packages(index: str) -> Iterator[tuple[str, _Package]]:
    for stanza in index.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if line[:1].isalpha() and ": " in line
        )
        if "Package" in fields:
            yield fields["Package"], _Package(fields["Filename"], fields["SHA256"])


def _download(mirror: str, package: _Package, folder: Path) -> Path:
    target = folder / Path(package.path).name
    if not target.exists() or _checksum(target) != package.sha256:
        target.write_bytes(_fetch(f"{mirror}/{package.path}"))
    if _checksum(target) != package.sha256:
        raise BedError(f"{target} does not have the checksum that Debian's index states")
    return target


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _fetch(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=120) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.URLError as problem:
        raise BedError(
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
