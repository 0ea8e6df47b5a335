"""Which project's hook a build goes to, and when there is none to go to."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import (
    TRIGGER,
    Desk,
    Turnstile,
    address,
    desk,
    linked,
    project_member,
    push_trigger,
    rebuild_trigger,
    said,
    turnstile,
)
from chela_bed import Answer, Bed, Message, Project, Recorded, Reply, Role, Target
from chela_bed.scene import START
from conftest import NUMBERS, listening


@pytest.fixture(scope="module")
def way(bed: Bed) -> Iterator[Turnstile]:
    with turnstile(bed) as made:
        yield made


def jenkins(request: Recorded) -> Answer:
    """Answer as a Jenkins that wants no crumbs."""
    if "crumbIssuer" in request.path:
        return Reply(404)
    return Reply(201, {"Location": "http://127.0.0.1/queue/item/1/"})


def builds(target: Target) -> list[Recorded]:
    """The requests without Jenkins's preliminaries."""
    return [request for request in target.requests if "crumbIssuer" not in request.path]


@dataclass
class Side:
    """A project with its CI service, and everything that nobody else may learn."""

    project: Project
    owner: str
    target: Target
    token: str = ""

    def configure(self, bed: Bed, kind: str) -> None:
        url = address(self.target, self.project)
        self.target.otherwise = jenkins if kind == "jenkins" else Reply()
        self.token = bed.set_ci(
            self.project, url, "job", f"{self.owner}-ci", f"{self.owner}-word", user=self.owner, kind=kind
        )

    @property
    def secrets(self) -> list[str]:
        basic = base64.b64encode(f"{self.owner}-ci:{self.owner}-word".encode()).decode()
        return [self.token, f"{self.owner}-word", basic]


@dataclass
class Family:
    """Alice's project and bob's fork of it, each with a CI service of its own."""

    parent: Side
    fork: Side
    commit: str
    own: int
    from_fork: int
    from_parent: int

    def configure(self, bed: Bed, parent: str, fork: str) -> None:
        self.parent.configure(bed, parent)
        self.fork.configure(bed, fork)
        for side in (self.parent, self.fork):
            side.target.requests.clear()

    def check_secrets(self) -> None:
        """Fail if anything of one side reached the other."""
        for side, other in ((self.parent, self.fork), (self.fork, self.parent)):
            for request in other.target.requests:
                text = f"{request.path}{request.headers}{request.body!r}"
                assert not [secret for secret in side.secrets if secret in text]


@pytest.fixture(scope="module")
def family(bed: Bed) -> Iterator[Family]:
    parent = Project(f"family-{next(NUMBERS)}", "demo")
    bed.create_project(parent, "alice", START)
    fork = bed.fork(parent, "bob")
    bed.allow_pull_requests(fork)
    bed.push("alice", parent, "topic", {"a.txt": "1\n"}, hooks=False)
    commit = bed.push("bob", fork, "bobs", {"b.txt": "1\n"}, hooks=False)
    own = bed.open_pull_request(parent, "topic", title="Of the parent")
    from_parent = bed.open_pull_request(fork, "topic", source=parent, title="Into the fork")
    from_fork = bed.open_pull_request(parent, "bobs", source=fork, user="bob", title="Out of the fork")
    assert own == from_parent, "the test wants two pull requests with one number"
    with listening(bed) as one, listening(bed) as other:
        yield Family(
            Side(parent, "alice", one), Side(fork, "bob", other), commit, own, from_fork, from_parent
        )


def test_jenkins_is_triggered_as_before(bed: Bed, project: Project, target: Target, way: Turnstile) -> None:
    target.otherwise = jenkins
    commit = bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    token = bed.set_ci(project, f"{target.url}/{project.name}", "job", "user", "word", kind="jenkins")
    request = bed.open_pull_request(project, "topic")
    way.settle(push_trigger(project, commit, "topic", "jenkins"))
    parameters = {"REPO": [f"{bed.git_url}/{project.fullname}.git"], "BRANCH": ["topic"], "token": [token]}
    opened, pushed = builds(target)
    for build, cause, into in ((opened, str(request), ["main"]), (pushed, commit, ["None"])):
        parts = urlsplit(build.path)
        assert parts.path == f"/{project.name}/job/job/buildWithParameters"
        sent = parse_qs(parts.query) | parse_qs(build.body.decode())
        assert sent == parameters | {"cause": [cause], "BRANCH_TO": into}
        assert build.headers["authorization"] == f"Basic {base64.b64encode(b'user:word').decode()}"


