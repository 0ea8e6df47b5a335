"""moto's server as a process of its own: it prints its port, and ends with its standard input.

SQS counts the seconds of delays and visibility time-outs in milliseconds here: the front has scaled
them, so that a test need not wait for minutes to pass.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs import models, responses
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.core.utils import unix_time_millis
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> None:
    """Say the port, and serve until nobody is there any more."""
    _count_in_milliseconds()
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=_Quiet
    )
    threading.Thread(target=_end_with_starter, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever(poll_interval=0.05)


def _end_with_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _count_in_milliseconds() -> None:
    for module in (models, responses):
        module.MAXIMUM_VISIBILITY_TIMEOUT = 43_200_000
    models.MAXIMUM_MESSAGE_DELAY = 900_000
    models.Message.delay = _delay
    models.Message.change_visibility = _change_visibility
    models.SQSBackend.change_message_visibility = _change_message_visibility


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


if __name__ == "__main__":
    main()
