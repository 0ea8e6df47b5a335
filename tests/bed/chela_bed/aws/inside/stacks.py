"""Teaches moto's CloudFormation what it lacks of a stack of ours, inside moto's own process.

Most types are made by the service's own API, as CloudFormation does it, and by moto itself; so what is
deployed is seen afterwards as anybody sees it. Some habits of moto's are changed: a `NoValue` in a list
leaves nothing behind, the default of a list is one, what is to be kept is kept, a key's policy is text, and
a change set's stack has imports and outputs.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudformation import models as moto_models
from moto.cloudformation import parsing as moto_parsing
from moto.core.common_models import CloudFormationModel
from moto.kms.models import Key
from moto.s3.models import FakeBucket
from moto.ssm.models import Parameter

# What is changed is not what mypy knows.
parsing: Any = moto_parsing
change_sets: Any = moto_models.ChangeSet
buckets: Any = FakeBucket
keys: Any = Key
Base: Any = CloudFormationModel

# By its name: the bed's own packages are not needed in moto's process.
made_by: Any = importlib.import_module("stack_types")


def teach(port: int) -> None:
    """Do it, before anybody asks for a stack."""
    made_by.Services.url = f"http://127.0.0.1:{port}"
    parsing.clean_json = _without_nothing(parsing.clean_json)
    parsing.ResourceMap.delete = _without_kept(parsing.ResourceMap.delete)
    parsing.parse_condition = _test
    _add_attribute(Parameter, "Value", lambda one: one.value)
    _wrap_buckets()
    _wrap_keys()
    change_sets.apply = _with_outputs(change_sets.apply)
    for kind, (name, create, delete) in made_by.TYPES.items():
        _model(kind, name, create, delete)
    for cache in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cache.cache_clear()


def _without_nothing(clean: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def cleaned(node: Any, resources: Any) -> Any:
        if isinstance(node, list):
            return [found for each in node if (found := cleaned(each, resources)) is not None]
        return clean(node, resources)

    return cleaned


def _test(condition: Any, resources: Any, conditions: Mapping[str, Any]) -> bool:
    """As moto does it, but numbers are texts, and conditions may be nested."""
    if isinstance(condition, bool):
        return condition
    (name, argument), *_ = condition.items()
    # The first is JSON's, the second what moto makes of YAML's `!Condition`.
    if name in ("Condition", "Fn::Condition"):
        return bool(conditions[argument])
    if name == "Fn::Equals":
        left, right = (str(parsing.clean_json(each, resources)) for each in argument)
        return left == right
    held = [_test(each, resources, conditions) for each in argument]
    return {"Fn::Not": not held[0], "Fn::And": all(held), "Fn::Or": any(held)}[name]


def _without_kept(delete: Callable[[Any], None]) -> Callable[[Any], None]:
    def deleted(self: Any) -> None:
        for declared in self._resource_json_map.values():
            # The stack was made, so that this is the same.
            if declared.get("DeletionPolicy") == "RetainExceptOnCreate":
                declared["DeletionPolicy"] = "Retain"
        delete(self)

    return deleted


def _with_outputs(apply: Callable[[Any], None]) -> Callable[[Any], None]:
    """What a change set makes may import and export, and tells its outputs."""

    def applied(self: Any) -> None:
        stack = self.stack
        exports = moto_models.cloudformation_backends[stack.account_id][stack.region_name].exports
        stack.resource_map.cross_stack_resources = exports
        apply(self)
        stack.template_dict = self.template_dict
        stack.output_map = stack._create_output_map()
        exports.update({each.name: each for each in stack.exports})

    return applied


def _add_attribute(model: Any, wanted: str, read: Callable[[Any], str]) -> None:
    def attribute(self: Any, name: str) -> str:
        assert name == wanted, f"{model.__name__} has no {name}"
        return read(self)

    model.get_cfn_attribute = attribute
    model.has_cfn_attr = classmethod(lambda _cls, name: name == wanted)


def _wrap_buckets() -> None:
    """moto makes the bucket and forgets how it is set."""
    make = buckets.create_from_cloudformation_json.__func__

    def made(cls: Any, /, name: str, content: Any, account: str, region: str, **more: Any) -> Any:
        bucket = make(cls, name, {**content, "Properties": {}}, account, region, **more)
        made_by.set_bucket(made_by.Services(account, region)("s3"), name, content.get("Properties", {}))
        return bucket

    buckets.create_from_cloudformation_json = classmethod(made)


def _wrap_keys() -> None:
    """moto keeps the policy as CloudFormation has it, where KMS keeps a text."""
    make = keys.create_from_cloudformation_json.__func__

    def made(cls: Any, /, name: str, content: Any, account: str, region: str, **more: Any) -> Any:
        properties = content["Properties"]
        told = {**properties, "KeyPolicy": json.dumps(properties["KeyPolicy"])}
        return make(cls, name, {**content, "Properties": told}, account, region, **more)

    keys.create_from_cloudformation_json = classmethod(made)


def _model(kind: str, name_property: str, create: Callable[..., Any], delete: Callable[..., Any]) -> None:
    class Model(Base):  # type: ignore[misc]
        # moto looks for the service's name there.
        __module__ = "moto.cloudformation.stacks"

        def __init__(self, made: Any, services: Any) -> None:
            self._made, self._services = made, services

        @staticmethod
        def cloudformation_name_type() -> str:
            return name_property

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in made_by.ATTRIBUTES.get(kind, ())

        @classmethod
        def create_from_cloudformation_json(
            cls, name: str, content: Any, account: str, region: str, **_: Any
        ) -> Model:
            services = made_by.Services(account, region)
            return cls(create(services, name, content.get("Properties", {})), services)

        @classmethod
        def update_from_cloudformation_json(
            cls, original: Any, name: str, content: Any, account: str, region: str
        ) -> Model:
            raise NotImplementedError(f"{kind} is not updated here")

        @classmethod
        def delete_from_cloudformation_json(cls, name: str, content: Any, account: str, region: str) -> None:
            delete(made_by.Services(account, region), name)

        def delete(self, account_id: str = "", region_name: str = "") -> None:
            delete(self._services, self._made[0])

        @property
        def physical_resource_id(self) -> str:
            return str(self._made[0])

        def get_cfn_attribute(self, name: str) -> str:
            return str(self._made[1][name])

    Model.__name__ = kind.replace("::", "")
    # `CloudFormationModel.__subclasses__` holds it weakly.
    MODELS.append(Model)


MODELS: list[type] = []
