"""What AWS makes up names for, made beforehand, so that a plan has nothing left to be known after apply.

A plan that imports these shows every policy and every reference as they would come out.
"""

from __future__ import annotations

import io
import itertools
import json
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chela_bed.aws.clients import Clients
from chela_bed.aws.dialects.wish import Wish

ROLES = ("trigger", "report", "sweep")
SAMPLES = ("build", "pipeline", "pipeline-build")
# What stands for a part of an id, and is no resource.
NONE = ""


@dataclass(frozen=True)
class One:
    """A resource's address in the module, the id that an import wants, and a name to call it by instead."""

    address: str
    ident: str
    name: str = ""


class Given:
    """All that a stack of each prefix may have."""

    def __init__(self, prefixes: Iterable[str], clients: Clients) -> None:
        # Nothing of an earlier plan, whose names may be the same.
        urllib.request.urlopen(f"{clients.url}/moto-api/reset", data=b"").close()
        self._made = {prefix: [*_all(prefix, clients)] for prefix in {*prefixes}}
        self._queues = clients.account.queue_url("")
        self._places = f"{clients.url}/{clients.account.number}/"

    def imports(self, wish: Wish) -> dict[str, str]:
        """The ids of what a wish makes, by their addresses."""
        without = {
            NONE: True,
            "aws_kms_key.": wish.key != "new",
            "aws_secretsmanager_secret.": bool(wish.secret),
            "aws_apigatewayv2_": not wish.http_api,
            **{f'aws_iam_role.this["{name}"]': not wish.samples for name in SAMPLES},
        }
        return {
            one.address: one.ident
            for one in self._made[wish.prefix]
            if not any(left and _begins(one.address, address) for address, left in without.items())
        }

    def rename(self, text: str) -> str:
        """A plan with the names that all of them are to have."""
        for one in itertools.chain(*self._made.values()):
            text = text.replace(one.ident, one.name) if one.name else text
        return text.replace(self._places, self._queues)


def _begins(address: str, beginning: str) -> bool:
    return address == NONE if beginning == NONE else address.startswith(beginning)


def _all(prefix: str, aws: Clients) -> Iterator[One]:
    for queue in ("requests", "reports"):
        yield One(f"aws_sqs_queue.{queue}", _queue(aws, f"{prefix}-{queue}"))
        yield One(f'aws_sqs_queue.dead["{queue}"]', _queue(aws, f"{prefix}-{queue}-dead"))
    roles = {name: _role(aws, f"{prefix}-{name}-{aws.account.region}") for name in (*ROLES, *SAMPLES)}
    for name, arn in roles.items():
        yield One(f'aws_iam_role.this["{name}"]', arn.rpartition("/")[2])
    for name in ("trigger", "report"):
        yield One(f'aws_lambda_function.this["{name}"]', _function(aws, f"{prefix}-{name}", roles[name]))
    secret = aws("secretsmanager").create_secret(Name=f"{prefix}/ci-token")["ARN"]
    yield One("aws_secretsmanager_secret.token[0]", secret, f"{secret[:-6]}AbCdEf")
    key = aws("kms").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    yield One("aws_kms_key.this[0]", key, "Key")
    yield from _api(aws, prefix)


def _queue(aws: Clients, name: str) -> str:
    # Else a plan would keep what SQS chose by itself.
    answer = aws("sqs").create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": "false"})
    return str(answer["QueueUrl"])


def _role(aws: Clients, name: str) -> str:
    answer = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({}))
    return str(answer["Role"]["Arn"])


def _function(aws: Clients, name: str, role: str) -> str:
    aws("lambda").create_function(
        FunctionName=name, Role=role, Runtime="provided.al2023", Handler="none", Code={"ZipFile": empty_zip()}
    )
    return name


def _api(aws: Clients, name: str) -> Iterator[One]:
    client = aws("apigatewayv2")
    api = client.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    made = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0")
    yield One("aws_apigatewayv2_api.trigger[0]", api, "TriggerApi")
    yield One("aws_apigatewayv2_integration.trigger[0]", f"{api}/{made['IntegrationId']}")
    yield One(NONE, made["IntegrationId"], "TriggerApiIntegration")


def empty_zip() -> bytes:
    """A zip that a function can be made of."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    return into.getvalue()
