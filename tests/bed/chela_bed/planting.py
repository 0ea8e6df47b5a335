"""Commits that no work tree could hold: links, any bytes as names, all that git would not add by itself."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Link:
    """A symbolic link, to anywhere."""

    target: str


@dataclass(frozen=True)
class Module:
    """A submodule at some commit."""

    commit: str = "1" * 40


Content = str | bytes | Link | Module
Tree = Mapping[str | bytes, Content]


@dataclass(frozen=True)
class Planted:
    """A branch and its one commit."""

    branch: str
    commit: str


def plant(bare: Path, tree: Tree, *, branch: str | None = None, parent: str = "main") -> Planted:
    """Put a commit with just this tree onto a branch of a bare repository, past all hooks.

    No two are the same commit, so that none has the flags of another.
    """
    number = next(NUMBERS)
    name = branch or f"planted-{number}"
    reference = f"refs/heads/{name}".encode()
    head = _git(bare, "rev-parse", f"refs/heads/{parent}")
    stream = b"\n".join(_stream(reference, tree, head, f"Plant something, number {number}"))
    _git(bare, "fast-import", "--quiet", "--force", given=stream)
    return Planted(name, _git(bare, "rev-parse", reference.decode()))


def _stream(reference: bytes, tree: Tree, parent: str, message: str) -> Iterator[bytes]:
    """See git-fast-import(1), "Input format"."""
    yield b"commit %s" % reference
    yield b"committer Mallory <mallory@example.org> 1700000000 +0000"
    yield _data(message.encode())
    yield b"from %s" % parent.encode()
    yield b"deleteall"
    for name, content in tree.items():
        path = _quoted(name.encode() if isinstance(name, str) else name)
        if isinstance(content, Module):
            yield b"M 160000 %s %s" % (content.commit.encode(), path)
            continue
        mode = b"120000" if isinstance(content, Link) else b"100644"
        text = content.target if isinstance(content, Link) else content
        yield b"M %s inline %s" % (mode, path)
        yield _data(text.encode() if isinstance(text, str) else text)
    yield b""


def _data(content: bytes) -> bytes:
    return b"data %d\n%s" % (len(content), content)


def _quoted(path: bytes) -> bytes:
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


def _git(bare: Path, *arguments: str, given: bytes | None = None) -> str:
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(bare), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)} failed:\n{done.stderr.decode(errors='replace')}")
    return done.stdout.decode().strip()
