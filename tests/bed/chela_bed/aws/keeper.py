"""Sees to it that no function outlives the test run, which may be killed while functions are frozen."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from chela_bed.aws.child import Child


class Keeper:
    """Tells a small process of every process that began."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).parent / "inside" / "keeper.py")]
        self._child = Child(command, folder / "keeper.log", {"LANG": "C.UTF-8"})
        self._lock = threading.Lock()

    def began(self, pid: int) -> None:
        """This process shall end with us."""
        self._tell(f"+{pid}")

    def ended(self, pid: int) -> None:
        """It has, and its number may come again."""
        self._tell(f"-{pid}")

    def stop(self) -> None:
        """End everything that is left."""
        self._child.stop()

    def _tell(self, line: str) -> None:
        with self._lock:
            self._child.say(line.encode())
