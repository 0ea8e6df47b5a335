"""In what the dialects differ, and why: all else of them is the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CDK, TERRAFORM = "cdk", "terraform"


@dataclass(frozen=True)
class Excuse:
    """Settings that may differ from CloudFormation's: whose, and a pattern of their paths."""

    dialects: Sequence[str]
    path: str
    why: str

    def covers(self, dialect: str, path: str) -> bool:
        """Whether a difference is meant."""
        return dialect in self.dialects and re.fullmatch(self.path, path) is not None


EXCUSES = (
    Excuse(
        (CDK, TERRAFORM),
        r"(CodeBuildProjectArns|PipelineArns)(\..*)?",
        "CloudFormation cannot put a region and an account before each name of a list by itself; these "
        "parameters of SSM do it. The others have a language for that.",
    ),
    Excuse(
        (TERRAFORM,),
        r"ConfigObject(\..*)?|TriggerFunction\.Environment\.Variables\.CHELA_CONFIG(\..*)?",
        "With Terraform the map of callers is always an object, which the module writes: it knows all "
        "projects of Pagure, while CloudFormation's parameters know one.",
    ),
    Excuse(
        (CDK,),
        r"TriggerFunction\.Environment\.Variables\.CHELA_CONFIG",
        "The CDK brings a map that is too long for the environment as an asset, whose key has its hash; with "
        "CloudFormation the user writes it into the ledger.",
    ),
    Excuse(
        (TERRAFORM,),
        r"\w+\.(Alarm)?Description",
        "Read by humans alone, and each dialect has said it in its own words.",
    ),
    Excuse(
        (TERRAFORM,),
        r"TriggerApiIntegration\.IntegrationMethod",
        "The provider wants it said; an HTTP API calls a function by POST anyway.",
    ),
    Excuse(
        (TERRAFORM,),
        r"ElsewhereMayInvokeThroughIt(\..*)?",
        "The provider can say so from 6.28 on, and the module allows 5.100: its output "
        "`foreign_caller_commands` has the command.",
    ),
)


@dataclass(frozen=True)
class Difference:
    """A setting that is not as in CloudFormation."""

    dialect: str
    path: str
    there: Any
    here: Any

    @property
    def excuses(self) -> list[Excuse]:
        """What explains it."""
        return [each for each in EXCUSES if each.covers(self.dialect, self.path)]

    def __str__(self) -> str:
        return f"{self.path} is {self.here!r}, not {self.there!r}"
