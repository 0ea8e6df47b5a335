"""SQS as a function's source of events: takes batches, invokes, and gives back what has failed.

"Using Lambda with Amazon SQS", AWS Lambda Developer Guide.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.pace import LONGEST, Pace
from chela_bed.aws.runtime import Outcome
from chela_bed.aws.serving import Problems
from chela_bed.waiting import wait_for

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """A queue as it is set up, and the event source mapping on it."""

    name: str
    arn: str
    # What moto has told for its address.
    url: str
    # Seconds; longer than the function's time-out.
    visibility: int
    batch: int
    concurrency: int
    # Whether the function's answer may name single messages that have failed.
    items: bool = True


class Poller:
    """Feeds one function from one queue until it is stopped."""

    def __init__(
        self,
        source: Source,
        sqs: Any,
        pace: Pace,
        account: Account,
        invoke: Callable[[Any], Outcome],
        problems: Problems,
    ) -> None:
        self.source = source
        # Events that were handed to the function, in order.
        self.given: list[Any] = []
        self._sqs = sqs
        self._pace = pace
        self._account = account
        self._invoke = invoke
        self._problems = problems
        self._twice = 0
        self._open = threading.Event()
        self._open.set()
        self._stopped = threading.Event()
        self._free = threading.Semaphore(source.concurrency)
        self._in_hand = 0
        self._lock = threading.Lock()
        # One more each for deliveries that a test wants twice at once.
        self._hands = ThreadPoolExecutor(2 * source.concurrency)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Take no more messages until `resume`, and wait until none is in hand."""
        self._open.clear()
        wait_for(lambda: self._in_hand == 0, 60, f"the end of what is in hand of {self.source.name}")

    def resume(self) -> None:
        """Take messages again."""
        self._open.set()

    def deliver_twice(self, count: int = 1) -> None:
        """Hand the next batches to two processes at once, as SQS sometimes does."""
        self._twice += count

    def begin_end(self) -> None:
        """Take no more messages, and return at once."""
        self._stopped.set()
        self._open.set()

    def stop(self) -> None:
        """Take no more, and wait for what is in hand."""
        self.begin_end()
        # Its last question to SQS, which waits a second for messages, need not be waited for.
        self._hands.shutdown()

    def _run(self) -> None:
        with self._noting_problems():
            self._loop()

    @contextlib.contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            # At the end, everything goes away.
            if not self._stopped.is_set():
                self._problems.append(traceback.format_exc())

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._open.wait()
            self._free.acquire()
            with self._lock:
                self._in_hand += 1
            messages = self._receive()
            if messages and not self._stopped.is_set():
                self._hands.submit(self._work, messages)
            else:
                self._done()

    def _done(self) -> None:
        with self._lock:
            self._in_hand -= 1
        self._free.release()

    def _receive(self) -> list[Message]:
        if not self._open.is_set():
            return []
        answer = self._sqs.receive_message(
            QueueUrl=self.source.url,
            MaxNumberOfMessages=self.source.batch,
            # While a function has it in hand, nobody else gets it; moto counts milliseconds here.
            VisibilityTimeout=LONGEST["VisibilityTimeout"] * 1000,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages", [])
        for message in messages:
            self._pace.begin(message["ReceiptHandle"])
        return messages

    def _work(self, messages: list[Message]) -> None:
        with self._noting_problems():
            event = {"Records": [self._record(message) for message in messages]}
            failed = self._failed(self._deliver(event), messages)
            for message in messages:
                self._settle(message, failed=message["MessageId"] in failed)
        self._done()

    def _deliver(self, event: Any) -> Outcome:
        self.given.append(event)
        if self._twice == 0:
            return self._invoke(event)
        self._twice -= 1
        again: Future[Outcome] = self._hands.submit(self._invoke, event)
        first = self._invoke(event)
        second = again.result()
        return first if first.error is None else second

    def _settle(self, message: Message, *, failed: bool) -> None:
        receipt = message["ReceiptHandle"]
        asked = self._pace.end(receipt)
        if not failed:
            self._sqs.delete_message(QueueUrl=self.source.url, ReceiptHandle=receipt)
            return
        seconds = self.source.visibility if asked is None else asked
        later = self._pace.scaled({"VisibilityTimeout": seconds})
        self._sqs.change_message_visibility(QueueUrl=self.source.url, ReceiptHandle=receipt, **later)

    def _failed(self, outcome: Outcome, messages: list[Message]) -> set[str]:
        """Whom the answer names; an answer that is no answer fails all ("Reporting batch item failures")."""
        everything = {message["MessageId"] for message in messages}
        if outcome.error is not None:
            return everything
        if not self.source.items:
            return set()
        answer = outcome.answer
        items = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        named = {item.get("itemIdentifier") for item in items or []}
        return named if named <= everything else everything

    def _record(self, message: Message) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.source.arn,
            "awsRegion": self._account.region,
        }
