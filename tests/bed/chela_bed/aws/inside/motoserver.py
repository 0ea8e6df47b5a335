"""moto's server as a process of its own: it prints its port, and ends with its standard input.

SQS counts the seconds of delays and visibility time-outs in milliseconds here: the front has scaled
them, so that a test need not wait for minutes to pass. And EventBridge hands events on as they are:
moto pastes them into a text, which loses the account and breaks on some. A bucket's policy decides
nothing here: moto takes a statement that refuses under a condition for one that always refuses.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from datetime import datetime, timezone
from typing import Any

from moto.codebuild import responses as codebuild
from moto.codepipeline import models as codepipeline
from moto.core.responses import ActionResult
from moto.core.utils import unix_time_millis
from moto.events.utils import EventTemplateParser
from moto.iam.access_control import PermissionResult
from moto.iam.responses import IamResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket
from moto.sqs import models, responses
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> None:
    """Say the port, and serve until nobody is there any more."""
    _change_moto()
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=_Quiet
    )
    if STACKS in sys.argv:
        # Costs a second or two, and packages that nothing else needs.
        importlib.import_module("stacks").teach(server.server_port)
    threading.Thread(target=_end_with_starter, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever(poll_interval=0.05)


def _end_with_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _change_moto() -> None:
    for owner, changes in CHANGES.items():
        for name, value in changes.items():
            assert hasattr(owner, name), f"moto has no {owner.__name__}.{name} any more"
            setattr(owner, name, value)
    # Whoever deletes a user with all that it has asks for these too, and waits for an answer.
    asked = "list_service_specific_credentials"
    assert not hasattr(IamResponse, asked), "moto has learned it"
    setattr(IamResponse, asked, _no_credentials)


def _no_credentials(self: Any) -> ActionResult:
    return ActionResult({"ServiceSpecificCredentials": []})


def _delay(self: Any, delay_seconds: int) -> None:
    self.delayed_until = unix_time_millis() + int(delay_seconds)


def _change_visibility(self: Any, visibility_timeout: int) -> None:
    self.visible_at = unix_time_millis() + int(visibility_timeout)


def _change_message_visibility(
    self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    queue = self.get_queue(queue_name)
    for message in queue._messages:
        if message.had_receipt_handle(receipt_handle):
            message.change_visibility(visibility_timeout)
            if message.visible:
                queue.pending_messages.discard(message)
            return
    raise ReceiptHandleIsInvalid


def _wait_for_messages(self: Any, timeout: int) -> None:
    # Nobody tells it when a message becomes visible; a second is long here.
    with self._messages_lock:
        self._messages_lock.wait_for(lambda: self.messages, timeout=min(timeout, 0.02))


def _whole_event(input_template: str, input_paths_map: Any, event: dict[str, Any]) -> dict[str, Any]:
    assert not input_template, "the rules of a stack hand on whole events"
    return {name: value for name, value in event.items() if name != "ingestion-time"}


def _seconds(moment: datetime) -> float:
    # AWS's JSON has times as numbers; the SDK for Go takes no others.
    return moment.replace(tzinfo=timezone.utc).timestamp()


def _take_it(described: dict[str, Any]) -> None:
    # A pipeline's project has no place of its own; moto asks for one.
    assert described["type"]


def _leave_it_open(self: Any, action: str, resource: str) -> PermissionResult:
    return PermissionResult.NEUTRAL


# Whether stacks of CloudFormation are to be deployed.
STACKS = "--stacks"

CHANGES: dict[Any, dict[str, Any]] = {
    models: {"MAXIMUM_VISIBILITY_TIMEOUT": 43_200_000, "MAXIMUM_MESSAGE_DELAY": 900_000},
    responses: {"MAXIMUM_VISIBILITY_TIMEOUT": 43_200_000},
    models.Message: {"delay": _delay, "change_visibility": _change_visibility},
    models.SQSBackend: {"change_message_visibility": _change_message_visibility},
    models.Queue: {"wait_for_messages": _wait_for_messages},
    codebuild: {
        "_validate_required_params_source": _take_it,
        "_validate_required_params_artifacts": _take_it,
    },
    codepipeline: {"iso_8601_datetime_with_milliseconds": _seconds},
    FakeBucket: {"get_permission": _leave_it_open},
    EventTemplateParser: {"parse": staticmethod(_whole_event)},
}


if __name__ == "__main__":
    main()
