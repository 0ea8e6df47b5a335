"""The function's public address: a function URL, or API Gateway's HTTP API for regions without them.

"Lambda function URLs" and "Working with AWS Lambda proxy integrations for HTTP APIs", AWS documentation.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import unquote

from chela_bed.aws import signature
from chela_bed.aws.account import Account
from chela_bed.aws.api import ServiceError
from chela_bed.aws.evaluator import Access, Evaluator, Policy
from chela_bed.aws.function import TOO_MANY
from chela_bed.aws.identities import Identities, Identity
from chela_bed.aws.runtime import Outcome
from chela_bed.aws.serving import Problems, Request, Response, Server
from chela_bed.aws.used import USES

LARGEST = 6 * 1024 * 1024
IDENT = "url0123456789abcdef"


class Kind(Enum):
    """What stands at the door; its value is the service that requests are signed for."""

    FUNCTION_URL = "lambda"
    HTTP_API = "execute-api"


@dataclass(frozen=True)
class Entrance:
    """What stands there in an account."""

    kind: Kind
    # The function's name, and the policy that is its own.
    function: str
    policy: Policy | None = None
    # The beginning of its host.
    ident: str = IDENT
    # An HTTP API's, as API Gateway writes them.
    routes: Sequence[str] = ("$default",)

    def has(self, method: str, path: str) -> bool:
        """Whether a route leads on."""
        wanted = {"$default", f"{method} {path}", f"ANY {path}", f"{method} /{{proxy+}}", "ANY /{proxy+}"}
        return self.kind is Kind.FUNCTION_URL or not wanted.isdisjoint(self.routes)


@dataclass(frozen=True)
class Visit:
    """A request that came to the door, and what it got."""

    request: Mapping[str, str]
    caller: str | None
    status: int


class Door:
    """Lets in whoever proves to be somebody whose policies say so, and invokes the function."""

    def __init__(
        self,
        account: Account,
        identities: Identities,
        evaluator: Evaluator,
        entrance: Entrance,
        invoke: Callable[[Any], Outcome],
        problems: Problems,
        port: int = 0,
    ) -> None:
        self.account = account
        self.entrance = entrance
        self.kind = entrance.kind
        self.visits: list[Visit] = []
        self._identities = identities
        self._evaluator = evaluator
        self._invoke = invoke
        self._server = Server(self._handle, problems, port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    @property
    def ci_url(self) -> str:
        """What a project's owner types into Pagure's CI form."""
        fragment = f"region={self.account.region}&service={self.kind.value}"
        return f"{self.url.replace('http://', 'http+sigv4://')}/#{fragment}"

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.stop()

    def _handle(self, request: Request) -> Response:
        caller: Identity | None = None
        try:
            caller = self._admit(request)
            answer = self._pass_in(caller, request)
        except ServiceError as problem:
            answer = _message(problem.status, problem.message)
        self.visits.append(Visit(request.headers, caller.arn if caller else None, answer.status))
        return answer

    def _admit(self, request: Request) -> Identity:
        path = request.target.partition("?")[0]
        if not self.entrance.has(request.method, path):
            raise ServiceError("NotFound", "Not Found", 404)
        signed = signature.Signed(request.method, request.target, request.headers, request.hash)
        verified = signature.verify(signed, self._identities, self.account.region)
        if verified.service != self.kind.value:
            why = "Credential should be scoped to correct service."
            raise ServiceError("SignatureDoesNotMatch", why, 403)
        # The root's place ends with a slash; what decides for IAM wants something behind it.
        self._check_rights(verified.identity, f"$default/{request.method}/{path.strip('/') or '/'}")
        if request.size > LARGEST:
            raise ServiceError("RequestTooLarge", "Request Too Long", 413)
        return verified.identity

    def _check_rights(self, identity: Identity, place: str) -> None:
        number = self.account.number
        if self.kind is Kind.FUNCTION_URL:
            accesses, policy = self._of_url(), self.entrance.policy
        else:
            accesses, policy = [Access("execute-api:Invoke", self._api(place))], None
        for access in accesses:
            if not self._evaluator.allows(identity.arn, identity.role.policies, number, access, policy):
                raise ServiceError("AccessDenied", "Forbidden", 403)
        USES.note_of(identity, accesses)
        if self.kind is Kind.HTTP_API:
            self._check_api(place)

    def _of_url(self) -> list[Access]:
        """A function URL needs two rights ("Control access to Lambda function URLs")."""
        function = self.account.function(self.entrance.function)
        return [
            Access("lambda:InvokeFunctionUrl", function, {"lambda:FunctionUrlAuthType": "AWS_IAM"}),
            Access("lambda:InvokeFunction", function, {"lambda:InvokedViaFunctionUrl": "true"}),
        ]

    def _api(self, place: str) -> str:
        return self.account.arn("execute-api", f"{self.entrance.ident}/{place}")

    def _check_api(self, place: str) -> None:
        """API Gateway itself has to be let in by the function ("Working with AWS Lambda proxy
        integrations for HTTP APIs")."""
        function = self.account.function(self.entrance.function)
        invoke = Access("lambda:InvokeFunction", function, {"aws:SourceArn": self._api(place)})
        service, number = "apigateway.amazonaws.com", self.account.number
        if not self._evaluator.allows(service, [], number, invoke, self.entrance.policy):
            raise ServiceError("InternalFailure", "Internal Server Error", 500)
        USES.note(service, [invoke])

    def _pass_in(self, caller: Identity, request: Request) -> Response:
        outcome = self._invoke(self.event(caller, request))
        if outcome.error == TOO_MANY:
            return _message(429, "Rate Exceeded.")
        if outcome.error is not None:
            return _message(502, "Internal Server Error")
        return _response(outcome.answer)

    def event(self, caller: Identity, request: Request) -> dict[str, Any]:
        """The request as the function gets it, payload format 2.0."""
        path, _, query = request.target.partition("?")
        host = request.headers["host"]
        now = time.time()
        text = _is_text(request.headers.get("content-type", ""))
        content = request.content()
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": unquote(path),
            "rawQueryString": query,
            "headers": {name: value for name, value in request.headers.items() if name != "authorization"},
            "requestContext": {
                "accountId": self.account.number,
                "apiId": self.entrance.ident,
                "authorizer": {"iam": self._iam(caller)},
                "domainName": host,
                "domainPrefix": host.partition(".")[0],
                "http": {
                    "method": request.method,
                    "path": unquote(path),
                    "protocol": "HTTP/1.1",
                    "sourceIp": request.peer,
                    "userAgent": request.headers.get("user-agent", ""),
                },
                "requestId": str(uuid.uuid4()),
                "routeKey": "$default",
                "stage": "$default",
                "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
                "timeEpoch": int(now * 1000),
            },
            "isBase64Encoded": not text,
        }
        if self.kind is Kind.FUNCTION_URL:
            event["requestContext"]["authentication"] = None
        if content:
            event["body"] = content.decode(errors="replace") if text else base64.b64encode(content).decode()
        return event

    def _iam(self, caller: Identity) -> dict[str, Any]:
        return {
            "accessKey": caller.access_key,
            "accountId": self.account.number,
            "callerId": "AIDACKCEVSQ6C2EXAMPLE",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": caller.arn,
            "userId": "AIDACKCEVSQ6C2EXAMPLE",
        }


def _is_text(kind: str) -> bool:
    kind = kind.partition(";")[0].strip().lower()
    known = kind in ("", "application/json", "application/javascript", "application/xml")
    return known or kind.startswith("text/") or kind.endswith(("+json", "+xml"))


def _response(answer: Any) -> Response:
    """The function's answer; one without a status is the body itself ("Response payload format")."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(200, {"content-type": "application/json"}, json.dumps(answer).encode())
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    headers = {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
    return Response(int(answer["statusCode"]), {"content-type": "application/json", **headers}, content)


def _message(status: int, text: str) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps({"Message": text}).encode())
