"""Who may point a project's CI where, and what nobody gets to see."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from asking import JOB, address
from chela_bed import ApiError, Bed, Project, Role, Target

CI = "settings/Pagure CI"
PASSWORD = "a word that nobody sees"


@pytest.fixture
def configured(bed: Bed, project: Project, target: Target) -> Project:
    """A project whose CI has a user name and a password."""
    bed.set_ci(project, address(target, project), JOB, "the-ci-user", PASSWORD)
    return project


def refused(answer: Any) -> Any:
    """What the API says of a bad field."""
    assert (answer.value.status, json.loads(answer.value.text)["error_code"]) == (400, "EINVALIDREQ")
    return json.loads(answer.value.text)["errors"]


def test_only_the_projects_administrators_configure_its_ci(bed: Bed, configured: Project) -> None:
    bed.add_committer(configured, "carol")
    before = bed.ci_hook(configured)
    for user in ("bob", "carol"):
        with pytest.raises(ApiError, match=r"403.*Only administrators of the project may configure its CI"):
            bed.set_ci(configured, "https://ci.example.org/mine", user=user)
        with pytest.raises(ApiError, match=r"403.*Only administrators of the project may configure its CI"):
            bed.remove_ci(configured, user=user)
        assert bed.ci_hook(configured) == before

    fields = {"user_type": "user", "name": "carol", "acl": "admin"}
    bed.api("alice").post(f"{configured.web}/git/modifyacls", fields)
    bed.set_ci(configured, "https://ci.example.org/hers", "job", "", user="carol")
    hook = bed.ci_hook(configured)
    assert hook is not None and hook["ci_url"] == "https://ci.example.org/hers"
    bed.remove_ci(configured, user="carol")
    assert bed.ci_token(configured) is None


def test_other_hooks_of_a_project_are_none_of_our_business(bed: Bed, project: Project) -> None:
    answer = bed.api("bob").request(
        "POST", f"{project.web}/settings/Mail/install", data={"mail_to": "bob@example.org"}
    )
    assert "administrators" not in answer.text


@contextlib.contextmanager
def with_line(bed: Bed, line: str) -> Iterator[None]:
    """The web process with one more line in its configuration."""
    text = bed.folder.config.read_text()
    bed.folder.config.write_text(f"{text}\n{line}\n")
    try:
        bed.restart(Role.WEB)
        yield
    finally:
        bed.folder.config.write_text(text)
        bed.restart(Role.WEB)


def test_an_administrator_of_the_forge_can_leave_the_settings_to_the_page(
    bed: Bed, configured: Project
) -> None:
    before = bed.ci_hook(configured)
    with with_line(bed, "CHELA_SETTINGS_API = False"):
        with pytest.raises(ApiError, match=r"403.*CHELA_SETTINGS_API is off"):
            bed.set_ci(configured, "https://ci.example.org/")
        with pytest.raises(ApiError, match=r"403.*CHELA_SETTINGS_API is off"):
            bed.remove_ci(configured)
        assert bed.ci_hook(configured) == before
        fields = {"ci_type": "webhook", "ci_url": "https://ci.example.org/", "ci_job": "paged"}
        bed.fill_in_ci(bed.login("alice"), configured, **fields, ci_username="", active_pr="y")
        hook = bed.ci_hook(configured)
        assert hook is not None and hook["ci_job"] == "paged"


def test_no_answer_of_the_api_shows_the_user_name_or_the_password(bed: Bed, configured: Project) -> None:
    answers = [bed.api(user).get(f"{configured.web}/settings/plugins") for user in ("alice", "bob", None)]
    hook = bed.ci_hook(configured)
    assert hook is not None and hook["ci_password"] == PASSWORD
    again = {"ci_type": "webhook", "ci_url": hook["ci_url"], "ci_job": JOB, "active_pr": "y"}
    install = {**again, "ci_username": "the-ci-user", "ci_password": PASSWORD}
    answers.append(bed.api("alice").post(f"{configured.web}/{CI}/install", install))
    answers.append(bed.api("alice").post(f"{configured.web}/{CI}/remove"))
    answers.append(bed.api(None).get("_plugins"))
    for answer in answers:
        text = json.dumps(answer)
        assert "ci_url" in text
        assert not [
            word
            for word in ("the-ci-user", PASSWORD, "ci_username", "ci_password", hook["pagure_ci_token"])
            if word in text
        ]


def test_the_page_shows_administrators_the_user_name_but_never_the_password(
    bed: Bed, configured: Project
) -> None:
    page = bed.login("alice").page(f"{configured.web}/{CI}")
    assert "the-ci-user" in page
    assert 'name="ci_password"' in page
    assert PASSWORD not in page
    with pytest.raises(ApiError, match="403"):
        bed.login("bob").page(f"{configured.web}/{CI}")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("ci_url", "ftp://ci.example.org/", "https"),
        ("ci_url", "https://user:word@ci.example.org/", "user name"),
        ("ci_url", "http://ci.example.org/", "CHELA_ALLOW_HTTP"),
        ("ci_url", "https+sigv4://ci.example.org/", "region"),
        ("ci_url", "nonsense", ""),
        ("ci_job", "x" * 300, ""),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_its_field_and_the_reason(
    bed: Bed, configured: Project, target: Target, field: str, value: str, reason: str
) -> None:
    before = bed.ci_hook(configured)
    fields = {"ci_type": "webhook", "ci_url": address(target, configured), "ci_job": JOB, "active_pr": "y"}
    with pytest.raises(ApiError) as answer:
        bed.api("alice").post(f"{configured.web}/{CI}/install", {**fields, field: value, "ci_password": "w"})
    errors = refused(answer)
    assert list(errors) == [field]
    assert reason in " ".join(errors[field])
    assert bed.ci_hook(configured) == before


class TestAnotherAddress:
    """The stored password belongs to the address that it was typed for."""

    AGAIN = "The address is another one: type its password again."

    def install(self, bed: Bed, project: Project, **fields: str) -> None:
        bed.api("alice").post(f"{project.web}/{CI}/install", {"ci_job": JOB, **fields})

    def password(self, bed: Bed, project: Project) -> str | None:
        hook = bed.ci_hook(project)
        assert hook is not None
        password: str | None = hook["ci_password"]
        return password

    @pytest.mark.parametrize(
        "url",
        [
            "https://elsewhere.example.org/",
            "https://127.0.0.1/",
            "http+sigv4://127.0.0.1/#region=eu-west-3&service=execute-api",
        ],
    )
    def test_keeps_the_password_from_another_origin(self, bed: Bed, configured: Project, url: str) -> None:
        with pytest.raises(ApiError) as answer:
            self.install(bed, configured, ci_type="webhook", ci_url=url, active_pr="y")
        assert refused(answer) == {"ci_password": [self.AGAIN]}
        assert self.password(bed, configured) == PASSWORD

    @pytest.mark.parametrize("detour", [{"ci_type": "webhook"}, {"ci_type": "jenkins", "active_pr": "y"}])
    def test_keeps_it_on_a_detour_too(self, bed: Bed, configured: Project, detour: dict[str, str]) -> None:
        with pytest.raises(ApiError) as answer:
            self.install(bed, configured, ci_url="https://elsewhere.example.org/", **detour)
        assert refused(answer) == {"ci_password": [self.AGAIN]}

    def test_takes_another_path_a_new_password_or_no_user_name(
        self, bed: Bed, configured: Project, target: Target
    ) -> None:
        common = {"ci_type": "webhook", "active_pr": "y"}
        self.install(bed, configured, ci_url=f"{target.url}/another/path", **common)
        assert self.password(bed, configured) == PASSWORD
        self.install(bed, configured, ci_url="https://new.example.org/", ci_password="new", **common)
        assert self.password(bed, configured) == "new"
        self.install(bed, configured, ci_url="https://newer.example.org/", ci_username="", **common)
        assert self.password(bed, configured) is None
