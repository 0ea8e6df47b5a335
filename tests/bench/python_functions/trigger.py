"""What one would write in Python instead of `trigger`: pygit2, zipfile and boto3. `functions.py` runs it.

It makes the same calls to AWS in the same order, and nothing more: no egress guard, no limits, nothing
for a crash, for a build that was claimed before, or for what goes wrong.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pygit2

S3 = boto3.client("s3")
SQS = boto3.client("sqs")
CODEBUILD = boto3.client("codebuild")
CODEPIPELINE = boto3.client("codepipeline")

LEDGER = os.environ["CHELA_LEDGER_BUCKET"]
SOURCES = os.environ["CHELA_SOURCES_BUCKET"]
REPORTS = os.environ["CHELA_REPORTS_QUEUE"]
CONFIG = json.loads(os.environ["CHELA_CONFIG"])
LINK = 0o120000
SUBMODULE = 0o160000
# Of zlib's nine; zipfile's own choice unless it is set.
LEVEL = int(os.environ["ZIP_LEVEL"]) if "ZIP_LEVEL" in os.environ else None

Request = dict[str, Any]


def handler(event: Any, _: object) -> Any:
    """Start what lies in the queue."""
    for delivery in event["Records"]:
        queued = json.loads(delivery["body"])
        start(queued["request"], queued["accepted"])
    return {"batchItemFailures": []}


def start(request: Request, accepted: str) -> None:
    """One build."""
    name, build = target(request), request["build_id"]
    record: dict[str, Any] = {"request": request, "accepted": accepted, "target": name}
    tag = put(f"builds/{build}", record, IfNoneMatch="*")
    put(f"open/{build}", {}, IfNoneMatch="*")
    admit(request)
    CODEBUILD.batch_get_projects(names=[name])
    record["stored"] = store(request)
    tag = put(f"builds/{build}", record, IfMatch=tag)
    begun = time.time()
    started = start_build(request, name, record["stored"])
    record["execution"] = {"id": started, "link": page(started), "at": begun}
    put(f"builds/{build}", record, IfMatch=tag)
    put(f"executions/codebuild/{quote(started, safe='')}", build)
    send({"chela": "check", "build": build}, delay=60)
    send({"chela": "say", "build": build, "status": "pending", **record["execution"]})
    S3.get_object(Bucket=LEDGER, Key=head(request))["Body"].read()


def target(request: Request) -> str:
    """The CodeBuild project of the job."""
    project, job = request["project"]["fullname"], request["job"]
    jobs = next(each[project]["jobs"] for each in CONFIG["callers"].values() if project in each)
    return str(jobs[job].get("name", job.rpartition("/")[2]))


def admit(request: Request) -> None:
    """Be the newest build of the pull request."""
    try:
        S3.get_object(Bucket=LEDGER, Key=head(request))["Body"].read()
    except S3.exceptions.NoSuchKey:
        put(head(request), {"newest": request["build_id"]}, IfNoneMatch="*")


def head(request: Request) -> str:
    """Where the newest build of the pull request is named."""
    project, pull = request["project"]["fullname"], request["pull_request"]["id"]
    return f"heads/{project}/{pull}/{quote(request['job'], safe='')}"


def put(key: str, content: Any, **condition: str) -> str:
    """Write to the ledger."""
    return str(S3.put_object(Bucket=LEDGER, Key=key, Body=json.dumps(content), **condition)["ETag"])


def send(message: Any, delay: int = 0) -> None:
    """Tell `report`."""
    SQS.send_message(QueueUrl=REPORTS, MessageBody=json.dumps(message), DelaySeconds=delay)


def store(request: Request) -> dict[str, str]:
    """Bring the commit into the bucket of sources."""
    key = f"sources/codebuild/hello/{request['build_id']}.zip"
    with tempfile.TemporaryDirectory() as folder:
        repository, commit = fetch(request["source"], folder)
        file = Path(folder, "source.zip")
        pack(repository, commit, file)
        with file.open("rb") as body:
            stored = S3.put_object(Bucket=SOURCES, Key=key, Body=body, IfNoneMatch="*")
    return {"bucket": SOURCES, "key": key, "version": stored["VersionId"]}


def fetch(source: dict[str, str], folder: str) -> tuple[Any, Any]:
    """The one commit."""
    repository = pygit2.init_repository(f"{folder}/source.git", bare=True)
    remote = repository.remotes.create_anonymous(source["clone_url"])
    remote.fetch([f"+{source['commit']}:refs/heads/build"], depth=1)
    return repository, repository[source["commit"]]


def pack(repository: Any, commit: Any, file: Path) -> None:
    """Its files as a zip."""
    index = pygit2.Index()
    index.read_tree(commit.tree)
    with zipfile.ZipFile(file, "w") as out:
        for entry in index:
            if entry.mode == SUBMODULE:
                continue
            info = zipfile.ZipInfo(entry.path)
            info.external_attr = entry.mode << 16
            info.compress_type = zipfile.ZIP_STORED if entry.mode == LINK else zipfile.ZIP_DEFLATED
            out.writestr(info, repository[entry.id].data, compresslevel=LEVEL)


def start_build(request: Request, name: str, stored: dict[str, str]) -> str:
    """A build of that version; its id."""
    variables = {"CI": "true", "CHELA_BUILD_ID": request["build_id"], "CHELA_JOB": request["job"]}
    variables |= {"CHELA_COMMIT": request["source"]["commit"], "CHELA_BRANCH": request["source"]["branch"]}
    started = CODEBUILD.start_build(
        projectName=name,
        idempotencyToken=request["build_id"],
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{stored['bucket']}/{stored['key']}",
        sourceVersion=stored["version"],
        autoRetryLimitOverride=0,
        environmentVariablesOverride=[
            {"name": key, "value": value, "type": "PLAINTEXT"} for key, value in variables.items()
        ],
    )
    return str(started["build"]["id"])


def page(build: str) -> str:
    """The build's page in the console."""
    region, project = os.environ["AWS_REGION"], build.partition(":")[0]
    return (
        f"https://{region}.console.aws.amazon.com/codesuite/codebuild/projects/{project}/build/{quote(build)}"
    )
