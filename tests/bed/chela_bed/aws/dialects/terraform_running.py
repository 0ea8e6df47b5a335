"""What a stack does things with, in CloudFormation's words: roles, functions, their front door, events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from chela_bed.aws.dialects.terraform_planned import Planned, Words, but


def _role(it: Planned) -> Words:
    found = {"RoleName": it["name"], "AssumeRolePolicyDocument": json.loads(it.text("assume_role_policy"))}
    yield "", "AWS::IAM::Role", found


def _role_policy(it: Planned) -> Words:
    found = {"PolicyName": it["name"], "Roles": [it["role"]], "PolicyDocument": json.loads(it.text("policy"))}
    yield "", "AWS::IAM::Policy", found


def _user(it: Planned) -> Words:
    yield "", "AWS::IAM::User", {"UserName": it["name"]}


def _user_policy(it: Planned) -> Words:
    found = {"PolicyName": it["name"], "Users": [it["user"]], "PolicyDocument": json.loads(it.text("policy"))}
    yield "", "AWS::IAM::Policy", found


def _function(it: Planned) -> Words:
    logging, vpc = it.block("logging_config"), it.block("vpc_config")
    found = {
        "FunctionName": it["function_name"],
        "Runtime": it["runtime"],
        "Handler": it["handler"],
        "Architectures": it["architectures"],
        "Code": {"S3Bucket": it["s3_bucket"], "S3Key": it["s3_key"]},
        "Role": it["role"],
        "Timeout": it["timeout"],
        "MemorySize": it["memory_size"],
        "EphemeralStorage": {"Size": it.block("ephemeral_storage")["size"]},
        "ReservedConcurrentExecutions": it["reserved_concurrent_executions"],
        "LoggingConfig": {"LogFormat": logging["log_format"], "LogGroup": logging["log_group"]},
        "VpcConfig": {"SubnetIds": vpc["subnet_ids"], "SecurityGroupIds": vpc["security_group_ids"]}
        if vpc
        else None,
        "Environment": {"Variables": it.block("environment")["variables"]},
    }
    # Lambda's own; and the provider's word for none.
    kept = but(found, EphemeralStorage={"Size": 512}, ReservedConcurrentExecutions=-1)
    yield "", "AWS::Lambda::Function", kept


def _mapping(it: Planned) -> Words:
    found = {
        "EventSourceArn": it["event_source_arn"],
        "FunctionName": it["function_name"].rpartition(":")[2],
        "BatchSize": it["batch_size"],
        "FunctionResponseTypes": it["function_response_types"],
        "ScalingConfig": {"MaximumConcurrency": it.block("scaling_config").get("maximum_concurrency")},
    }
    yield "", "AWS::Lambda::EventSourceMapping", found


def _url(it: Planned) -> Words:
    target = it.account.function(it["function_name"])
    yield "", "AWS::Lambda::Url", {"TargetFunctionArn": target, "AuthType": it["authorization_type"]}


def _permission(it: Planned) -> Words:
    found = {
        "FunctionName": it.account.function(it["function_name"]),
        "Action": it["action"],
        "Principal": it["principal"],
        "SourceArn": it["source_arn"],
        "FunctionUrlAuthType": it["function_url_auth_type"],
    }
    yield "", "AWS::Lambda::Permission", found


def _api(it: Planned) -> Words:
    yield "", "AWS::ApiGatewayV2::Api", {"Name": it["name"], "ProtocolType": it["protocol_type"]}


def _integration(it: Planned) -> Words:
    found = {
        "ApiId": it["api_id"],
        "IntegrationType": it["integration_type"],
        "IntegrationMethod": it["integration_method"],
        "IntegrationUri": it["integration_uri"],
        "PayloadFormatVersion": it["payload_format_version"],
    }
    yield "", "AWS::ApiGatewayV2::Integration", found


def _route(it: Planned) -> Words:
    found = {
        "ApiId": it["api_id"],
        "RouteKey": it["route_key"],
        "AuthorizationType": it["authorization_type"],
        "Target": it["target"],
    }
    yield "", "AWS::ApiGatewayV2::Route", found


def _stage(it: Planned) -> Words:
    found = {"ApiId": it["api_id"], "StageName": it["name"], "AutoDeploy": it["auto_deploy"]}
    yield "", "AWS::ApiGatewayV2::Stage", found


def _rule(it: Planned) -> Words:
    found = {"Name": it["name"], "EventPattern": json.loads(it.text("event_pattern"))}
    yield "", "AWS::Events::Rule", found


def _target(it: Planned) -> Words:
    # Of another rule than it should be, it gives this one its name.
    yield (
        "",
        "AWS::Events::Rule",
        {"Name": it["rule"], "Targets": [{"Id": it["target_id"], "Arn": it["arn"]}]},
    )


def _schedule(it: Planned) -> Words:
    target = it.block("target")
    [retry] = target["retry_policy"]
    found = {
        "Name": it["name"],
        "ScheduleExpression": it["schedule_expression"],
        "FlexibleTimeWindow": {"Mode": it.block("flexible_time_window")["mode"]},
        "Target": {
            "Arn": target["arn"],
            "RoleArn": target["role_arn"],
            "Input": target["input"],
            "RetryPolicy": {"MaximumRetryAttempts": retry["maximum_retry_attempts"]},
        },
    }
    yield "", "AWS::Scheduler::Schedule", found


WORDS: Mapping[str, Callable[[Planned], Words]] = {
    "aws_iam_role": _role,
    "aws_iam_role_policy": _role_policy,
    "aws_iam_user": _user,
    "aws_iam_user_policy": _user_policy,
    "aws_lambda_function": _function,
    "aws_lambda_event_source_mapping": _mapping,
    "aws_lambda_function_url": _url,
    "aws_lambda_permission": _permission,
    "aws_apigatewayv2_api": _api,
    "aws_apigatewayv2_integration": _integration,
    "aws_apigatewayv2_route": _route,
    "aws_apigatewayv2_stage": _stage,
    "aws_cloudwatch_event_rule": _rule,
    "aws_cloudwatch_event_target": _target,
    "aws_scheduler_schedule": _schedule,
}
