"""What AWS makes up names for, made beforehand, so that a plan has nothing left to be known after apply.

A plan that imports these shows every policy and every reference as they would come out.
"""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chela_bed.aws.clients import Clients
from chela_bed.aws.dialects.wish import Wish

FUNCTIONS = ("trigger", "report")
SAMPLES = ("build", "pipeline", "pipeline-build")


@dataclass(frozen=True)
class Given:
    """By their addresses in the module, their ids; and what they are to be called instead of their names."""

    ids: Mapping[str, str]
    names: Mapping[str, str]

    @classmethod
    def make(cls, wish: Wish, clients: Clients) -> Given:
        """Make them on a moto that forgets everything else."""
        urllib.request.urlopen(f"{clients.url}/moto-api/reset", data=b"").close()
        makers = (_queues, _functions, _samples, _secret, _key, _api)
        made = [one for maker in makers for one in maker(wish, clients)]
        ids = {address: ident for address, ident, _ in made if address}
        names = {ident: name for _, ident, name in made if name}
        # The other places of moto's queues.
        return cls(
            ids,
            {**names, f"{clients.url}/": clients.account.queue_url("").partition(clients.account.number)[0]},
        )

    def rename(self, text: str) -> str:
        """A text with the names that they are to have."""
        for ident, name in self.names.items():
            text = text.replace(ident, name)
        return text


# The address (none for a part of an id), the id that the import wants, and a name instead of it or none.
Made = Iterator[tuple[str, str, str]]


def _queues(wish: Wish, aws: Clients) -> Made:
    for queue in ("requests", "reports"):
        for address, name in (
            (f"aws_sqs_queue.{queue}", f"{wish.prefix}-{queue}"),
            (f'aws_sqs_queue.dead["{queue}"]', f"{wish.prefix}-{queue}-dead"),
        ):
            # Else a plan would keep what SQS chose by itself.
            answer = aws("sqs").create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": "false"})
            yield address, answer["QueueUrl"], ""


def _functions(wish: Wish, aws: Clients) -> Made:
    for function in FUNCTIONS:
        name = f"{wish.prefix}-{function}"
        role = _role(wish, aws, function)
        aws("lambda").create_function(
            FunctionName=name,
            Role=role,
            Runtime="provided.al2023",
            Handler="none",
            Code={"ZipFile": empty_zip()},
        )
        yield f'aws_iam_role.this["{function}"]', role.rpartition("/")[2], ""
        yield f'aws_lambda_function.this["{function}"]', name, ""
    yield 'aws_iam_role.this["sweep"]', _role(wish, aws, "sweep").rpartition("/")[2], ""


def _samples(wish: Wish, aws: Clients) -> Made:
    for sample in SAMPLES if wish.samples else ():
        yield f'aws_iam_role.this["{sample}"]', _role(wish, aws, sample).rpartition("/")[2], ""


def _role(wish: Wish, aws: Clients, name: str) -> str:
    called = f"{wish.prefix}-{name}-{aws.account.region}"
    answer = aws("iam").create_role(RoleName=called, AssumeRolePolicyDocument=json.dumps({}))
    return str(answer["Role"]["Arn"])


def _secret(wish: Wish, aws: Clients) -> Made:
    if not wish.secret:
        name = f"{wish.prefix}/ci-token"
        arn = aws("secretsmanager").create_secret(Name=name)["ARN"]
        # As the module writes it where the six characters behind the name cannot be known.
        yield (
            "aws_secretsmanager_secret.token[0]",
            arn,
            aws.account.arn("secretsmanager", f"secret:{name}-??????"),
        )


def _key(wish: Wish, aws: Clients) -> Made:
    if wish.key == "new":
        yield (
            "aws_kms_key.this[0]",
            aws("kms").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"],
            "Key",
        )


def _api(wish: Wish, aws: Clients) -> Made:
    if wish.http_api:
        client = aws("apigatewayv2")
        api = client.create_api(Name=wish.prefix, ProtocolType="HTTP")["ApiId"]
        made = client.create_integration(ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0")
        yield "aws_apigatewayv2_api.trigger[0]", api, "TriggerApi"
        integration = made["IntegrationId"]
        yield "aws_apigatewayv2_integration.trigger[0]", f"{api}/{integration}", ""
        yield "", integration, "TriggerApiIntegration"


def empty_zip() -> bytes:
    """A zip that a function can be made of."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    return into.getvalue()
