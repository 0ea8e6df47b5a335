"""The way of events through deployed rules: only where the target's own policy lets EventBridge in.

moto hands everything on that a rule's pattern takes. So a target is taken off its rule as long as the
queue, or the key that encrypts it, would refuse what comes of that rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chela_bed.aws.clients import Clients
from chela_bed.aws.engines import Event
from chela_bed.aws.evaluator import Access, Evaluator
from chela_bed.aws.layouts.keys import DECRYPT, GENERATE, Keys
from chela_bed.aws.used import USES

SERVICE = "events.amazonaws.com"


Policies = tuple[str, str]


@dataclass
class Target:
    """A queue behind a rule."""

    rule: str
    rule_arn: str
    described: dict[str, Any]
    # moto's address of the queue.
    queue: str
    # What the policies of queue and key were when they were last asked, and whether they let the rule in.
    policies: Policies | None = None
    open: bool = True

    @property
    def arn(self) -> str:
        """The queue."""
        return str(self.described["Arn"])


@dataclass
class Rules:
    """Stands before the bus."""

    clients: Clients
    evaluator: Evaluator
    keys: Keys
    bridge: Callable[[Event], None]
    targets: list[Target] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._events, self._sqs, self._kms = (self.clients(name) for name in ("events", "sqs", "kms"))
        for rule in self._events.list_rules()["Rules"]:
            for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                queue = self._sqs.get_queue_url(QueueName=target["Arn"].rpartition(":")[2])["QueueUrl"]
                self.targets.append(Target(rule["Name"], rule["Arn"], target, queue))

    def __call__(self, event: Event) -> None:
        """Hand an event on, where it may go."""
        for target in self.targets:
            self._look(target)
        self.bridge(event)

    def _look(self, target: Target) -> None:
        policies = self._policies(target)
        if policies == target.policies:
            return
        target.policies = policies
        is_open = self._may(target, policies)
        if is_open != target.open:
            self._set(target, is_open=is_open)

    def _policies(self, target: Target) -> Policies:
        asked = {"QueueUrl": target.queue, "AttributeNames": ["Policy"]}
        queue = self._sqs.get_queue_attributes(**asked).get("Attributes", {}).get("Policy", "")
        key = self.keys.of.get(target.arn)
        if key is None:
            return queue, ""
        return queue, self._kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]

    def _may(self, target: Target, policies: Policies) -> bool:
        number = self.clients.account.number
        context = {"aws:SourceArn": target.rule_arn, "aws:SourceAccount": number}
        of_queue, of_key = (json.loads(text) if text else None for text in policies)
        asked = [(Access("sqs:SendMessage", target.arn, context), of_queue)]
        key = self.keys.of.get(target.arn)
        if key:
            asked += [(Access(action, key, context), of_key) for action in (GENERATE, DECRYPT)]
        if not all(self.evaluator.allows(SERVICE, [], number, access, policy) for access, policy in asked):
            return False
        USES.note(SERVICE, [access for access, _ in asked])
        return True

    def _set(self, target: Target, *, is_open: bool) -> None:
        if is_open:
            self._events.put_targets(Rule=target.rule, Targets=[target.described])
        else:
            self._events.remove_targets(Rule=target.rule, Ids=[target.described["Id"]])
        target.open = is_open
