"""The bed itself: what the other tests stand on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests
from chela_bed import ApiError, Bed, Options, Project, Role, wait_for
from chela_bed.database import Engine
from chela_bed.scene import Scene, open_pull_requests
from conftest import make_bed, wheel


def test_a_pushed_commit_can_be_cloned_over_http(bed: Bed, project: Project, tmp_path: Path) -> None:
    commit = bed.push("alice", project, "topic", {"news.txt": "new\n"}, hooks=False)
    clone = ["git", "clone", "--quiet", "--branch", "topic", f"{bed.git_url}/{project.fullname}.git"]
    subprocess.run([*clone, str(tmp_path / "clone")], check=True)
    head = (tmp_path / "clone/.git/refs/heads/topic").read_text().strip()
    assert head == commit


def test_nobody_can_push_over_http(bed: Bed, project: Project) -> None:
    asked = f"{bed.git_url}/{project.fullname}.git/info/refs?service=git-receive-pack"
    assert requests.get(asked, timeout=30).status_code == 403


def test_pull_requests_open_from_the_project_and_from_a_fork(bed: Bed, scene: Scene) -> None:
    opened = open_pull_requests(bed, scene)
    assert bed.pull_request(scene.project, opened.same_project)["project"]["fullname"] == "demo/hello"
    origin = bed.pull_request(scene.project, opened.from_fork)["repo_from"]
    assert origin["fullname"] == "forks/bob/demo/hello"


def test_a_pull_request_opens_from_a_remote_repository(bed: Bed, project: Project, scene: Scene) -> None:
    request = bed.open_remote_pull_request(bed.login("bob"), scene.project, project, "main")
    opened = bed.pull_request(scene.project, request)
    assert opened["remote_git"] == bed.remote_url(project)
    assert opened["user"]["name"] == "bob"


def test_a_push_moves_the_pull_request_of_its_branch(bed: Bed, project: Project) -> None:
    first = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic")
    wait_for(lambda: bed.pull_request(project, request)["commit_stop"] == first, what="the first head")
    second = bed.push("alice", project, "topic", {"a.txt": "2\n"})
    wait_for(lambda: bed.pull_request(project, request)["commit_stop"] == second, what="the second head")


def test_only_those_with_commit_rights_push(bed: Bed, project: Project) -> None:
    bed.add_committer(project, "carol")
    bed.push("carol", project, "carols", {"a.txt": "c\n"})
    with pytest.raises(RuntimeError, match="Denied push for ref 'refs/heads/bobs' for user 'bob'"):
        bed.push("bob", project, "bobs", {"a.txt": "b\n"})


def test_people_comment_on_the_page(bed: Bed, project: Project) -> None:
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    request = bed.open_pull_request(project, "topic")
    bed.comment(bed.login("bob"), project, request, "Looks good")
    comments = bed.pull_request(project, request)["comments"]
    assert [(comment["user"]["name"], comment["comment"]) for comment in comments] == [("bob", "Looks good")]


def test_a_killed_worker_is_replaced_and_does_what_waits(bed: Bed, project: Project) -> None:
    bed.kill(Role.CORE_WORKER)
    asked = bed.api("bob").post("fork", {"repo": project.name, "namespace": "demo", "wait": ""})
    assert "taskid" in asked
    bed.start(Role.CORE_WORKER)
    fork = project.fork("bob")
    wait_for(lambda: bed.repository(fork).exists(), what="bob's fork")
    wait_for(lambda: bed.api(None).get(fork.web)["name"] == project.name, what="bob's fork in the API")


def test_the_api_names_what_is_wrong(bed: Bed) -> None:
    with pytest.raises(ApiError, match="Project not found"):
        bed.api().get("demo/nothing")


@pytest.mark.parametrize("engine", [Engine.SQLITE, Engine.MARIADB])
def test_pagure_comes_up_on_the_other_databases_and_goes_down_again(engine: Engine) -> None:
    options = Options(wheel(), name=f"e2e-{engine.value}", database=engine)
    with make_bed(options) as bed:
        bed.create_project(Project("hello", "demo"))
        assert bed.sql("SELECT name FROM projects") == [{"name": "hello"}]
        assert all(bed.running().values())
    assert not any(bed.running().values())
