"""All policies of a stack at work: who may do what, as its resources' policies and the caller's own say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import Resource
from chela_bed.aws.cloudformation.names import attribute
from chela_bed.aws.dialects import Design
from chela_bed.aws.evaluator import Access, Question

Statement = Mapping[str, Any]
Statements = Sequence[Statement]

# The roles and the user of a stack, by what the table calls them.
ROLES = {
    "trigger": "TriggerRole",
    "report": "ReportRole",
    "sweep": "SweepRole",
    "build": "BuildRole",
    "pipeline": "PipelineRole",
    "pipeline-build": "PipelineBuildRole",
    "caller": "Caller",
}
EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
# No resource of a policy; IAM takes no empty one, and a role without a trust is not a role that all may take.
NOTHING: Statement = {
    "Effect": "Deny",
    "Principal": {"AWS": "999999999999"},
    "Action": "s3:CreateBucket",
    "Resource": "*",
}
BUCKET_POLICY, QUEUE_POLICY = "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"


@dataclass(frozen=True)
class World:
    """The policies: `own` by the holder's name, `given` by the ARN of the resource."""

    account: Account
    own: Mapping[str, Statements]
    given: Mapping[str, Statements]
    principals: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, design: Design) -> World:
        """That of a stack, beside one who may everything, one who may nothing, and two of another account."""
        account, resources = design.account, design.resources
        held = {name: logical for name, logical in ROLES.items() if logical in resources}
        own: dict[str, Statements] = {name: design.statements(logical) for name, logical in held.items()}
        principals = {name: _principal(account, resources[logical]) for name, logical in held.items()}
        elsewhere = replace(account, number="999999999999")
        for name, at, statements in (
            ("owner", account, [EVERYTHING]),
            ("nobody", account, []),
            ("guest", elsewhere, [EVERYTHING]),
            ("stranger", elsewhere, [EVERYTHING]),
        ):
            own[name], principals[name] = statements, at.user("pagure" if name == "guest" else name)
        return cls(account, own, _given(design), principals)

    def question(self, who: str, access: Access) -> Question:
        """What IAM has to decide; `who` may be a service."""
        own = self.own.get(who, [])
        return Question(
            self.principals.get(who, who),
            access,
            self.account.number,
            [_policy(own)] if own else [],
            self._resource_policy(access.resource),
        )

    def _resource_policy(self, resource: str) -> Mapping[str, Any] | None:
        # A bucket's policy is about its objects as well.
        place = resource.partition("/")[0] if ":s3:::" in resource else resource
        if ":kms:" in place and place not in self.given:
            return _policy([self._as_keys_are()])
        return _policy(self.given[place] or [NOTHING]) if place in self.given else None

    def _as_keys_are(self) -> Statement:
        """The policy of a key of which nothing else is known ("Default key policy", KMS Developer Guide)."""
        root = self.account.user("").replace(":user/", ":root")
        return {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}


def _policy(statements: Statements) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _principal(account: Account, resource: Resource) -> str:
    if resource.type == "AWS::IAM::User":
        return account.user(resource.properties["UserName"])
    return account.session(resource.properties["RoleName"], "somebody")


def _given(design: Design) -> dict[str, Statements]:
    """The policies of resources: buckets, queues, keys, roles (their trust) and functions."""
    found: dict[str, Statements] = {}
    account = design.account
    for one in design.resources.values():
        properties = one.properties
        if one.type == BUCKET_POLICY:
            found[account.bucket(properties["Bucket"])] = _said(properties["PolicyDocument"])
        elif one.type == QUEUE_POLICY:
            for url in properties["Queues"]:
                found[account.arn("sqs", url.rpartition("/")[2])] = _said(properties["PolicyDocument"])
        elif one.type == "AWS::KMS::Key":
            found[_arn(one, account)] = _said(properties["KeyPolicy"])
        elif one.type == "AWS::IAM::Role":
            # A trust names no resource: it is about its role.
            trust = _said(properties["AssumeRolePolicyDocument"])
            found[_arn(one, account)] = [{**each, "Resource": "*"} for each in trust]
    return found | _functions(design)


def _functions(design: Design) -> dict[str, Statements]:
    """The policies of functions, as Lambda makes them of permissions ("AddPermission", API Reference)."""
    found: dict[str, list[Statement]] = {}
    for one in design.resources.values():
        if one.type == "AWS::Lambda::Permission":
            named = str(one.properties["FunctionName"])
            function = named if named.startswith("arn:") else design.account.function(named)
            found.setdefault(function, []).append(_permission(one, function))
    return dict(found)


def _permission(one: Resource, function: str) -> Statement:
    properties = one.properties
    principal = str(properties["Principal"])
    conditions = {
        "SourceArn": ("ArnLike", "aws:SourceArn"),
        "SourceAccount": ("StringEquals", "aws:SourceAccount"),
        "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
        "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
    }
    return {
        "Sid": one.logical,
        "Effect": "Allow",
        "Principal": {"Service" if principal.endswith(".amazonaws.com") else "AWS": principal},
        "Action": properties["Action"],
        "Resource": function,
        "Condition": {
            operator: {key: str(properties[name]).lower() if operator == "Bool" else properties[name]}
            for name, (operator, key) in conditions.items()
            if name in properties
        },
    }


def _said(document: Mapping[str, Any]) -> Statements:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _arn(one: Resource, account: Account) -> str:
    return attribute(one.type, one.logical, one.properties, account, "Arn")
