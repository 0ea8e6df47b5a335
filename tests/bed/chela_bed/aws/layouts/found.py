"""Functions, queues and keys, as their services tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from chela_bed.aws.buckets import Bucket
from chela_bed.aws.clients import Clients
from chela_bed.aws.function import Settings
from chela_bed.aws.layouts.keys import Keys
from chela_bed.aws.layouts.layout import Feed
from chela_bed.aws.queues import Queue
from chela_bed.paths import BedError

# Fresh accounts have so many for all functions.
CONCURRENCY = 10
ITEMS = "ReportBatchItemFailures"


class Functions:
    """The two, and what feeds them."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._told = {
            name: client.get_function_configuration(FunctionName=f"{prefix}-{name}")
            for name in ("trigger", "report")
        }
        self._mappings = {name: self._mapping(f"{prefix}-{name}") for name in self._told}

    def role(self, name: str) -> str:
        """Its role's ARN."""
        return str(self._told[name]["Role"])

    def variables(self, name: str) -> dict[str, str]:
        """Its environment."""
        return dict(self._told[name]["Environment"]["Variables"])

    def log_group(self, name: str) -> str:
        """Where it logs."""
        told = self._told[name]
        return str(told.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{told['FunctionName']}"))

    def source(self, name: str) -> str:
        """The queue that feeds it."""
        return str(self._mappings[name]["EventSourceArn"])

    def settings(self, name: str) -> Settings:
        """What it is configured with."""
        told = self._told[name]
        asked = {"FunctionName": told["FunctionName"]}
        reserved = self._client.get_function_concurrency(**asked).get("ReservedConcurrentExecutions")
        return Settings(self.variables(name), told["Timeout"], reserved or CONCURRENCY, told["MemorySize"])

    def feed(self, name: str, queue: Queue) -> Feed:
        """How it is fed."""
        mapping, visibility = self._mappings[name], int(queue.attributes()["VisibilityTimeout"])
        timeout = self._told[name]["Timeout"]
        if visibility < timeout:
            # In the words of Lambda, which makes no such mapping.
            raise BedError(
                f"Queue visibility timeout: {visibility} seconds is less than "
                f"Function timeout: {timeout} seconds"
            )
        most = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", CONCURRENCY)
        items = ITEMS in mapping.get("FunctionResponseTypes", [])
        return Feed(visibility, mapping["BatchSize"], most, items)

    def _mapping(self, function: str) -> Any:
        # moto finds a function's only by what it was called when they were made: its name or its ARN.
        found = self._client.list_event_source_mappings()["EventSourceMappings"]
        ours = [each for each in found if each["FunctionArn"].rpartition(":")[2] == function]
        enabled = [each for each in ours if each["State"] == "Enabled"]
        if len(enabled) != 1:
            raise BedError(f"{function} is fed by {len(enabled)} queues: {ours}")
        return enabled[0]


def queue_of(sqs: Any, arn: str) -> tuple[Queue, Queue]:
    """A queue, and where its messages go that were received in vain."""
    queue = Queue.find(sqs, arn)
    redrive = json.loads(queue.attributes()["RedrivePolicy"])
    return queue, Queue.find(sqs, redrive["deadLetterTargetArn"])


def keys_of(clients: Clients, sources: Bucket, ledger: Bucket, secret: str, queues: Iterable[Queue]) -> Keys:
    """Which keys encrypt what."""
    named = dict(_named(clients, (sources, ledger), secret, queues))
    kms = clients("kms")
    found = {what: kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] for what, key in named.items() if key}
    policies = {
        key: json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        for key in set(found.values())
    }
    return Keys(found, policies)


def _named(
    clients: Clients, buckets: Iterable[Bucket], secret: str, queues: Iterable[Queue]
) -> Iterator[tuple[str, str | None]]:
    for bucket in buckets:
        yield clients.account.bucket(bucket.name), _key_of_bucket(bucket)
    for queue in queues:
        yield queue.arn, queue.attributes().get("KmsMasterKeyId")
    yield secret, clients("secretsmanager").describe_secret(SecretId=secret).get("KmsKeyId")


def _key_of_bucket(bucket: Bucket) -> str | None:
    try:
        told = bucket.s3.get_bucket_encryption(Bucket=bucket.name)
    except ClientError:
        return None
    (rule,) = told["ServerSideEncryptionConfiguration"]["Rules"]
    found: str | None = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return found
