"""The commands of the dialects' pages, typed as they stand there, with moto in AWS's place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.moto import Moto
from chela_bed.paths import CHECKOUT
from test_documentation import blocks

PAGE = "infra/cloudformation/README.md"
TEMPLATES = CHECKOUT / "infra" / "cloudformation"
# moto's own, where nobody says another.
ACCOUNT = Account("123456789012")


@pytest.fixture
def moto(tmp_path: Path) -> Iterator[Moto]:
    server = Moto(tmp_path, stacks=True)
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout's top, with the zips, and a map of callers."""
    (tmp_path / "infra").symlink_to(CHECKOUT / "infra")
    functions = tmp_path / "target" / "functions"
    functions.mkdir(parents=True)
    for name in ("trigger", "report"):
        (functions / f"{name}-x86_64.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "config.json").write_text(blocks("docs/aws.md", "json")[0])
    return tmp_path


def typed(script: str, folder: Path, moto: Moto) -> str:
    """What a shell prints that stops at the first command that fails."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **own,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # By this name moto knows an address of a template in its own S3.
        "AWS_ENDPOINT_URL": moto.url.replace("127.0.0.1", "localhost"),
        "AWS_DEFAULT_REGION": ACCOUNT.region,
        "AWS_ACCESS_KEY_ID": "owner",
        "AWS_SECRET_ACCESS_KEY": "owner",
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{script}"
    return ran.stdout


def test_cloudformations_page_leads_from_nothing_to_a_stack_and_back(folder: Path, moto: Moto) -> None:
    aws = Clients(moto.url, ACCOUNT)
    # The third from the end changes a stack, which moto cannot; and this one has no key.
    bucket, zips, deploy, output, key, token, more, _, remove, _ = blocks(PAGE, "sh")
    (folder / "token").write_text("the token\n")
    filled = f"{{ {key} }} > key\n{{ {token} }} < token\n"
    typed("\n".join([bucket, zips, deploy, output, filled, more]), folder, moto)
    secret = aws("secretsmanager").get_secret_value(SecretId="chela/ci-token")["SecretString"]
    assert secret == "the token"
    ledger, sources = (f"chela-{name}-{ACCOUNT.number}-{ACCOUNT.region}" for name in ("ledger", "sources"))
    assert aws("s3").get_object(Bucket=ledger, Key="config.json")["Body"].read()
    users = [user["UserName"] for user in aws("iam").list_users()["Users"]]
    assert users == ["chela-pagure-demo-hello", "chela-pagure-demo-other"]

    for body in (b"one", b"two"):
        aws("s3").put_object(Bucket=sources, Key="sources/one.zip", Body=body)
    made, _ = (folder / "key").read_text().split()
    # In the same shell: the bucket is there already.
    named = bucket.partition("\n")[0]
    typed("\n".join([named, output, remove.replace("<id>", made)]), folder, moto)
    assert aws("iam").list_users()["Users"] == []
    assert aws("iam").list_roles()["Roles"] == []
    assert aws("s3").list_buckets()["Buckets"] == []
    assert aws("secretsmanager").list_secrets()["SecretList"] == []
    assert aws("sqs").list_queues().get("QueueUrls", []) == []


def test_every_parameter_and_output_that_cloudformations_page_names_is_there() -> None:
    text = "\n".join((TEMPLATES / name).read_text() for name in ("chela.yaml", "caller.yaml"))
    known = set(re.findall(r"^  (\w+):$", text, re.MULTILINE))
    page = (CHECKOUT / PAGE).read_text()
    outputs = set(re.findall(r"<([A-Z]\w+)>|output `?([A-Z]\w+)", page))
    outputs = {name for pair in outputs for name in pair if name}
    assert {"LedgerBucketName", "PagureForm"} <= outputs
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    parameters = {
        name for each in (*blocks(PAGE, "sh"), *rows) for name in re.findall(r"\b([A-Z]\w+)=(?!=)", each)
    }
    parameters |= {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row)}
    assert {"PagureUrl", "KmsKey", "SubnetIds"} <= parameters
    assert (outputs | parameters) - known == set()
