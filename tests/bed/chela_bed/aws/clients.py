"""botocore's clients, for the hands of tests: as somebody whom the front knows, or past it as the owner."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config

from chela_bed.aws.account import Account
from chela_bed.aws.identities import Identity
from chela_bed.aws.model import SERVICES


@dataclass(frozen=True)
class Clients:
    """Clients of all services at one address."""

    url: str
    account: Account
    identity: Identity | None = None

    def __call__(self, service: str) -> Any:
        """The client of a service; it does not try again."""
        identity = self.identity
        client = _session().create_client(
            service,
            region_name=self.account.region,
            endpoint_url=self.url,
            aws_access_key_id=identity.access_key if identity else "owner",
            aws_secret_access_key=identity.secret_key if identity else "owner",
            aws_session_token=identity.token if identity else None,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=10,
                read_timeout=120,
                s3={"addressing_style": "path"},
                max_pool_connections=40,
            ),
        )
        if identity is None:
            client.meta.events.register("before-sign.*", self._say_account)
        return client

    def _say_account(self, request: Any, **_: object) -> None:
        request.headers["x-moto-account-id"] = self.account.number


@functools.cache
def _session() -> Any:
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    for service in SERVICES:
        # botocore prefers CBOR where a service takes it; the functions and the front speak JSON.
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        if "json" in metadata.get("protocols", []):
            metadata["protocols"] = ["json"]
    return session
