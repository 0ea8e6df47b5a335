"""A function that does what its events say: the bed is tested with it, and not with Chela's own.

An event, or the body of a message, has a list `do` of steps such as `["call", "s3", "put_object", {...}]`.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from typing import Any

import botocore.session

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
SESSION = botocore.session.Session()


def main() -> None:
    """Take one event after another."""
    while True:
        with urllib.request.urlopen(f"{API}/invocation/next") as answer:
            ident = answer.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.load(answer)
        try:
            _post(f"{ident}/response", _handle(event))
        except Exception as problem:
            _post(f"{ident}/error", {"errorMessage": str(problem), "errorType": type(problem).__name__})


def _post(path: str, answer: Any) -> None:
    request = urllib.request.Request(f"{API}/invocation/{path}", json.dumps(answer).encode(), method="POST")
    urllib.request.urlopen(request).close()


def _handle(event: Any) -> Any:
    if "Records" in event:
        return {"batchItemFailures": [*_failures(event["Records"])]}
    if "requestContext" in event:
        echo = {"event": event, "pid": os.getpid()}
        return {"statusCode": 202, "headers": {"content-type": "application/json"}, "body": json.dumps(echo)}
    return _do(event, {})


def _failures(records: Any) -> Any:
    for record in records:
        try:
            _do(json.loads(record["body"]), record)
        except Exception:
            yield {"itemIdentifier": record["messageId"]}


def _do(script: Any, record: Any) -> Any:
    answer: Any = {"pid": os.getpid()}
    for step, *arguments in script.get("do", ()):
        if step == "call":
            answer = _call(record, *arguments)
        elif step == "sleep":
            time.sleep(*arguments)
        elif step == "log":
            print(json.dumps({"message": arguments[0]}), flush=True)
        elif step == "fail":
            raise RuntimeError("it was asked to fail")
        elif step == "exit":
            sys.exit(*arguments)
        elif step == "environment":
            answer = dict(os.environ)
    return answer


def _call(record: Any, service: str, operation: str, params: Any) -> Any:
    client = SESSION.create_client(service)
    receipt = record.get("receiptHandle")
    filled = {key: receipt if value == "$receipt" else value for key, value in params.items()}
    answer = getattr(client, operation)(**filled)
    return {key: value for key, value in answer.items() if isinstance(value, str | int)}


if __name__ == "__main__":
    main()
