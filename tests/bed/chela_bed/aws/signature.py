"""Verifies Signature Version 4 with botocore's own signer as the oracle.

"Signature Version 4 signing process", AWS General Reference; what S3 does otherwise is in its API Reference.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from chela_bed.aws.api import ServiceError
from chela_bed.aws.identities import Identities, Identity

FORM = re.compile(
    r"AWS4-HMAC-SHA256 "
    r"Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
    r",\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
TIME = "%Y%m%dT%H%M%SZ"
WINDOW = timedelta(minutes=5)
# S3: the body's own checksum stands in for its hash, or comes after it.
UNHASHED = {"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}


@dataclass(frozen=True)
class Signed:
    """A request as it was signed; header names are in lower case."""

    method: str
    # Path and query, as they stand in the request line.
    target: str
    headers: Mapping[str, str]
    # Of the body, in hexadecimal.
    hash: str


@dataclass(frozen=True)
class Verified:
    """Whose request it is, and for which service."""

    identity: Identity
    service: str


def verify(request: Signed, identities: Identities, region: str) -> Verified:
    """Say who signed a request; a `ServiceError` if nobody did, or wrongly."""
    form = FORM.fullmatch(request.headers.get("authorization", ""))
    if form is None:
        raise ServiceError("MissingAuthenticationToken", "Missing Authentication Token", 403)
    identity = identities.find(form["key"])
    if identity is None:
        raise _unknown()
    _check_token(request, identity)
    _check_time(request, form["date"])
    if form["region"] != region:
        raise _wrong(f"Credential should be scoped to a valid region, not {form['region']!r}.")
    _check_headers(request, form["headers"].split(";"), form["service"])
    if not hmac.compare_digest(_expected(request, form, identity), form["signature"]):
        raise _wrong("The request signature we calculated does not match the signature you provided.")
    return Verified(identity, form["service"])


def _check_token(request: Signed, identity: Identity) -> None:
    if identity.expired.is_set():
        raise ServiceError("ExpiredToken", "The security token included in the request is expired", 403)
    if request.headers.get("x-amz-security-token") != identity.token:
        raise _unknown()


def _check_time(request: Signed, date: str) -> None:
    said = request.headers.get("x-amz-date", "")
    try:
        at = datetime.strptime(said, TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        raise _wrong(f"Date in x-amz-date is not one: {said!r}.") from None
    if not said.startswith(date) or abs(datetime.now(timezone.utc) - at) > WINDOW:
        raise _wrong(f"Signature expired: {said} is not within five minutes of now.")


def _check_headers(request: Signed, names: list[str], service: str) -> None:
    needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
    if missing := needed - set(names):
        raise _wrong(f"There were headers present in the request which were not signed: {missing}.")
    stated = request.headers.get("x-amz-content-sha256", request.hash)
    if service == "s3" and "x-amz-content-sha256" not in request.headers:
        raise _wrong("Missing required header for this request: x-amz-content-sha256.")
    if stated not in UNHASHED and stated != request.hash:
        raise _wrong("The provided 'x-amz-content-sha256' header does not match what was computed.")


def _expected(request: Signed, form: re.Match[str], identity: Identity) -> str:
    credentials = Credentials(identity.access_key, identity.secret_key)
    signer = S3SigV4Auth if form["service"] == "s3" else SigV4Auth
    oracle = signer(credentials, form["service"], form["region"])
    names = form["headers"].split(";")
    asked = AWSRequest(
        request.method,
        f"http://{request.headers['host']}{request.target}",
        headers={name: request.headers.get(name, "") for name in names},
    )
    # Signed or not, the hash of the body is the last line of what is signed.
    stated = request.headers.get("x-amz-content-sha256", request.hash)
    asked.context["timestamp"] = request.headers["x-amz-date"]
    lines = oracle.canonical_request(asked).split("\n")
    canonical = "\n".join([*lines[:-1], stated])
    return str(oracle.signature(oracle.string_to_sign(asked, canonical), asked))


def _unknown() -> ServiceError:
    why = "The security token included in the request is invalid."
    return ServiceError("UnrecognizedClient", why, 403)


def _wrong(why: str) -> ServiceError:
    return ServiceError("SignatureDoesNotMatch", why, 403)