class TestMixedHooks:
    """A fork with a hook of its own, of another type than its parent's."""

    def test_a_webhook_fork_of_a_jenkins_project_uses_its_own_hook_alone(
        self, bed: Bed, family: Family, way: Turnstile
    ) -> None:
        family.configure(bed, parent="jenkins", fork="webhook")
        way.settle(push_trigger(family.fork.project, family.commit, "bobs"))
        (recorded,) = family.fork.target.requests
        data = said(recorded, family.fork.token)
        assert data["project"] == project_member(bed, family.fork.project)
        assert data["project"]["username"] == "bob"
        assert data["report_url"].endswith(f"/api/0/ci/webhook/{family.fork.project.fullname}")
        assert family.parent.target.requests == []
        family.check_secrets()

    def test_a_pull_request_into_a_webhook_fork_is_the_forks_own_not_the_parents_of_that_number(
        self, bed: Bed, family: Family, way: Turnstile
    ) -> None:
        family.configure(bed, parent="jenkins", fork="webhook")
        way.settle(rebuild_trigger(bed, family.fork.project, family.from_parent))
        (recorded,) = family.fork.target.requests
        data = said(recorded, family.fork.token)
        assert data["pull_request"]["title"] == "Into the fork"
        assert data["pull_request"]["url"].endswith(f"/fork/bob/{family.parent.project.base}/pull-request/1")
        assert data["pull_request"]["from_fork"] is True
        assert data["source"]["clone_url"] == f"{bed.git_url}/{family.parent.project.fullname}.git"
        assert data["project"]["fullname"] == family.fork.project.fullname
        assert family.parent.target.requests == []
        family.check_secrets()

    def test_a_pull_request_of_a_webhook_fork_triggers_the_jenkins_it_is_for(
        self, bed: Bed, family: Family, way: Turnstile
    ) -> None:
        family.configure(bed, parent="jenkins", fork="webhook")
        way.settle(rebuild_trigger(bed, family.parent.project, family.from_fork, "jenkins"))
        (build,) = builds(family.parent.target)
        assert family.parent.token in build.path
        assert family.fork.target.requests == []
        family.check_secrets()

    def test_a_jenkins_fork_of_a_webhook_project_learns_nothing_and_tells_nothing(
        self, bed: Bed, family: Family, way: Turnstile
    ) -> None:
        family.configure(bed, parent="webhook", fork="jenkins")
        way.settle(
            push_trigger(family.fork.project, family.commit, "bobs", "jenkins"),
            rebuild_trigger(bed, family.fork.project, family.from_parent, "jenkins"),
        )
        assert family.parent.target.requests == []
        assert family.fork.target.requests == []

    def test_a_pull_request_of_a_jenkins_fork_is_built_by_the_project_it_is_for(
        self, bed: Bed, family: Family, way: Turnstile
    ) -> None:
        family.configure(bed, parent="webhook", fork="jenkins")
        way.settle(rebuild_trigger(bed, family.parent.project, family.from_fork))
        (recorded,) = family.parent.target.requests
        data = said(recorded, family.parent.token)
        assert data["pull_request"]["title"] == "Out of the fork"
        assert family.fork.target.requests == []
        family.check_secrets()

    def test_a_pull_request_into_a_jenkins_fork_does_not_go_to_the_parents_jenkins(
        self, bed: Bed, family: Family, way: Turnstile
    ) -> None:
        family.configure(bed, parent="jenkins", fork="jenkins")
        way.settle(rebuild_trigger(bed, family.fork.project, family.from_parent, "jenkins"))
        assert builds(family.parent.target) == []
        assert builds(family.fork.target) == []


@pytest.fixture(scope="module")
def quiet(bed: Bed) -> Iterator[Desk]:
    """A project with a pull request that nothing was asked for yet."""
    project = Project(f"quiet-{next(NUMBERS)}", "demo")
    bed.create_project(project, "alice", START)
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    linked(bed, project, bed.open_pull_request(project, "topic"))
    with desk(bed, project) as made:
        yield made


@pytest.fixture(scope="module")
def trigger(bed: Bed, quiet: Desk) -> Message:
    return rebuild_trigger(bed, quiet.project, 1)


