"""How the types that moto's CloudFormation lacks are made: by their services' own APIs, as AWS does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import botocore.session

Properties = dict[str, Any]
# The physical id, and the attributes.
Made = tuple[str, dict[str, str]]


class Services:
    """Clients of moto's server, as one account in one region."""

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


def set_bucket(s3: Any, name: str, found: Properties) -> None:
    """Set a bucket as CloudFormation has it."""
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
