"""What one would write in Python instead of `report`: boto3, and urllib3 to Pagure. `functions.py` runs it.

It makes the same calls in the same order, for one kind of event: a phase of CodeBuild has finished.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from typing import Any
from urllib.parse import quote

import boto3
import urllib3

S3 = boto3.client("s3")
SQS = boto3.client("sqs")
CODEBUILD = boto3.client("codebuild")
CODEPIPELINE = boto3.client("codepipeline")
SECRETS = boto3.client("secretsmanager")
POOL = urllib3.PoolManager()

LEDGER = os.environ["CHELA_LEDGER_BUCKET"]
PAGURE = os.environ["CHELA_PAGURE_URL"]
TOKEN = os.environ["CHELA_TOKEN"].encode()
PHASES = ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD"]


def handler(event: Any, _: object) -> Any:
    """Tell Pagure of each."""
    for delivery in event["Records"]:
        report(json.loads(delivery["body"]))
    return {"batchItemFailures": []}


def report(event: Any) -> None:
    """A phase has finished: say the next one."""
    execution = event["detail"]["build-id"].rpartition("/")[2]
    build = get(f"executions/codebuild/{quote(execution, safe='')}").decode()
    record = json.loads(get(f"builds/{build}"))
    get(f"open/{build}")
    at = PHASES.index(event["detail"]["completed-phase"]) + 1
    data = {
        "build_id": build,
        "commit": record["commit"],
        "pull_request": record["request"]["pull_request"]["id"],
        "status": "pending",
        "percent": at * 10,
        "description": f"Phase {PHASES[at]}",
        "url": record["execution"]["link"],
    }
    moment = event["time"].replace("Z", ".999999Z")
    message = {"type": "build.reported", "timestamp": moment, "data": data}
    post(record["request"]["project"]["fullname"], json.dumps(message).encode())
    get(f"open/{build}")


def get(key: str) -> bytes:
    """Read from the ledger."""
    content: bytes = S3.get_object(Bucket=LEDGER, Key=key)["Body"].read()
    return content


def post(project: str, body: bytes) -> None:
    """Send it, signed as Standard Webhooks says."""
    name, now = hashlib.sha256(body).hexdigest()[:16], str(int(time.time()))
    digest = hmac.new(TOKEN, f"{name}.{now}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    answer = POOL.request(
        "POST", f"{PAGURE}/api/0/ci/webhook/{project}", body=body, headers=headers, timeout=15
    )
    if answer.status != 200:
        raise RuntimeError(f"Pagure answers {answer.status}")
