"""The account that a bed plays: its number, region and the names that AWS gives things."""

from __future__ import annotations

from dataclasses import dataclass

REGION = "eu-west-1"


@dataclass(frozen=True)
class Account:
    """An AWS account in one region; every stack has its own, so that nothing of theirs can meet."""

    number: str
    region: str = REGION
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource that has a region and an account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"

    def user(self, name: str) -> str:
        """The ARN of an IAM user."""
        return f"arn:{self.partition}:iam::{self.number}:user/{name}"

    def session(self, role: str, name: str) -> str:
        """The ARN of somebody who has assumed a role."""
        return f"arn:{self.partition}:sts::{self.number}:assumed-role/{role}/{name}"

    def bucket(self, name: str) -> str:
        """The ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{name}"

    def function(self, name: str) -> str:
        """The ARN of a function."""
        return self.arn("lambda", f"function:{name}")

    def queue_url(self, name: str) -> str:
        """The address of a queue, as SQS tells it."""
        return f"https://sqs.{self.region}.amazonaws.com/{self.number}/{name}"
