"""Starts moto: S3, SQS, EventBridge and Secrets Manager in memory, behind the front."""

from __future__ import annotations

import sys
from pathlib import Path

from chela_bed.aws.child import Child


class Moto:
    """A moto server on the loopback address; every account in it is a world of its own."""

    def __init__(self, folder: Path, *, stacks: bool = False) -> None:
        # By its path: the bed's own packages are not needed there.
        command = [sys.executable, str(Path(__file__).parent / "inside" / "motoserver.py")]
        if stacks:
            # CloudFormation with all that a stack of ours is made of.
            command.append("--stacks")
        self._child = Child(command, folder / "moto.log", {"LANG": "C.UTF-8"})
        self.port = int(self._child.expect())

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it, and forget everything."""
        self._child.stop()
