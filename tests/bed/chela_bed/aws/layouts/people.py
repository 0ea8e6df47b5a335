"""Roles and users with their policies, as IAM tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chela_bed.aws.evaluator import Policy
from chela_bed.aws.identities import Identities, Identity, Role


@dataclass(frozen=True)
class People:
    """Those of one account."""

    iam: Any

    def role(self, arn: str, kind: str) -> Role:
        """A role with all its policies."""
        name = _name(arn)
        asked = {"RoleName": name}
        inline = self.iam.list_role_policies(**asked)["PolicyNames"]
        found = [self.iam.get_role_policy(**asked, PolicyName=each)["PolicyDocument"] for each in inline]
        attached = self.iam.list_attached_role_policies(**asked)["AttachedPolicies"]
        return Role(name, [*found, *self._managed(attached)], kind)

    def trust(self, arn: str) -> Policy:
        """Who may assume a role."""
        found: Policy = self.iam.get_role(RoleName=_name(arn))["Role"]["AssumeRolePolicyDocument"]
        return found

    def user(self, arn: str, kind: str) -> Role:
        """A user with all policies."""
        name = _name(arn)
        asked = {"UserName": name}
        inline = self.iam.list_user_policies(**asked)["PolicyNames"]
        found = [self.iam.get_user_policy(**asked, PolicyName=each)["PolicyDocument"] for each in inline]
        attached = self.iam.list_attached_user_policies(**asked)["AttachedPolicies"]
        return Role(name, [*found, *self._managed(attached)], kind)

    def key(self, identities: Identities, arn: str, kind: str) -> Identity:
        """A new access key of a user, made as the account's owner makes it."""
        made = self.iam.create_access_key(UserName=_name(arn))["AccessKey"]
        user = self.user(arn, kind)
        return identities.know(Identity(user, arn, made["AccessKeyId"], made["SecretAccessKey"]))

    def _managed(self, attached: list[dict[str, str]]) -> Iterator[Policy]:
        for each in attached:
            arn = each["PolicyArn"]
            version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            told = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)
            yield told["PolicyVersion"]["Document"]


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
