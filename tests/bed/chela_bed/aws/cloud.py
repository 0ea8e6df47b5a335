"""What all stacks of a test run share: moto, and the program that decides for IAM."""

from __future__ import annotations

import itertools
from pathlib import Path

from chela_bed.aws.account import Account
from chela_bed.aws.evaluator import Evaluator
from chela_bed.aws.keeper import Keeper
from chela_bed.aws.moto import Moto


class Cloud:
    """Use it as a context: one for a run is enough, every stack in it has an account of its own."""

    def __init__(self, folder: Path, *, stacks: bool = False) -> None:
        # Logs, and whatever stacks want to keep beside them.
        self.folder = folder
        # With `stacks`, dialects can be deployed there.
        self.moto = Moto(folder, stacks=stacks)
        self.evaluator = Evaluator(folder)
        self.keeper = Keeper(folder)
        self._numbers = itertools.count(1)

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def account(self) -> Account:
        """An account that nobody has used yet."""
        return Account(f"4{next(self._numbers):011}")

    def stop(self) -> None:
        """End all of it."""
        self.keeper.stop()
        self.moto.stop()
        self.evaluator.stop()
