"""Teaches moto's CloudFormation what it lacks of a stack of ours, inside moto's own process.

Most types are made by the service's own API, as CloudFormation does it, and by moto itself; so what is
deployed is seen afterwards as anybody sees it. Two habits of moto's are changed: a `NoValue` in a list
leaves nothing behind, and the default of a list is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import botocore.session
from moto.cloudformation import parsing as moto_parsing
from moto.core.common_models import CloudFormationModel
from moto.s3.models import FakeBucket
from moto.ssm.models import Parameter

# What is changed is not what mypy knows.
parsing: Any = moto_parsing
buckets: Any = FakeBucket
Base: Any = CloudFormationModel

Properties = dict[str, Any]
# The physical id, and the attributes.
Made = tuple[str, dict[str, str]]


class Services:
    """Clients of this very server, as one account in one region."""

    url = ""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region

    def __call__(self, service: str) -> Any:
        client = botocore.session.Session().create_client(
            service,
            region_name=self._region,
            endpoint_url=self.url,
            aws_access_key_id="owner",
            aws_secret_access_key="owner",
        )
        client.meta.events.register("before-sign.*", self._say_account)
        return client

    def _say_account(self, request: Any, **_: object) -> None:
        request.headers["x-moto-account-id"] = self._account


Create = Callable[[Services, str, Properties], Made]
Delete = Callable[[Services, str], object]


def teach(port: int) -> None:
    """Do it, before anybody asks for a stack."""
    Services.url = f"http://127.0.0.1:{port}"
    parsing.clean_json = _without_nothing(parsing.clean_json)
    parsing.ResourceMap.load_parameters = _with_lists(parsing.ResourceMap.load_parameters)
    parsing.ResourceMap.delete = _without_kept(parsing.ResourceMap.delete)
    parsing.parse_condition = _test
    _add_attribute(Parameter, "Value", lambda one: one.value)
    _wrap_buckets()
    for kind, (name, create, delete) in TYPES.items():
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


def _with_lists(load: Callable[[Any], None]) -> Callable[[Any], None]:
    def loaded(self: Any) -> None:
        load(self)
        for name, declared in self._template.get("Parameters", {}).items():
            value = self.resolved_parameters[name]
            if declared["Type"] == "CommaDelimitedList" and isinstance(value, str):
                self.resolved_parameters[name] = value.split(",")
        self._parsed_resources.update(self.resolved_parameters)

    return loaded


def _without_kept(delete: Callable[[Any], None]) -> Callable[[Any], None]:
    def deleted(self: Any) -> None:
        for declared in self._resource_json_map.values():
            # The stack was made, so that this is the same.
            if declared.get("DeletionPolicy") == "RetainExceptOnCreate":
                declared["DeletionPolicy"] = "Retain"
        delete(self)

    return deleted


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
        _set_bucket(Services(account, region)("s3"), name, content.get("Properties", {}))
        return bucket

    buckets.create_from_cloudformation_json = classmethod(made)


def _set_bucket(s3: Any, name: str, found: Properties) -> None:
    if "VersioningConfiguration" in found:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=found["VersioningConfiguration"])
    if "PublicAccessBlockConfiguration" in found:
        block = found["PublicAccessBlockConfiguration"]
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if "OwnershipControls" in found:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=found["OwnershipControls"])
    if "BucketEncryption" in found:
        rules = [_encryption(rule) for rule in found["BucketEncryption"]["ServerSideEncryptionConfiguration"]]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if "LifecycleConfiguration" in found:
        rules = [_lifecycle(rule) for rule in found["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def _encryption(rule: Properties) -> Properties:
    others = {name: value for name, value in rule.items() if name != "ServerSideEncryptionByDefault"}
    return {**others, "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}


def _lifecycle(rule: Properties) -> Properties:
    """CloudFormation's words, in S3's."""
    found: Properties = {"ID": rule["Id"], "Status": rule["Status"]}
    found["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if "ExpirationInDays" in rule:
        found["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if rule.get("ExpiredObjectDeleteMarker"):
        found["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            found[name] = {key: int(value) for key, value in rule[name].items()}
    return found


def _model(kind: str, name_property: str, create: Create, delete: Delete) -> None:
    class Model(Base):  # type: ignore[misc]
        # moto looks for the service's name there.
        __module__ = "moto.cloudformation.stacks"

        def __init__(self, made: Made, services: Services) -> None:
            self._made, self._services = made, services

        @staticmethod
        def cloudformation_name_type() -> str:
            return name_property

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in ATTRIBUTES.get(kind, ())

        @classmethod
        def create_from_cloudformation_json(
            cls, name: str, content: Any, account: str, region: str, **_: Any
        ) -> Model:
            services = Services(account, region)
            return cls(create(services, name, content.get("Properties", {})), services)

        @classmethod
        def update_from_cloudformation_json(
            cls, original: Any, name: str, content: Any, account: str, region: str
        ) -> Model:
            raise NotImplementedError(f"{kind} is not updated here")

        @classmethod
        def delete_from_cloudformation_json(cls, name: str, content: Any, account: str, region: str) -> None:
            delete(Services(account, region), name)

        def delete(self, account_id: str = "", region_name: str = "") -> None:
            delete(self._services, self._made[0])

        @property
        def physical_resource_id(self) -> str:
            return self._made[0]

        def get_cfn_attribute(self, name: str) -> str:
            return self._made[1][name]

    Model.__name__ = kind.replace("::", "")
    # `CloudFormationModel.__subclasses__` holds it weakly.
    MODELS.append(Model)


MODELS: list[type] = []


def _queue_policy(aws: Services, name: str, found: Properties) -> Made:
    for queue in found["Queues"]:
        policy = {"Policy": json.dumps(found["PolicyDocument"])}
        aws("sqs").set_queue_attributes(QueueUrl=queue, Attributes=policy)
    return name, {}


def _bucket_policy(aws: Services, name: str, found: Properties) -> Made:
    aws("s3").put_bucket_policy(Bucket=found["Bucket"], Policy=json.dumps(found["PolicyDocument"]))
    return name, {}


def _function_url(aws: Services, name: str, found: Properties) -> Made:
    arn = found["TargetFunctionArn"]
    made = aws("lambda").create_function_url_config(FunctionName=arn, AuthType=found["AuthType"])
    # AWS ends it with a slash.
    return arn, {"FunctionUrl": made["FunctionUrl"].rstrip("/") + "/", "FunctionArn": arn}


def _secret(aws: Services, name: str, found: Properties) -> Made:
    arn = aws("secretsmanager").create_secret(Name=name, **_only(found, "Description", "KmsKeyId"))["ARN"]
    return arn, {"Id": arn}


def _schedule(aws: Services, name: str, found: Properties) -> Made:
    arn = aws("scheduler").create_schedule(**{**found, "Name": name})["ScheduleArn"]
    return name, {"Arn": arn}


def _alarm(aws: Services, name: str, found: Properties) -> Made:
    aws("cloudwatch").put_metric_alarm(**{**found, "AlarmName": name})
    return name, {}


def _project(aws: Services, name: str, found: Properties) -> Made:
    asked = _lower(found)
    asked["name"] = name
    arn = aws("codebuild").create_project(**asked)["project"]["arn"]
    return name, {"Arn": arn, "Id": name}


def _pipeline(aws: Services, name: str, found: Properties) -> Made:
    asked = _lower(found)
    asked["name"] = name
    for stage, declared in zip(asked["stages"], found["Stages"], strict=True):
        for action, said in zip(stage["actions"], declared["Actions"], strict=True):
            # A configuration has the provider's own words.
            action["configuration"] = said["Configuration"]
    aws("codepipeline").create_pipeline(pipeline=asked)
    return name, {}


def _api(aws: Services, name: str, found: Properties) -> Made:
    ident = aws("apigatewayv2").create_api(**found)["ApiId"]
    return ident, {"ApiId": ident}


def _integration(aws: Services, name: str, found: Properties) -> Made:
    return aws("apigatewayv2").create_integration(**found)["IntegrationId"], {}


def _route(aws: Services, name: str, found: Properties) -> Made:
    return aws("apigatewayv2").create_route(**found)["RouteId"], {}


def _stage(aws: Services, name: str, found: Properties) -> Made:
    aws("apigatewayv2").create_stage(**found)
    return name, {}


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(member) for key, member in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value


def _only(found: Mapping[str, Any], *names: str) -> Properties:
    return {name: found[name] for name in names if name in found}


def _nothing(_aws: Services, _name: str) -> None:
    """It goes with what it is about."""


ATTRIBUTES = {
    "AWS::Lambda::Url": ("FunctionUrl", "FunctionArn"),
    "AWS::SecretsManager::Secret": ("Id",),
    "AWS::Scheduler::Schedule": ("Arn",),
    "AWS::CodeBuild::Project": ("Arn", "Id"),
    "AWS::ApiGatewayV2::Api": ("ApiId",),
}
TYPES: dict[str, tuple[str, Create, Delete]] = {
    "AWS::SQS::QueuePolicy": ("", _queue_policy, _nothing),
    "AWS::S3::BucketPolicy": ("", _bucket_policy, _nothing),
    "AWS::Lambda::Url": ("", _function_url, _nothing),
    "AWS::SecretsManager::Secret": (
        "Name",
        _secret,
        lambda aws, name: aws("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True),
    ),
    "AWS::Scheduler::Schedule": (
        "Name",
        _schedule,
        lambda aws, name: aws("scheduler").delete_schedule(Name=name),
    ),
    "AWS::CloudWatch::Alarm": (
        "AlarmName",
        _alarm,
        lambda aws, name: aws("cloudwatch").delete_alarms(AlarmNames=[name]),
    ),
    "AWS::CodeBuild::Project": (
        "Name",
        _project,
        lambda aws, name: aws("codebuild").delete_project(name=name),
    ),
    "AWS::CodePipeline::Pipeline": (
        "Name",
        _pipeline,
        lambda aws, name: aws("codepipeline").delete_pipeline(name=name),
    ),
    "AWS::ApiGatewayV2::Api": (
        "",
        _api,
        lambda aws, name: aws("apigatewayv2").delete_api(ApiId=name),
    ),
    "AWS::ApiGatewayV2::Integration": ("", _integration, _nothing),
    "AWS::ApiGatewayV2::Route": ("", _route, _nothing),
    "AWS::ApiGatewayV2::Stage": ("", _stage, _nothing),
}
