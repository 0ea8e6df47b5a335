"""CloudFormation's functions ("Template Reference", intrinsic functions and rule functions)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.paths import BedError

# `${!Name}` is meant as it stands.
VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class _NoValue:
    """What `AWS::NoValue` leaves behind: nothing."""


NO_VALUE = _NoValue()


class Functions:
    """Evaluates; `values` are the parameters, `conditions` the template's."""

    def __init__(
        self,
        values: Mapping[str, Any],
        conditions: Mapping[str, Any],
        reference: Callable[[str], Any] | None = None,
        attribute: Callable[[str, str], Any] | None = None,
        imports: Mapping[str, str] | None = None,
    ) -> None:
        self._values = values
        self._conditions = conditions
        self._reference = reference
        self._attribute = attribute
        self._imports = imports or {}

    def value(self, node: Any) -> Any:
        """What a part of the template comes to."""
        if isinstance(node, list):
            return [found for each in node if (found := self.value(each)) is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return self._ref(argument)
            if name.startswith("Fn::"):
                return self._call(name[4:], argument)
        found = {key: self.value(member) for key, member in node.items()}
        return {key: member for key, member in found.items() if member is not NO_VALUE}

    def test(self, node: Any) -> bool:
        """Whether a condition holds."""
        if isinstance(node, bool):
            return node
        (name, argument), *_ = node.items()
        if name == "Condition":
            return self.test(self._conditions[argument])
        method = getattr(self, f"_is_{_snake(name[4:])}", None)
        if method is None:
            raise BedError(f"a condition knows no {name}; teach chela_bed.aws.cloudformation")
        return bool(method(argument))

    def _is_not(self, argument: Any) -> bool:
        return not self.test(argument[0])

    def _is_and(self, argument: Any) -> bool:
        return all(self.test(each) for each in argument)

    def _is_or(self, argument: Any) -> bool:
        return any(self.test(each) for each in argument)

    def _is_equals(self, argument: Any) -> bool:
        # Numbers are texts.
        left, right = (str(self.value(each)) for each in argument)
        return left == right

    def _is_contains(self, argument: Any) -> bool:
        return self.value(argument[1]) in self.value(argument[0])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._values:
            return self._values[name]
        if self._reference is None:
            raise BedError(f"{name} cannot be known here")
        return self._reference(name)

    def _call(self, name: str, argument: Any) -> Any:
        method = getattr(self, f"_do_{_snake(name)}", None)
        if method is None:
            raise BedError(f"CloudFormation's Fn::{name} is unknown; teach chela_bed.aws.cloudformation")
        return method(argument)

    def _do_if(self, argument: Any) -> Any:
        name, yes, no = argument
        return self.value(yes if self.test(self._conditions[name]) else no)

    def _do_sub(self, argument: Any) -> str:
        text, names = argument if isinstance(argument, list) else (argument, {})
        return VARIABLE.sub(lambda found: self._substitute(found, names), text)

    def _substitute(self, found: re.Match[str], names: Mapping[str, Any]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in names:
            return str(self.value(names[name]))
        logical, dot, attribute = name.partition(".")
        return str(self._do_get_att([logical, attribute]) if dot else self._ref(name))

    def _do_get_att(self, argument: Any) -> Any:
        if self._attribute is None:
            raise BedError(f"{argument} cannot be known here")
        return self._attribute(argument[0], argument[1])

    def _do_join(self, argument: Any) -> str:
        delimiter, members = argument
        assert isinstance(delimiter, str), "Fn::Join takes no function as delimiter"
        return delimiter.join(map(str, self.value(members)))

    def _do_split(self, argument: Any) -> list[str]:
        delimiter, text = argument
        assert isinstance(delimiter, str), "Fn::Split takes no function as delimiter"
        return str(self.value(text)).split(delimiter)

    def _do_select(self, argument: Any) -> Any:
        index, members = self.value(argument)
        return members[int(index)]

    def _do_import_value(self, argument: Any) -> str:
        name = self.value(argument)
        if name not in self._imports:
            raise BedError(f"No export named {name} found")
        return self._imports[name]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
