"""How AWS calls what a template makes: what `Ref` and `Fn::GetAtt` say of each type.

What has no name gets its logical one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.paths import BedError

Properties = Mapping[str, Any]
NAMES = {
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Events::Rule": "Name",
    "AWS::SSM::Parameter": "Name",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SNS::Topic": "TopicName",
}
ARNS: dict[str, Callable[[Account, str], str]] = {
    "AWS::SQS::Queue": lambda account, name: account.arn("sqs", name),
    "AWS::S3::Bucket": lambda account, name: account.bucket(name),
    "AWS::IAM::Role": lambda account, name: account.user(name).replace(":user/", ":role/"),
    "AWS::IAM::User": lambda account, name: account.user(name),
    "AWS::Lambda::Function": lambda account, name: account.function(name),
    "AWS::Logs::LogGroup": lambda account, name: account.arn("logs", f"log-group:{name}:*"),
    "AWS::Events::Rule": lambda account, name: account.arn("events", f"rule/{name}"),
    "AWS::KMS::Key": lambda account, name: account.arn("kms", f"key/{name}"),
    "AWS::CodeBuild::Project": lambda account, name: account.arn("codebuild", f"project/{name}"),
    "AWS::CodePipeline::Pipeline": lambda account, name: account.arn("codepipeline", name),
    # AWS puts six characters behind the name.
    "AWS::SecretsManager::Secret": lambda account, name: account.arn(
        "secretsmanager", f"secret:{name}-AbCdEf"
    ),
    "AWS::SNS::Topic": lambda account, name: account.arn("sns", name),
}
REFERENCES: dict[str, Callable[[Account, str], str]] = {
    "AWS::SQS::Queue": lambda account, name: account.queue_url(name),
    "AWS::SecretsManager::Secret": ARNS["AWS::SecretsManager::Secret"],
    "AWS::SNS::Topic": ARNS["AWS::SNS::Topic"],
}
OTHERS: dict[tuple[str, str], Callable[[Account, str, Properties], str]] = {
    ("AWS::SQS::Queue", "QueueName"): lambda _account, name, _properties: name,
    ("AWS::SSM::Parameter", "Value"): lambda _account, _name, properties: str(properties["Value"]),
    ("AWS::Lambda::Url", "FunctionUrl"): lambda account, _name, _properties: (
        f"https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.{account.region}.on.aws/"
    ),
}


def reference(kind: str, logical: str, properties: Properties, account: Account) -> str:
    """What `Ref` says."""
    name = _name(kind, logical, properties)
    return REFERENCES[kind](account, name) if kind in REFERENCES else name


def attribute(kind: str, logical: str, properties: Properties, account: Account, wanted: str) -> str:
    """What `Fn::GetAtt` says."""
    name = _name(kind, logical, properties)
    if wanted == "Arn" and kind in ARNS:
        return ARNS[kind](account, name)
    if (kind, wanted) not in OTHERS:
        raise BedError(f"the {wanted} of {kind} is unknown; teach chela_bed.aws.cloudformation.names")
    return OTHERS[kind, wanted](account, name, properties)


def _name(kind: str, logical: str, properties: Properties) -> str:
    return str(properties.get(NAMES.get(kind, ""), logical))
