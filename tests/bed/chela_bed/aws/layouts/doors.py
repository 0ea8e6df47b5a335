"""The front door that was deployed: a function URL, or an HTTP API before the same function."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from chela_bed.aws.clients import Clients
from chela_bed.aws.door import Entrance, Kind
from chela_bed.aws.evaluator import Policy
from chela_bed.paths import BedError


def entrance(clients: Clients, function: str) -> Entrance:
    """What stands before a function; both must want signatures."""
    policy = _policy(clients("lambda"), function)
    try:
        url = clients("lambda").get_function_url_config(FunctionName=function)
    except ClientError:
        return _api(clients, function, policy)
    _check(url["AuthType"])
    ident = url["FunctionUrl"].partition("//")[2].partition(".")[0]
    return Entrance(Kind.FUNCTION_URL, function, policy, ident)


def _policy(client: Any, function: str) -> Policy | None:
    try:
        found = json.loads(client.get_policy(FunctionName=function)["Policy"])
    except ClientError:
        return None
    for statement in found["Statement"]:
        # moto leaves it there from what CloudFormation was told.
        statement.pop("FunctionName", None)
    return dict(found)


def _api(clients: Clients, function: str, policy: Policy | None) -> Entrance:
    gateway, arn = clients("apigatewayv2"), clients.account.function(function)
    (api,) = gateway.get_apis()["Items"]
    asked = {"ApiId": api["ApiId"]}
    (stage,) = gateway.get_stages(**asked)["Items"]
    (integration,) = gateway.get_integrations(**asked)["Items"]
    wanted = ("$default", "AWS_PROXY", "2.0", arn)
    found = (
        stage["StageName"],
        integration["IntegrationType"],
        integration["PayloadFormatVersion"],
        integration["IntegrationUri"],
    )
    if found != wanted:
        raise BedError(f"the HTTP API is {found}, and the function wants {wanted}")
    routes = gateway.get_routes(**asked)["Items"]
    for route in routes:
        _check(route["AuthorizationType"])
    return Entrance(Kind.HTTP_API, function, policy, api["ApiId"], [route["RouteKey"] for route in routes])


def _check(authorization: str) -> None:
    if authorization != "AWS_IAM":
        raise BedError(f"the front door asks for {authorization}: anybody could come in")
