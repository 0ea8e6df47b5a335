"""A queue of a stack as its owner sees it, past the front."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chela_bed.aws.account import Account

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True)
class Queue:
    """One queue."""

    name: str
    # moto's address of it, and AWS's.
    address: str
    url: str
    arn: str
    sqs: Any

    @classmethod
    def create(cls, sqs: Any, account: Account, name: str, **attributes: str) -> Queue:
        """Make a queue."""
        address = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return cls(name, address, account.queue_url(name), account.arn("sqs", name), sqs)

    @classmethod
    def find(cls, sqs: Any, arn: str) -> Queue:
        """One that is there."""
        _, _, _, region, number, name = arn.split(":")
        address = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return cls(name, address, Account(number, region).queue_url(name), arn, sqs)

    def attributes(self) -> dict[str, str]:
        """How it is set."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.address, AttributeNames=["All"])
        return dict(found["Attributes"])

    def redrive(self, dead: Queue, receives: int) -> None:
        """Let messages go to another queue that were received so often in vain."""
        policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": receives})
        self.sqs.set_queue_attributes(QueueUrl=self.address, Attributes={"RedrivePolicy": policy})

    def send(self, body: Any) -> str:
        """Put a message in, as JSON unless it is a text; its id."""
        text = body if isinstance(body, str) else json.dumps(body)
        return str(self.sqs.send_message(QueueUrl=self.address, MessageBody=text)["MessageId"])

    def count(self) -> int:
        """How many messages it has: waiting, in somebody's hands, and delayed."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.address, AttributeNames=["All"])
        return sum(int(answer["Attributes"][name]) for name in COUNTS)

    def take(self) -> list[str]:
        """Take all messages out that wait."""
        bodies: list[str] = []
        while messages := self._receive():
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.address, ReceiptHandle=message["ReceiptHandle"])
            bodies += [message["Body"] for message in messages]
        return bodies

    def _receive(self) -> list[Mapping[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.address, MaxNumberOfMessages=10, VisibilityTimeout=60_000, WaitTimeSeconds=0
        )
        return list(answer.get("Messages", []))
