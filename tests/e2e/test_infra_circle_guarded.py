"""The circle with an HTTP API in place of the function URL, and a key of one's own for all that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chela_bed import Bed
from chela_bed.aws import Cloud
from chela_bed.aws.dialects import CloudFormation
from infra_circle import HELLO, RELEASE, Site, deploy

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
# What each role asks of the key at least.
KEYS = {
    "trigger": {DECRYPT, GENERATE},
    "report": {DECRYPT},
    "build": {DECRYPT},
    "pipeline": {DECRYPT, GENERATE},
    "pipeline-build": {DECRYPT},
}


@pytest.fixture(scope="module")
def guarded(bed: Bed, stacks_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    dialect = CloudFormation(tmp_path_factory.mktemp("guarded"))
    with deploy(bed, stacks_cloud, dialect, http_api=True, key="new") as made:
        yield made


def test_through_the_http_api_and_with_a_key_the_flag_turns_green(guarded: Site) -> None:
    with guarded.job(HELLO, on_commits=False) as circle:
        circle.propose("good", "true").await_flag("success")
    assert guarded.stack.door.visits[-1].status in (202, 204)
    with guarded.job(RELEASE, on_commits=False) as circle:
        circle.propose("line", "true").await_flag("success")
    for name, keys in KEYS.items():
        asked = {action for action, _ in guarded.stack.calls.accesses(f"chela-{name}-eu-west-1")}
        assert keys <= asked, name


def test_the_http_api_refuses_whom_iam_refuses(guarded: Site) -> None:
    nobody = guarded.stranger("nobody")
    with guarded.job(HELLO, on_commits=False) as circle:
        circle.set_ci(username=nobody.access_key, password=nobody.secret_key)
        circle.propose("unknown", "true").await_flag("error", "403")


def test_without_the_right_to_the_key_a_build_cannot_read_its_source(guarded: Site) -> None:
    role = guarded.layout.service_role(guarded.stack.engines.codebuild.projects["chela-hello"].role)
    usual = role.policies
    role.policies = [_without(policy, "UseTheKey") for policy in usual]
    with guarded.job(HELLO, on_commits=False) as circle:
        circle.propose("locked", "true").await_flag("failure", "Phase DOWNLOAD_SOURCE failed")
    role.policies = usual


def _without(policy: Any, sid: str) -> Any:
    return {**policy, "Statement": [each for each in policy["Statement"] if each.get("Sid") != sid]}
