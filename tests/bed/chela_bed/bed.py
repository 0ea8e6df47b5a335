"""What people do on a Pagure: projects, pushes, pull requests, comments, CI settings."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from chela_bed.client import Session
from chela_bed.config import OUTSIDE
from chela_bed.machine import Machine
from chela_bed.project import Project
from chela_bed.waiting import wait_for

CI = "settings/Pagure CI"
REBUILD = "pretty please pagure-ci rebuild"

Files = Mapping[str, str | None]


@dataclass(frozen=True)
class Message:
    """A message for one of Pagure's workers."""

    task: str
    arguments: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Bed(Machine):
    """A Pagure and its users' hands."""

    def create_project(self, project: Project, user: str = "alice", files: Files | None = None) -> str:
        """Make a project with one commit on `main`, unnoticed by CI; the commit."""
        fields = {"name": project.name, "description": "A project of the test bed"}
        if project.namespace:
            fields["namespace"] = project.namespace
        self.api(user).post("new", fields)
        self._quicken(project)
        tree = self.work_tree(project)
        commit = tree.commit("main", files or {"README.md": f"# {project.name}\n"}, message="Begin")
        tree.push(user, "main", hooks=False)
        return commit

    def fork(self, project: Project, user: str) -> Project:
        """Fork a project."""
        fields = {"repo": project.name}
        if project.namespace:
            fields["namespace"] = project.namespace
        self.api(user).post("fork", fields)
        self._quicken(project.fork(user))
        return project.fork(user)

    def _quicken(self, project: Project) -> None:
        """Pagure keeps pull requests in a git repository beside the project's, whose hooks start three
        Pythons for each change and then do nothing: seconds that a test need not spend."""
        aside = self.folder.repositories / "requests" / f"{project.fullname}.git" / "hooks"
        shutil.rmtree(aside, ignore_errors=True)

    def add_committer(self, project: Project, name: str, user: str = "alice") -> None:
        """Let somebody push to a project without owning it."""
        self.api(user).post(
            f"{project.web}/git/modifyacls", {"user_type": "user", "name": name, "acl": "commit"}
        )

    def add_collaborator(self, session: Session, project: Project, name: str, branches: str) -> None:
        """Let somebody push to some branches of a project only, on its settings page."""
        fields = {"user": name, "access": "collaborator", "branches": branches}
        session.submit(f"/{project.web}/adduser", fields)

    def allow_pull_requests(self, fork: Project) -> None:
        """Switch pull requests on, which a fork comes without."""
        self.api(fork.fork_owner).call("POST", f"{fork.web}/options/update", json={"pull_requests": True})

    def push(
        self,
        user: str,
        project: Project,
        branch: str,
        files: Files,
        *,
        start: str | None = None,
        message: str = "Change something",
        force: bool = False,
        hooks: bool = True,
    ) -> str:
        """Commit files on a branch (new ones begin at `start`, else at main) and push it; the commit."""
        tree = self.work_tree(project)
        commit = tree.commit(branch, files, start=start, message=message)
        tree.push(user, branch, force=force, hooks=hooks)
        return commit

    def set_ci(
        self,
        project: Project,
        url: str,
        job: str = "local/test",
        username: str | None = None,
        password: str | None = None,
        *,
        user: str = "alice",
        kind: str = "webhook",
        on_pull_requests: bool = True,
        on_commits: bool = True,
    ) -> str:
        """Switch a project's CI on through the API, as its owner; the project's CI token."""
        fields = {"ci_type": kind, "ci_url": url, "ci_job": job}
        fields |= {"ci_username": username} if username is not None else {}
        fields |= {"ci_password": password} if password is not None else {}
        fields |= {"active_pr": "y"} if on_pull_requests else {}
        fields |= {"active_commit": "y"} if on_commits else {}
        self.api(user).post(f"{project.web}/{CI}/install", fields)
        token = self.ci_token(project)
        assert token, "Pagure stored no CI token for the project"
        return token

    def fill_in_ci(self, session: Session, project: Project, **fields: str) -> requests.Response:
        """Send the settings page's form; the page that comes back."""
        return session.submit(f"/{project.web}/{CI}", fields)

    def remove_ci(self, project: Project, user: str = "alice") -> None:
        """Switch a project's CI off through the API."""
        self.api(user).post(f"{project.web}/{CI}/remove")

    def ci_token(self, project: Project) -> str | None:
        """The secret that both sides sign with; None without CI."""
        row = self.ci_hook(project)
        return row["pagure_ci_token"] if row else None

    def ci_hook(self, project: Project) -> dict[str, Any] | None:
        """The row of a project's CI settings."""
        rows = self.sql(
            "SELECT hook_pagure_ci.* FROM hook_pagure_ci WHERE project_id = :project_id",
            project_id=self.project_id(project),
        )
        return rows[0] if rows else None

    def project_id(self, project: Project) -> int:
        """Pagure's number for a project."""
        return int(self.api(None).get(project.web)["id"])

    def open_pull_request(
        self,
        project: Project,
        branch: str,
        *,
        source: Project | None = None,
        user: str = "alice",
        into: str = "main",
        title: str = "Please take this",
    ) -> int:
        """Open a pull request from the project itself, or from the fork `source`; its id."""
        fields = {"title": title, "branch_from": branch, "branch_to": into, "initial_comment": "Ready."}
        if source is not None:
            fields |= {"repo_from": source.name}
            fields |= {"repo_from_username": source.fork_owner} if source.fork_owner else {}
            fields |= {"repo_from_namespace": source.namespace} if source.namespace else {}
        opened = self.api(user).post(f"{project.web}/pull-request/new", fields)
        return int(opened["id"])

    def open_remote_pull_request(
        self,
        session: Session,
        project: Project,
        source: Project,
        branch: str,
        *,
        into: str = "main",
        title: str = "From afar",
    ) -> int:
        """Open a pull request from `source` as if that lay on another host, on the page; its id."""
        page = f"/{project.web}/diff/remote"
        fields = {"git_repo": self.remote_url(source), "branch_from": branch, "branch_to": into}
        fields |= {"title": title, "confirm": "1"}
        answer = session.submit(page, fields)

        # The page answers with a form that its script sends again until the repository is fetched.
        def opened() -> int | None:
            nonlocal answer
            found = re.search(r"/pull-request/(\d+)$", answer.url)
            if found:
                return int(found.group(1))
            task = re.search(r'name="taskid" value="([^"]+)"', answer.text)
            if task:
                answer = session.submit(page, {**fields, "taskid": task.group(1)})
            return None

        return wait_for(opened, 30, "the fetch of a remote repository")

    def remote_url(self, project: Project) -> str:
        """An address from outside for a repository of the bed; Pagure takes no remote one on loopback."""
        return f"{OUTSIDE}{project.fullname}.git"

    def comment(self, session: Session, project: Project, request: int, text: str) -> None:
        """Comment on a pull request on its page."""
        page = f"/{project.web}/pull-request/{request}"
        session.submit(page, {"comment": text, "requestid": str(request)}, action=f"{page}/comment")

    def rebuild_by_comment(self, session: Session, project: Project, request: int) -> None:
        """Ask for a rebuild in a comment."""
        self.comment(session, project, request, REBUILD)

    def rebuild_by_button(self, session: Session, project: Project, request: int) -> None:
        """Ask for a rebuild with the page's button."""
        page = f"/{project.web}/pull-request/{request}"
        session.submit(page, {"comment": REBUILD}, action=f"{page}/trigger-ci")

    def pull_request(self, project: Project, request: int) -> dict[str, Any]:
        """What the API says of a pull request."""
        answer: dict[str, Any] = self.api(None).get(f"{project.web}/pull-request/{request}")
        return answer

    def flags(self, project: Project, commit: str) -> list[dict[str, Any]]:
        """The flags of a commit, newest first."""
        answer = self.api(None).get(f"{project.web}/c/{commit}/flag")
        flags: list[dict[str, Any]] = answer["flags"]
        return flags

    def pull_request_flags(self, project: Project, request: int) -> list[dict[str, Any]]:
        """The flags that the pull request's page shows."""
        answer = self.api(None).get(f"{project.web}/pull-request/{request}/flag")
        flags: list[dict[str, Any]] = answer["flags"]
        return flags

    def publish(self, *messages: Message) -> None:
        """Hand messages to the workers, as if Pagure had published them."""
        listed = [(message.task, message.arguments, message.headers) for message in messages]
        self._inside("publish", json.dumps(listed))
