"""The CI service that the tests play."""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import trustme
from chela_bed import Drop, Endless, Garbage, Reply, Target
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

TOKEN = "a project's token"


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as service:
        yield service


def signed(body: str, token: str = TOKEN) -> dict[str, str]:
    now = datetime.datetime.now(datetime.timezone.utc)
    key = base64.b64encode(token.encode()).decode()
    return {
        "webhook-id": "build-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign("build-1", now, body),
    }


def test_a_request_is_recorded_and_its_signature_verified(target: Target) -> None:
    body = json.dumps({"type": "build.requested"})
    requests.post(f"{target.url}/hook?a=b", data=body, headers=signed(body), timeout=10)
    (recorded,) = target.wait()
    assert (recorded.method, recorded.path, recorded.build_id) == ("POST", "/hook?a=b", "build-1")
    assert recorded.verified(TOKEN) == {"type": "build.requested"}
    with pytest.raises(WebhookVerificationError):
        recorded.verified("another token")


def test_answers_are_given_in_their_order(target: Target) -> None:
    target.answer(Reply(503, {"Retry-After": "1"}), Reply(200, body=b"{}"))
    first, second, third = (requests.post(target.url, timeout=10) for _ in range(3))
    assert (first.status_code, first.headers["Retry-After"]) == (503, "1")
    assert (second.status_code, second.text) == (200, "{}")
    assert third.status_code == 202


@pytest.mark.parametrize("answer", [Drop(), Garbage()])
def test_a_target_can_answer_badly(target: Target, answer: Drop | Garbage) -> None:
    target.answer(answer)
    with pytest.raises(requests.ConnectionError):
        requests.post(target.url, timeout=10)
    assert len(target.wait()) == 1


def test_an_endless_answer_goes_on_until_the_client_leaves(target: Target) -> None:
    target.answer(Endless())
    connection = http.client.HTTPConnection(target.host, target.port, timeout=10)
    connection.request("POST", "/")
    answer = connection.getresponse()
    assert len(answer.read(10_000_000)) == 10_000_000
    connection.close()


def test_a_held_answer_comes_when_the_test_lets_it_go(target: Target) -> None:
    release = threading.Event()
    target.answer(Reply(204, after=release))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(requests.post, target.url, timeout=10)
        target.wait()
        assert not answer.done()
        release.set()
        assert answer.result().status_code == 204


def test_a_target_goes_away_and_comes_back_at_the_same_address(target: Target) -> None:
    address = target.url
    target.stop()
    with pytest.raises(requests.ConnectionError):
        requests.post(address, timeout=10)
    target.start()
    assert (target.url, requests.post(address, timeout=10).status_code) == (address, 202)


def test_a_target_speaks_tls_to_who_trusts_it(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    with Target(tls=authority) as target:
        assert requests.post(target.url, timeout=10, verify=str(trusted)).status_code == 202
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(target.url, timeout=10)
