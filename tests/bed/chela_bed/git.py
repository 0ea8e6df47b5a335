"""Commits made and pushed as Pagure's users do it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkTree:
    """A work tree beside one bare repository of the bed."""

    folder: Path
    bare: Path
    environment: Mapping[str, str]

    def commit(
        self,
        branch: str,
        files: Mapping[str, str | None],
        start: str | None = None,
        message: str = "Change something",
    ) -> str:
        """Commit these files (None removes one) on `branch`, which begins at `start` if it is new; its id."""
        self._prepare()
        known = self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", check=False)
        if start is not None or not known:
            self._git("checkout", "--quiet", "--force", "-B", branch, *self._start(start))
        else:
            self._git("checkout", "--quiet", "--force", branch)
        for name, content in files.items():
            self._write(name, content)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head()

    def head(self, what: str = "HEAD") -> str:
        """The id of a commit."""
        return self._git("rev-parse", what)

    def tag(self, name: str, what: str = "HEAD") -> None:
        """Make an annotated tag."""
        self._git("tag", "--annotate", "--message", name, name, what)

    def push(self, user: str, *references: str, force: bool = False, hooks: bool = True) -> str:
        """Push as Pagure's SSH command does it: plain git on the bare repository, with GL_USER set.

        Each of the three hooks is a Python that imports Pagure, which takes seconds. `hooks=False` is for
        laying out content that nobody has to notice.
        """
        extra = {"GL_USER": user} if hooks else {"GL_USER": user, "internal_no_hooks": "1"}
        flags = ["--force"] if force else []
        return self._git("push", *flags, str(self.bare), *references, extra=extra)

    def _prepare(self) -> None:
        if not (self.folder / ".git").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet")
        self._git("fetch", "--quiet", str(self.bare), "+refs/heads/*:refs/remotes/origin/*")

    def _start(self, start: str | None) -> list[str]:
        for reference in (start, f"origin/{start}", "origin/main"):
            if reference and self._git("rev-parse", "--verify", "--quiet", reference, check=False):
                return [reference]
        return []

    def _write(self, name: str, content: str | None) -> None:
        path = self.folder / name
        if content is None:
            path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def _git(self, *arguments: str, check: bool = True, extra: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**self.environment, **(extra or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"git {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()
