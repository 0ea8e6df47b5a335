"""Whatever happens in Pagure that wants a build: the request that goes out for it."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from asking import (
    JOB,
    Desk,
    address,
    applied,
    by,
    clone_url,
    commit_build,
    desk,
    fetched,
    linked,
    pull_request_build,
    said,
)
from chela_bed import Bed, Project, Recorded, Target, reports
from chela_bed.bed import Message
from chela_bed.scene import START
from conftest import NUMBERS

OPENED = by("alice", "opened", can_push=True)
PUSHED = by("alice", "pushed", can_push=True)
UPDATED = by("alice", "updated", can_push=True)
AT = "2026-11-22T20:15:26.870000+00:00"
UPDATE_ID = "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11"


@pytest.fixture(scope="module")
def hello(bed: Bed) -> Iterator[Desk]:
    """A project in a namespace; carol may push to it, bob has a fork."""
    with desk(bed) as made:
        bed.add_committer(made.project, "carol")
        yield made


@pytest.fixture(scope="module")
def bobs_fork(bed: Bed, hello: Desk) -> Project:
    return bed.fork(hello.project, "bob")


@dataclass
class Pushed:
    """One push of many references, and what they were."""

    desk: Desk
    commits: dict[str, str] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def pushed(bed: Bed) -> Iterator[Pushed]:
    """Alice pushes once; two of the branches have an open pull request."""
    project = Project(f"pushed-{next(NUMBERS)}")
    bed.create_project(project, "alice", START)
    requests = {}
    for branch in ("topic", "rewritten"):
        bed.push("alice", project, branch, {f"{branch}.txt": "1\n"}, hooks=False)
        requests[branch] = linked(bed, project, bed.open_pull_request(project, branch))
    with desk(bed, project) as made:
        yield Pushed(made, push_everything(bed, project), requests)


def push_everything(bed: Bed, project: Project) -> dict[str, str]:
    """One push: a commit, an update, a rewritten branch, a new one, tags."""
    tree = bed.work_tree(project)
    commits = {"topic": tree.commit("topic", {"topic.txt": "2\n"})}
    commits["rewritten"] = tree.commit("rewritten", {"other.txt": "1\n"}, start="main")
    commits["fresh"] = tree.commit("fresh", {"fresh.txt": "1\n"})
    commits["both"] = tree.commit("both", {"both.txt": "1\n"})
    commits["v1"] = tree.commit("unpushed", {"tagged.txt": "1\n"})
    tree.tag("v1")
    commits["both-tag"] = tree.commit("unpushed-too", {"both-tag.txt": "1\n"})
    tree.tag("both")
    commits["main"] = tree.commit("main", {"main.txt": "1\n"})
    heads = [f"refs/heads/{name}" for name in ("main", "topic", "fresh", "both")]
    tree.push("alice", "+refs/heads/rewritten", *heads, "refs/tags/v1", "refs/tags/both")
    return commits


def test_a_new_pull_request_of_the_project_itself(bed: Bed, hello: Desk, tmp_path: Path) -> None:
    commit = bed.push("alice", hello.project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(hello.project, "topic", title='Say "grüß Gott" & <b>')
    (data,) = hello.of_pull_request(request)
    assert data == pull_request_build(hello, request, "topic", commit, OPENED, title='Say "grüß Gott" & <b>')
    assert fetched(data, tmp_path) == commit


def test_a_new_pull_request_from_a_fork(bed: Bed, hello: Desk, bobs_fork: Project, tmp_path: Path) -> None:
    commit = bed.push("bob", bobs_fork, "bobs", {"b.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(hello.project, "bobs", source=bobs_fork, user="bob")
    (data,) = hello.of_pull_request(request)
    stranger = by("bob", "opened", can_push=False)
    assert data == pull_request_build(
        hello, request, "bobs", commit, stranger, source=bobs_fork, author="bob", author_can_push=False
    )
    assert fetched(data, tmp_path) == commit


def test_a_new_pull_request_from_a_repository_elsewhere(bed: Bed, hello: Desk, pushed: Pushed) -> None:
    elsewhere = pushed.desk.project
    request = bed.open_remote_pull_request(bed.login("bob"), hello.project, elsewhere, "topic")
    (data,) = hello.of_pull_request(request)
    commit = data["source"].pop("commit", None)
    assert commit in {None, pushed.commits["topic"]}
    expected = pull_request_build(
        hello,
        request,
        "topic",
        "",
        None,
        source=elsewhere,
        author="bob",
        author_can_push=False,
        title="From afar",
    )
    expected["source"] = {"clone_url": bed.remote_url(elsewhere), "branch": "topic"}
    # Nobody's name stands on a commit that Pagure had not fetched when they acted.
    named = [by("bob", "opened", can_push=False)] if commit else []
    assert data.pop("requested_by", None) in [None, *named]
    assert data == expected


@pytest.mark.parametrize("way", ["comment", "button"])
def test_a_rebuild_is_asked_for(bed: Bed, hello: Desk, way: str) -> None:
    branch = f"again-by-{way}"
    commit = bed.push("alice", hello.project, branch, {"a.txt": way}, hooks=False)
    request = bed.open_pull_request(hello.project, branch)
    hello.of_pull_request(request)
    first = hello.target.requests[-1].build_id
    over = reports.report(commit, "failure", first, pull_request=request)
    applied(reports.send(bed.url, hello.project, hello.token, over))

    ask = bed.rebuild_by_comment if way == "comment" else bed.rebuild_by_button
    ask(bed.login("carol"), hello.project, request)

    _, data = hello.of_pull_request(request, 2)
    asker = by("carol", "rebuild", can_push=True)
    assert data == pull_request_build(hello, request, branch, commit, asker)
    assert hello.target.requests[-1].build_id > first


def test_a_push_of_a_commit(pushed: Pushed, tmp_path: Path) -> None:
    commit = pushed.commits["main"]
    (data,) = pushed.desk.of_commit(commit)
    assert data == commit_build(pushed.desk, commit, PUSHED, branch="main")
    assert data["project"]["namespace"] is None
    assert fetched(data, tmp_path) == commit


def test_a_push_of_a_new_branch(pushed: Pushed) -> None:
    commit = pushed.commits["fresh"]
    (data,) = pushed.desk.of_commit(commit)
    assert data == commit_build(pushed.desk, commit, PUSHED, branch="fresh")


def test_a_push_of_a_tag_with_a_new_commit(pushed: Pushed, tmp_path: Path) -> None:
    commit = pushed.commits["v1"]
    (data,) = pushed.desk.of_commit(commit)
    assert data == commit_build(pushed.desk, commit, PUSHED, tag="v1")
    assert fetched(data, tmp_path) == commit


@pytest.mark.parametrize("what", ["both", "both-tag"])
def test_a_tag_named_like_a_branch_is_taken_for_the_branch(pushed: Pushed, what: str) -> None:
    commit = pushed.commits[what]
    (data,) = pushed.desk.of_commit(commit)
    assert data["source"] == {
        "clone_url": clone_url(pushed.desk.bed, pushed.desk.project),
        "branch": "both",
        "commit": commit,
    }


@pytest.mark.parametrize("branch", ["topic", "rewritten"])
def test_a_push_to_a_pull_request_builds_the_commit_and_the_pull_request(pushed: Pushed, branch: str) -> None:
    commit, request = pushed.commits[branch], pushed.requests[branch]
    (alone,) = pushed.desk.of_commit(commit)
    assert alone == commit_build(pushed.desk, commit, PUSHED, branch=branch)
    (data,) = pushed.desk.of_pull_request(request)
    assert data == pull_request_build(pushed.desk, request, branch, commit, UPDATED)


def test_a_push_to_a_fork_builds_its_pull_request_alone(bed: Bed, hello: Desk, bobs_fork: Project) -> None:
    bed.push("bob", bobs_fork, "moving", {"m.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(hello.project, "moving", source=bobs_fork, user="bob")
    linked(bed, hello.project, request)
    hello.of_pull_request(request)
    commit = bed.push("bob", bobs_fork, "moving", {"m.txt": "2\n"})
    _, data = hello.of_pull_request(request, 2)
    stranger = by("bob", "updated", can_push=False)
    assert data == pull_request_build(
        hello, request, "moving", commit, stranger, source=bobs_fork, author="bob", author_can_push=False
    )
    assert not [data for data in hello.said() if data["event"] == "commit"]


def ask_with(bed: Bed, target: Target, project: Project, url: str, *credentials: str) -> Recorded:
    """The request that is sent with these settings."""
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    token = bed.set_ci(project, url, JOB, *credentials)
    bed.open_pull_request(project, "topic")
    (recorded,) = target.wait()
    said(recorded, token)
    return recorded


def test_an_update_that_pagure_finds_and_keeps_to_itself_is_built_once(bed: Bed, hello: Desk) -> None:
    """Pagure's look for tickets moves a pull request on; its update task then finds nothing new."""
    before = len(hello.target.requests)
    bed.push("alice", hello.project, "quiet", {"quiet.txt": "1\n"}, hooks=False)
    request = linked(bed, hello.project, bed.open_pull_request(hello.project, "quiet"))
    hello.target.wait(before + 1)
    newer = bed.push("alice", hello.project, "quiet", {"quiet.txt": "2\n"}, hooks=False)
    uid = bed.pull_request(hello.project, request)["uid"]
    alice = json.dumps(
        {"build_id": UPDATE_ID, "by": {"user": "alice", "reason": "updated", "at": AT, "commit": newer}}
    )

    look = Message("pagure.lib.tasks.link_pr_to_ticket", {"pr_uid": uid}, {"chela": alice})
    update = Message("pagure.lib.tasks.update_pull_request", {"pr_uid": uid, "username": "alice"})
    bed.publish(look, update)

    asked = hello.target.wait(before + 2)[-1].json["data"]
    assert asked["source"]["commit"] == newer
    assert (asked["requested_by"]["user"], asked["requested_by"]["can_push"]) == ("alice", True)


