"""What keeps and watches in CloudFormation's words: queues, buckets, key, secret, logs, alarms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.aws.dialects.terraform_planned import Planned, Properties, Words, but, without_nothing


def _queue(it: Planned) -> Words:
    found = {
        "QueueName": it["name"],
        "VisibilityTimeout": it["visibility_timeout_seconds"],
        "MessageRetentionPeriod": it["message_retention_seconds"],
        "RedrivePolicy": json.loads(it["redrive_policy"] or "{}"),
        "SqsManagedSseEnabled": it["sqs_managed_sse_enabled"] or None,
        "KmsMasterKeyId": it["kms_master_key_id"] or None,
    }
    # SQS's own.
    yield "", "AWS::SQS::Queue", but(found, VisibilityTimeout=30)
    if it["policy"]:
        policy = {"Queues": [it["url"]], "PolicyDocument": json.loads(it.text("policy"))}
        yield "Policy", "AWS::SQS::QueuePolicy", policy


def _bucket(it: Planned) -> Words:
    yield "", "AWS::S3::Bucket", {"BucketName": it["bucket"]}


def _part(it: Planned, **found: Any) -> Properties:
    """What one of a bucket's parts says; of another bucket than it should be, it gives this one its name."""
    return {"BucketName": it["bucket"], **found}


def _versioning(it: Planned) -> Words:
    status = it.block("versioning_configuration")["status"]
    yield "", "AWS::S3::Bucket", _part(it, VersioningConfiguration={"Status": status})


def _encryption(it: Planned) -> Words:
    [rule] = it["rule"]
    [default] = rule["apply_server_side_encryption_by_default"]
    found = {
        "BucketKeyEnabled": rule["bucket_key_enabled"] or None,
        "ServerSideEncryptionByDefault": without_nothing(
            {"SSEAlgorithm": default["sse_algorithm"], "KMSMasterKeyID": default["kms_master_key_id"] or None}
        ),
    }
    rules = {"ServerSideEncryptionConfiguration": [without_nothing(found)]}
    yield "", "AWS::S3::Bucket", _part(it, BucketEncryption=rules)


def _access_block(it: Planned) -> Words:
    words = {
        "BlockPublicAcls": "block_public_acls",
        "BlockPublicPolicy": "block_public_policy",
        "IgnorePublicAcls": "ignore_public_acls",
        "RestrictPublicBuckets": "restrict_public_buckets",
    }
    found = {name: it[word] for name, word in words.items()}
    yield "", "AWS::S3::Bucket", _part(it, PublicAccessBlockConfiguration=found)


def _ownership(it: Planned) -> Words:
    rules = [{"ObjectOwnership": rule["object_ownership"]} for rule in it["rule"]]
    yield "", "AWS::S3::Bucket", _part(it, OwnershipControls={"Rules": rules})


def _lifecycle(it: Planned) -> Words:
    rules = [without_nothing(_lifecycle_rule(rule)) for rule in it["rule"]]
    yield "", "AWS::S3::Bucket", _part(it, LifecycleConfiguration={"Rules": rules})


def _lifecycle_rule(rule: Mapping[str, Any]) -> Properties:
    [expiration] = rule["expiration"] or [{}]
    [filtered] = rule["filter"] or [{}]
    [noncurrent] = rule["noncurrent_version_expiration"] or [{}]
    [uploads] = rule["abort_incomplete_multipart_upload"] or [{}]
    return {
        "Id": rule["id"],
        "Status": rule["status"],
        "Prefix": filtered.get("prefix") or None,
        "ExpirationInDays": expiration.get("days") or None,
        "ExpiredObjectDeleteMarker": expiration.get("expired_object_delete_marker") or None,
        "NoncurrentVersionExpiration": without_nothing({"NoncurrentDays": noncurrent.get("noncurrent_days")}),
        "AbortIncompleteMultipartUpload": without_nothing(
            {"DaysAfterInitiation": uploads.get("days_after_initiation")}
        ),
    }


def _bucket_policy(it: Planned) -> Words:
    found = {"Bucket": it["bucket"], "PolicyDocument": json.loads(it.text("policy"))}
    yield "Policy", "AWS::S3::BucketPolicy", found


def _object(it: Planned) -> Words:
    # CloudFormation has no such type.
    found = {"Bucket": it["bucket"], "Key": it["key"], "Content": json.loads(it.text("content"))}
    yield "", "Terraform::S3::Object", found


def _secret(it: Planned) -> Words:
    yield "", "AWS::SecretsManager::Secret", {"Name": it["name"], "KmsKeyId": it["kms_key_id"] or None}


def _key(it: Planned) -> Words:
    found = {"EnableKeyRotation": it["enable_key_rotation"], "KeyPolicy": json.loads(it.text("policy"))}
    yield "", "AWS::KMS::Key", found


def _alias(it: Planned) -> Words:
    yield "", "AWS::KMS::Alias", {"AliasName": it["name"], "TargetKeyId": it["target_key_id"]}


def _log_group(it: Planned) -> Words:
    found = {"LogGroupName": it["name"], "RetentionInDays": it["retention_in_days"]}
    yield "", "AWS::Logs::LogGroup", found


def _alarm(it: Planned) -> Words:
    found = {
        "AlarmName": it["alarm_name"],
        "Namespace": it["namespace"],
        "MetricName": it["metric_name"],
        "Dimensions": [{"Name": name, "Value": value} for name, value in it["dimensions"].items()],
        "Statistic": it["statistic"],
        "Period": it["period"],
        "EvaluationPeriods": it["evaluation_periods"],
        "Threshold": it["threshold"],
        "ComparisonOperator": it["comparison_operator"],
        "TreatMissingData": it["treat_missing_data"],
        "AlarmActions": it["alarm_actions"],
        "OKActions": it["ok_actions"],
    }
    yield "", "AWS::CloudWatch::Alarm", found


WORDS: Mapping[str, Callable[[Planned], Words]] = {
    "aws_sqs_queue": _queue,
    "aws_s3_bucket": _bucket,
    "aws_s3_bucket_versioning": _versioning,
    "aws_s3_bucket_server_side_encryption_configuration": _encryption,
    "aws_s3_bucket_public_access_block": _access_block,
    "aws_s3_bucket_ownership_controls": _ownership,
    "aws_s3_bucket_lifecycle_configuration": _lifecycle,
    "aws_s3_bucket_policy": _bucket_policy,
    "aws_s3_object": _object,
    "aws_secretsmanager_secret": _secret,
    "aws_kms_key": _key,
    "aws_kms_alias": _alias,
    "aws_cloudwatch_log_group": _log_group,
    "aws_cloudwatch_metric_alarm": _alarm,
}
