"""A template with its parameters, its rules and its conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation.functions import Functions
from chela_bed.aws.cloudformation.reading import read
from chela_bed.aws.cloudformation.resolved import Resolved

Parameters = Mapping[str, str]
Values = dict[str, Any]


class RefusedError(Exception):
    """CloudFormation would not begin; the sentences say why."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class Template:
    """What a file says."""

    content: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path) -> Template:
        """Read it."""
        return cls(read(path.read_text()))

    def resolve(
        self,
        parameters: Parameters,
        account: Account,
        stack: str = "chela",
        imports: Parameters | None = None,
    ) -> Resolved:
        """What is deployed with these parameters, or why it is not."""
        bad = self._bad_parameters(parameters)
        if bad:
            raise RefusedError(bad)
        values = self._values(parameters)
        values |= _pseudo(account, stack)
        bad = self._broken_rules(values)
        if bad:
            raise RefusedError(bad)
        return Resolved(self.content, values, account, dict(imports or {}))

    def _declared(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.content.get("Parameters", {})
        return found

    def _values(self, parameters: Parameters) -> Values:
        return {
            name: str(parameters.get(name, declared.get("Default", "")))
            for name, declared in self._declared().items()
        }

    def _bad_parameters(self, parameters: Parameters) -> list[str]:
        declared = self._declared()
        unknown = [
            f"Parameters: [{name}] do not exist in the template" for name in parameters.keys() - declared
        ]
        missing = [
            f"Parameters: [{name}] must have values"
            for name, one in declared.items()
            if name not in parameters and "Default" not in one
        ]
        wrong = [
            sentence
            for name, one in declared.items()
            if name in parameters or "Default" in one
            for sentence in _wrong(name, one, str(parameters.get(name, one.get("Default", ""))))
        ]
        return unknown + missing + wrong

    def _broken_rules(self, values: Values) -> list[str]:
        functions = Functions(values, {})
        return [
            str(one["AssertDescription"])
            for rule in self.content.get("Rules", {}).values()
            if functions.test(rule.get("RuleCondition", True))
            for one in rule["Assertions"]
            if not functions.test(one["Assert"])
        ]


def _wrong(name: str, declared: Mapping[str, Any], text: str) -> list[str]:
    told = declared.get("ConstraintDescription", "")
    if _fits(declared, text):
        return []
    return [f"Parameter {name} {told or 'failed to satisfy constraint'}"]


def _fits(declared: Mapping[str, Any], text: str) -> bool:
    if "AllowedValues" in declared and text not in map(str, declared["AllowedValues"]):
        return False
    if declared["Type"] == "Number":
        number = re.fullmatch(r"-?\d+(\.\d+)?", text)
        low, high = declared.get("MinValue", "-inf"), declared.get("MaxValue", "inf")
        return bool(number) and float(low) <= float(text) <= float(high)
    # CloudFormation wants the whole text to match.
    return re.fullmatch(declared.get("AllowedPattern", ".*"), text) is not None


def _pseudo(account: Account, stack: str) -> Values:
    is_china = account.partition == "aws-cn"
    return {
        "AWS::AccountId": account.number,
        "AWS::Region": account.region,
        "AWS::Partition": account.partition,
        "AWS::StackName": stack,
        "AWS::URLSuffix": "amazonaws.com.cn" if is_china else "amazonaws.com",
    }