def test_without_a_user_name_a_request_is_signed_only(bed: Bed, target: Target, project: Project) -> None:
    recorded = ask_with(bed, target, project, f"{target.url}/hook?a=b%20c&d")
    assert (recorded.method, recorded.path) == ("POST", "/hook?a=b%20c&d")
    assert "authorization" not in recorded.headers
    assert recorded.headers["content-type"] == "application/json"
    version = re.search(r"chela_pagure-([^-]+)-", os.environ["CHELA_WHEEL"])
    assert version is not None
    assert recorded.headers["user-agent"] == f"chela/{version.group(1)}"


def test_with_a_user_name_a_request_uses_basic_authentication(
    bed: Bed, target: Target, project: Project
) -> None:
    recorded = ask_with(bed, target, project, address(target, project), "ci user", "pass:wörd")
    kind, _, text = recorded.headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(text).decode()) == ("Basic", "ci user:pass:wörd")


def test_a_sigv4_request_has_the_signature_that_botocore_makes(
    bed: Bed, target: Target, project: Project
) -> None:
    at = f"127.0.0.1:{target.port}/prod/{project.name}?b=2&a=1%2F2"
    url = f"http+sigv4://{at}#region=eu-west-3&service=execute-api"
    recorded = ask_with(bed, target, project, url, "AKIDEXAMPLE", "a/secret+key")
    assert recorded.path == at[at.index("/") :]
    signed = re.search(r"SignedHeaders=([^,]+)", recorded.headers["authorization"])
    assert signed is not None
    names = signed.group(1).split(";")
    assert {"host", "webhook-id", "webhook-timestamp", "webhook-signature"} <= set(names)
    assert recorded.headers["authorization"].endswith(f"Signature={sigv4(recorded, at, names)}")


def sigv4(recorded: Recorded, at: str, names: list[str]) -> str:
    """What botocore signs for a request as it arrived."""
    keys = botocore.credentials.Credentials("AKIDEXAMPLE", "a/secret+key")
    auth = botocore.auth.SigV4Auth(keys, "execute-api", "eu-west-3")
    headers = {name: recorded.headers[name] for name in names}
    request = botocore.awsrequest.AWSRequest("POST", f"http://{at}", headers=headers, data=recorded.body)
    request.context["timestamp"] = recorded.headers["x-amz-date"]
    canonical = auth.canonical_request(request)
    return str(auth.signature(auth.string_to_sign(request, canonical), request))
