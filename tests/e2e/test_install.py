"""Where the bed's packages come from: a mirror, whatever state it is in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from chela_bed.install import INDEX, SUITE, Mirror, Package, locked
from chela_bed.paths import BedError

ARCHIVE = "pool/main/t/tree/tree_1.0-1_all.deb"


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture
def torn(tmp_path: Path) -> Iterator[Mirror]:
    """A mirror in the middle of an update: its archives are there, and nobody signed its index."""
    files = {ARCHIVE: b"the archive", f"dists/{SUITE}/InRelease": b"new", f"dists/{SUITE}/{INDEX}": b"old"}
    for path, content in files.items():
        (tmp_path / "mirror" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mirror" / path).write_bytes(content)
    (tmp_path / "downloads").mkdir()
    with _served(tmp_path / "mirror") as address:
        yield Mirror(address, tmp_path / "downloads")


def _package(path: str = ARCHIVE, content: bytes = b"the archive") -> Package:
    return Package(path, hashlib.sha256(content).hexdigest())


def test_a_locked_package_needs_no_index(torn: Mirror) -> None:
    assert torn.bring(_package()).read_bytes() == b"the archive"


def test_a_package_that_is_not_the_locked_one_is_refused(torn: Mirror) -> None:
    with pytest.raises(BedError, match="does not have the checksum that it must have"):
        torn.bring(_package(content=b"another archive"))


def test_a_package_that_is_gone_is_sought_in_a_signed_index_only(torn: Mirror) -> None:
    with pytest.raises(BedError, match="release file is not signed by Debian"):
        torn.bring(_package("pool/main/t/tree/tree_0.9-1_all.deb"))


def test_a_lock_file_has_the_format_of_sha256sum() -> None:
    assert list(locked(f"{'0' * 64}  {ARCHIVE}\n")) == [Package(ARCHIVE, "0" * 64)]
    assert Package(ARCHIVE, "0" * 64).name == "tree"
