"""Nothing secret is written down by what delivers: neither in a log nor in the broker."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from asking import JOB, Desk, address, desk, push_trigger
from chela_bed import Bed, Reply, wait_for
from chela_bed.broker import Broker

PASSWORD = "correct horse battery staple"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
BASIC = base64.b64encode(f"ci:{PASSWORD}".encode()).decode()


@dataclass(frozen=True)
class Delivered:
    """Builds that were tried twice, with credentials of both kinds."""

    bed: Bed
    basic: Desk
    sigv4: Desk
    messages: list[str]

    @property
    def tokens(self) -> list[str]:
        """All CI tokens that this Pagure has."""
        rows = self.bed.sql("SELECT pagure_ci_token FROM hook_pagure_ci WHERE ci_type = 'webhook'")
        return [row["pagure_ci_token"] for row in rows if row["pagure_ci_token"]]

    @property
    def secrets(self) -> list[str]:
        """What must stand nowhere."""
        return [PASSWORD, SECRET_KEY, BASIC, *self.tokens]


@pytest.fixture(scope="module")
def delivered(bed: Bed) -> Iterator[Delivered]:
    with contextlib.ExitStack() as projects:
        basic, sigv4 = desks = [projects.enter_context(desk(bed)) for _ in range(2)]
        bed.set_ci(basic.project, address(basic.target, basic.project), JOB, "ci", PASSWORD)
        signed = address(sigv4.target, sigv4.project).replace("http:", "http+sigv4:")
        bed.set_ci(
            sigv4.project, f"{signed}#region=eu-central-1&service=execute-api", JOB, KEY_ID, SECRET_KEY
        )
        for own in desks:
            own.target.answer(Reply(503))
            commit = bed.push("alice", own.project, "topic", {"a.txt": "1\n"}, hooks=False)
            bed.publish(push_trigger(own.project, commit, "topic"))
            own.target.wait()
        broker = Broker(bed)
        messages = wait_for(
            lambda: found if len(found := broker.arguments()) == len(desks) else None,
            what="the messages for the second attempts",
        )
        for own in desks:
            own.target.wait(2)
        broker.await_quiet()
        yield Delivered(bed, basic, sigv4, messages)


def test_the_credentials_were_used(delivered: Delivered) -> None:
    for request in delivered.basic.target.requests:
        assert request.headers["authorization"] == f"Basic {BASIC}"
    for request in delivered.sigv4.target.requests:
        assert request.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/")


def test_no_secret_is_in_a_message(delivered: Delivered) -> None:
    for message in delivered.messages:
        assert "build.requested" in message
        assert [secret for secret in delivered.secrets if json.dumps(secret)[1:-1] in message] == []


def test_no_secret_is_in_a_log(delivered: Delivered) -> None:
    assert len(delivered.tokens) >= 2
    for log in sorted(delivered.bed.folder.logs.iterdir()):
        text = log.read_text(errors="replace")
        # Whatever the tests that ran before have sent has been logged here as well.
        found = [secret for secret in [*delivered.secrets, "Authorization"] if secret in text]
        assert found == [], log.name
