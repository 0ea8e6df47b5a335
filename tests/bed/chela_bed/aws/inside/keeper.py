"""Ends the processes that it was told of when its standard input ends: nobody is there to wake them then.

A line `+<pid>` is a process that began, `-<pid>` one that is over.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Listen to the end."""
    kept: set[int] = set()
    for line in sys.stdin:
        sign, pid = line[0], int(line[1:])
        (kept.add if sign == "+" else kept.discard)(pid)
    for pid in kept:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