class TestNothingIsSent:
    """A pull request or a push that nothing is sent for."""

    @pytest.mark.parametrize(
        ("table", "change", "back"),
        [
            ("hook_pagure_ci", "active_pr = false", "active_pr = true"),
            ("hook_pagure_ci", "ci_job = ' '", "ci_job = 'local/test'"),
            ("hook_pagure_ci", "ci_url = 'http://10.0.0.1/'", "ci_url = :url"),
            ("projects", "private = true", "private = false"),
        ],
    )
    def test_for_a_pull_request_while(
        self, bed: Bed, quiet: Desk, trigger: Message, way: Turnstile, table: str, change: str, back: str
    ) -> None:
        key = "id" if table == "projects" else "project_id"
        known = {"id": bed.project_id(quiet.project), "url": address(quiet.target, quiet.project)}
        bed.sql(f"UPDATE {table} SET {change} WHERE {key} = :id", id=known["id"])
        try:
            way.settle(trigger)
        finally:
            used = {name: value for name, value in known.items() if f":{name}" in f"{back} :id"}
            bed.sql(f"UPDATE {table} SET {back} WHERE {key} = :id", **used)
        assert quiet.target.requests == []

    def test_for_a_push_while_commits_are_not_built(self, bed: Bed, quiet: Desk, way: Turnstile) -> None:
        head = bed.work_tree(quiet.project).head("main")
        bed.set_ci(quiet.project, address(quiet.target, quiet.project), on_commits=False)
        way.settle(push_trigger(quiet.project, head))
        assert quiet.target.requests == []

    def test_for_a_click_on_a_private_project(self, bed: Bed, quiet: Desk, way: Turnstile) -> None:
        project = bed.project_id(quiet.project)
        bed.sql("UPDATE projects SET private = true WHERE id = :id", id=project)
        try:
            bed.rebuild_by_button(bed.login("alice"), quiet.project, 1)
            way.settle()
        finally:
            bed.sql("UPDATE projects SET private = false WHERE id = :id", id=project)
        assert quiet.target.requests == []

    def test_unless_nothing_stands_against_it(self, quiet: Desk, trigger: Message, way: Turnstile) -> None:
        way.settle(trigger)
        assert len(quiet.target.requests) == 1
        quiet.target.requests.clear()

    def test_after_the_hook_was_removed_by_the_api(
        self, bed: Bed, quiet: Desk, trigger: Message, way: Turnstile
    ) -> None:
        bed.remove_ci(quiet.project)
        hook = bed.ci_hook(quiet.project)
        assert hook is not None and hook["pagure_ci_token"] is None
        way.settle(trigger)
        assert quiet.target.requests == []

    def test_for_a_click_on_a_closed_pull_request(
        self, bed: Bed, quiet: Desk, trigger: Message, way: Turnstile
    ) -> None:
        bed.set_ci(quiet.project, address(quiet.target, quiet.project))
        bed.api("alice").post(f"{quiet.project.web}/pull-request/1/close")
        bed.rebuild_by_button(bed.login("bob"), quiet.project, 1)
        way.settle(trigger)
        assert quiet.target.requests == []


@pytest.fixture(scope="module")
def early(bed: Bed) -> Iterator[Desk]:
    project = Project(f"early-{next(NUMBERS)}", "demo")
    bed.create_project(project, "alice", START)
    bed.push("alice", project, "topic", {"a.txt": "1\n"}, hooks=False)
    linked(bed, project, bed.open_pull_request(project, "topic"))
    with desk(bed, project) as made:
        yield made


class TestTooEarly:
    """A trigger that arrives before its pull request is in the database."""

    def test_is_given_up_if_it_never_comes(self, bed: Bed, way: Turnstile, early: Desk) -> None:
        uid = uuid.uuid4().hex
        carried = {"build_id": "01a20563-e1af-74a8-8c6f-0e4f6d0bd8a1", "looks": 7}
        way.settle(replace(unknown(uid), headers={"chela": json.dumps(carried)}))
        # Whoever still looked would find it now.
        appear(bed, early, uid)
        way.settle()
        assert f"Nothing is built: there is still no pull request {uid}" in bed.log(Role.CI_WORKER)
        assert early.target.requests == []

    def test_is_built_once_it_is_there(self, bed: Bed, way: Turnstile, early: Desk) -> None:
        uid = uuid.uuid4().hex
        way.settle(unknown(uid))
        assert early.target.requests == []
        appear(bed, early, uid)
        (recorded,) = early.target.wait()
        assert said(recorded, early.token)["pull_request"]["id"] == 1


def unknown(uid: str) -> Message:
    """The trigger of a pull request that is not there yet."""
    arguments = {"pr_uid": uid, "cause": 1, "ci_type": "webhook"}
    return Message(TRIGGER, arguments | {"branch": "topic", "branch_to": "main"})


def appear(bed: Bed, early: Desk, uid: str) -> None:
    """Let the project's pull request be the one with this uid."""
    statement = "UPDATE pull_requests SET uid = :uid WHERE project_id = :id"
    bed.sql(statement, uid=uid, id=bed.project_id(early.project))
