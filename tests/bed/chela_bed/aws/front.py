"""All of AWS that the functions see: one address, where every call has to prove who asks and may.

A call is verified, read with the service's model, allowed by the caller's policies for everything that
it names, recorded, and then answered by the stand-in for CodeBuild and CodePipeline, or by moto.
"""

from __future__ import annotations

import collections
import json
import re
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from xml.sax.saxutils import escape

from chela_bed.aws import model, signature
from chela_bed.aws.access import Accesses
from chela_bed.aws.account import Account
from chela_bed.aws.api import Service, ServiceError
from chela_bed.aws.calls import Call, Calls
from chela_bed.aws.evaluator import Access, Evaluator
from chela_bed.aws.faults import CutError, Faults, Moment, refusal
from chela_bed.aws.identities import Identities
from chela_bed.aws.layouts.keys import Keys
from chela_bed.aws.pace import Pace
from chela_bed.aws.serving import OWN, Problems, Request, Response, Server
from chela_bed.aws.used import USES

WRITES = {"PutObject", "CompleteMultipartUpload", "DeleteObject"}
PATIENCE = 120
LAST_MODIFIED = re.compile(rb"(?<=<LastModified>)[^<]+(?=</LastModified>)")
# How services of the JSON protocols name what S3 calls otherwise.
JSON_CODES = {
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "UnrecognizedClient": "UnrecognizedClientException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
S3_CODES = {"UnrecognizedClient": "InvalidAccessKeyId", "MissingAuthenticationToken": "AccessDenied"}


class Front:
    """The server; `services` answer in moto's place."""

    def __init__(
        self,
        account: Account,
        moto: int,
        evaluator: Evaluator,
        identities: Identities,
        secret: Callable[[str], str | None],
        keys: Keys,
        problems: Problems,
    ) -> None:
        self.account = account
        self.services: dict[str, Service] = {}
        self.calls = Calls()
        self.faults = Faults()
        self.pace = Pace()
        # How much older than it is all that lies in S3 looks in a listing: nobody can write into the past.
        self.older = timedelta()
        self.problems = problems
        self._moto = moto
        self._evaluator = evaluator
        self._identities = identities
        self._accesses = Accesses(account, secret)
        self._keys = keys
        self._locks: dict[tuple[str, str], threading.Lock] = collections.defaultdict(threading.Lock)
        self._server = Server(self._handle, problems)

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL has to say."""
        return self._server.url

    def stop(self) -> None:
        """Let everybody go, and refuse connections from now on."""
        self.faults.clear()
        self._server.stop()

    def may(self, call: Call, access: Access) -> bool:
        """Whether the caller's policies allow it."""
        identity, own = call.identity, self._keys.policy(access.resource)
        number = self.account.number
        return self._evaluator.allows(identity.arn, identity.role.policies, number, access, own)

    def _handle(self, request: Request) -> Response:
        service = _guess(request)
        try:
            return self._answer(request)
        except ServiceError as problem:
            return error(service, problem)
        except CutError:
            raise
        except Exception:
            self.problems.append(traceback.format_exc())
            return error(service, ServiceError("InternalFailure", "The test bed has failed.", 500))

    def _answer(self, request: Request) -> Response:
        signed = signature.Signed(request.method, request.target, request.headers, request.hash)
        verified = signature.verify(signed, self._identities, self.account.region)
        operation, params = self._read(verified.service, request)
        call = Call(verified.identity, verified.service, operation, params, request.headers)
        self.calls.add(call)
        try:
            answer = self._obey(call, request)
        except ServiceError as problem:
            call.error, call.status = problem.code, problem.status
            raise
        call.status = answer.status
        return answer

    def _read(self, service: str, request: Request) -> tuple[str, dict[str, Any]]:
        if service not in model.SERVICES:
            raise ServiceError("UnknownOperationException", f"there is no service {service!r} here", 404)
        if service != "s3":
            return model.read_json(service, request.headers, request.content())
        if "x-amz-copy-source" in request.headers:
            raise ServiceError("NotImplemented", "the test bed copies no objects", 501)
        return model.read_s3(request.method, request.target, request.headers)

    def _obey(self, call: Call, request: Request) -> Response:
        named = self._accesses.of(call.service, call.operation, call.params)
        call.accesses = [*named, *self._keys.needed(self.account, call.name, named)]
        for access in call.accesses:
            if not self.may(call, access):
                raise refusal(call, access)
        USES.note_of(call.identity, call.accesses)
        effects = self.faults.strikes(call)
        for effect in effects[Moment.BEFORE]:
            effect(call)
        answer = self._do(call, request)
        for effect in effects[Moment.AFTER]:
            effect(call)
        return answer

    def _do(self, call: Call, request: Request) -> Response:
        if call.service in self.services:
            answer = self.services[call.service].handle(
                call.service, call.operation, call.params, call.identity.arn
            )
            return _json(200, answer)
        if call.service == "sqs":
            return self._sqs(call, request)
        if call.service == "s3":
            return self._s3(call, request)
        return self._forward(request)

    def _sqs(self, call: Call, request: Request) -> Response:
        if call.operation == "ChangeMessageVisibility":
            receipt, seconds = call.params["ReceiptHandle"], call.params["VisibilityTimeout"]
            if self.pace.ask(receipt, seconds):
                return _json(200, {})
        return self._forward(request, json.dumps(self.pace.scaled(call.params)).encode())

    def _s3(self, call: Call, request: Request) -> Response:
        if call.operation == "CompleteMultipartUpload" and "IfMatch" in call.params:
            raise ServiceError("NotImplemented", "moto would not look at If-Match", 501)
        with self._turn(call):
            answer = self._forward(request)
        if call.operation == "ListObjectsV2":
            return self._aged(answer)
        # S3 does not tell what is absent to those who may not list ("GetObject", Amazon S3 API Reference).
        if answer.status == 404 and call.operation in ("GetObject", "HeadObject"):
            bucket = self.account.bucket(call.params["Bucket"])
            if not self.may(call, Access("s3:ListBucket", bucket)):
                _close(answer)
                raise refusal(call)
        return answer

    def _aged(self, listing: Response) -> Response:
        if isinstance(listing.body, bytes) or not self.older:
            return listing
        with listing.body as body:
            text = LAST_MODIFIED.sub(lambda found: self._before(found.group()), body.read())
        headers = {name: value for name, value in listing.headers.items() if name != "content-length"}
        return Response(listing.status, headers, text)

    def _before(self, time: bytes) -> bytes:
        moment = datetime.fromisoformat(time.decode().replace("Z", "+00:00")) - self.older
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()

    def _turn(self, call: Call) -> AbstractContextManager[Any]:
        """One write of an object at a time: moto looks and writes in two steps."""
        if call.operation in WRITES:
            return self._locks[call.params["Bucket"], call.params["Key"]]
        return nullcontext()

    def _forward(self, request: Request, body: bytes | None = None) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in OWN | {"expect"}}
        headers["x-moto-account-id"] = self.account.number
        headers["content-length"] = str(request.size if body is None else len(body))
        request.body.seek(0)
        connection = HTTPConnection("127.0.0.1", self._moto, timeout=PATIENCE)
        connection.request(
            request.method, request.target, request.body if body is None else body, headers=headers
        )
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, told, answer)


def _guess(request: Request) -> str:
    """Whose errors a caller expects who may have proven nothing yet."""
    return "json" if "x-amz-target" in request.headers else "s3"


def _close(answer: Response) -> None:
    if not isinstance(answer.body, bytes):
        answer.body.close()


def _json(status: int, members: Mapping[str, Any]) -> Response:
    return Response(status, {"content-type": "application/x-amz-json-1.1"}, json.dumps(members).encode())


def error(service: str, problem: ServiceError) -> Response:
    """An error as a service of its kind gives it."""
    if service != "s3":
        code = JSON_CODES.get(problem.code, problem.code)
        # Services of these protocols refuse with 400.
        status = 400 if problem.status == 403 else problem.status
        answer = _json(status, {"__type": code, "message": problem.message})
        return Response(status, {**answer.headers, "x-amzn-query-error": f"{code};Sender"}, answer.body)
    code = S3_CODES.get(problem.code, problem.code)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(problem.message)}</Message></Error>"
    )
    return Response(problem.status, {"content-type": "application/xml"}, text.encode())
