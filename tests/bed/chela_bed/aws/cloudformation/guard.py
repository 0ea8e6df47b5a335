"""Runs cfn-guard with the rules of `infra/cloudformation/chela.guard`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from chela_bed.paths import CHECKOUT, BedError

PROGRAM = CHECKOUT / "target" / "tools" / "bin" / "cfn-guard"
RULES = CHECKOUT / "infra" / "cloudformation" / "chela.guard"
# "AWS CloudFormation Guard User Guide", exit codes: a rule is broken.
BROKEN = 19


def missing() -> str | None:
    """Whether it is not there, in a sentence."""
    there = PROGRAM.exists()
    return None if there else "cfn-guard is not in target/tools; `cargo xtask test` installs it"


def broken(templates: Sequence[str]) -> list[set[str]]:
    """The rules that each of these templates breaks."""
    done = subprocess.run(
        [
            PROGRAM,
            "validate",
            "--payload",
            "--structured",
            "--output-format",
            "json",
            "--show-summary",
            "none",
        ],
        input=json.dumps({"rules": [RULES.read_text()], "data": list(templates)}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, BROKEN):
        raise BedError(f"cfn-guard has failed: {done.stderr}")
    answers = json.loads(done.stdout)
    if len(answers) != len(templates):
        raise BedError(
            f"cfn-guard says something of {len(answers)} templates, and was given {len(templates)}"
        )
    return [{one["Rule"]["name"] for one in answer["not_compliant"]} for answer in answers]
