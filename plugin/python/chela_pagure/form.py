"""The settings page: user name and password, a check of what is filled in, and "send a test"."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import flask
import pagure.api.plugins
import pagure.utils
import wtforms
from flask_wtf import FlaskForm
from pagure.decorators import is_repo_admin
from pagure.hooks.pagure_ci import PagureCi, PagureCiForm
from wtforms.widgets import PasswordInput

from chela_pagure import _core, hooks, limits
from chela_pagure.settings import CI_TYPE

_FIELDS = ["ci_type", "ci_url", "ci_username", "ci_password", "ci_job"]
_SECRET_FIELDS = ["ci_username", "ci_password"]
_TEST_RULES = (
    "/<repo>/settings/ci/test",
    "/<namespace>/<repo>/settings/ci/test",
    "/fork/<username>/<repo>/settings/ci/test",
    "/fork/<username>/<namespace>/<repo>/settings/ci/test",
)


class _Kept(wtforms.StringField):  # type: ignore[misc]
    """A password that a page can set but never shows; empty keeps what is stored."""

    widget = PasswordInput(hide_value=True)

    @property
    def typed(self) -> bool:
        """Whether a new one was sent: without one, `data` is what is stored."""
        return bool(self.raw_data and self.raw_data[0])

    def populate_obj(self, obj: Any, name: str) -> None:
        """Store what was typed. Without a user name there is nothing to keep a password for."""
        if not obj.ci_username:
            setattr(obj, name, None)
        elif self.data:
            setattr(obj, name, self.data)


class _Stored(NamedTuple):
    """What a form was made with."""

    ci_type: str | None
    url: str | None
    password: str | None


class _Confirm(FlaskForm):  # type: ignore[misc]
    """Nothing but the CSRF token."""


def install() -> None:
    """Extend Pagure's form; no API shows the two new fields."""
    PagureCiForm.ci_password = _Kept(
        "Password to authenticate with if needed",
        [wtforms.validators.Optional(), wtforms.validators.Length(max=255)],
        description="Never shown; leave it empty to keep the stored one",
        render_kw={"autocomplete": "new-password", "placeholder": "empty keeps the stored one"},
    )
    rest = [field for field in PagureCi.form_fields if field not in _FIELDS]
    PagureCi.form_fields = [*_FIELDS, *rest]
    ignored = pagure.api.plugins.IGNORED_FIELDS
    ignored.extend(field for field in _SECRET_FIELDS if field not in ignored)
    PagureCi.extra_info = Path(__file__).with_name("settings.html").read_text(encoding="utf-8")
    original = PagureCiForm.validate

    def validate(self: Any, *args: Any, **kwargs: Any) -> bool:
        valid = bool(original(self, *args, **kwargs))
        return _validate(self) and valid

    PagureCiForm.validate = validate
    _remember_stored_values()


def _remember_stored_values() -> None:
    """Keep the row with which a form was made: its password belongs to its address."""
    original = PagureCiForm.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        stored = kwargs.get("obj")
        names = ("ci_type", "ci_url", "ci_password")
        self.stored = _Stored(*(getattr(stored, name, None) for name in names))
        original(self, *args, **kwargs)

    PagureCiForm.__init__ = init


def _validate(form: Any) -> bool:
    for name in ("ci_url", "ci_job", "ci_username"):
        if form[name].data:
            form[name].data = form[name].data.strip()
    if _keeps_password_for_another_address(form):
        return _refuse(form, "ci_password", "The address is another one: type its password again.")
    if _keeps_password_for_another_type(form):
        return _refuse(form, "ci_password", "The type is another one: type the password again.")
    if form.ci_type.data != CI_TYPE or not (form.active_pr.data or form.active_commit.data):
        return True
    password = form.ci_password.data or form.stored.password
    found = _core.check_settings(
        form.ci_url.data or "",
        form.ci_username.data or None,
        password or None,
        form.ci_job.data or "",
        limits.policy(),
    )
    return found is None or _refuse(form, *found)


def _keeps_password_for_another_address(form: Any) -> bool:
    """Else whoever may change the address could have the stored password sent to another.

    On a detour too: switched off, or with another type of CI, an address is stored all the same.
    """
    stored = form.stored
    if CI_TYPE not in (stored.ci_type, form.ci_type.data):
        return False
    return _keeps_password(form) and _origin(stored.url) != _origin(form.ci_url.data)


def _keeps_password_for_another_type(form: Any) -> bool:
    """Else the detour would have two steps: Jenkins's type first, whose address may change."""
    types = (form.stored.ci_type, form.ci_type.data)
    return _keeps_password(form) and CI_TYPE in types and types[0] != types[1]


def _keeps_password(form: Any) -> bool:
    stays = form.active.data or form.active_pr.data or form.active_commit.data
    return bool(
        stays and form.ci_username.data and form.stored.password and not form.ci_password.typed
    )


def _refuse(form: Any, field: str, reason: str) -> bool:
    form[field].errors = [*form[field].errors, reason]
    return False


def _origin(url: str | None) -> tuple[str, str]:
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return ("", "")
    return (parts.scheme, parts.netloc)


def add_routes(blueprint: flask.Blueprint) -> None:
    """Add the page behind "send a test"."""
    for rule in _TEST_RULES:
        blueprint.add_url_rule(rule, endpoint="send_test", view_func=_send_test, methods=["POST"])


@pagure.utils.login_required  # type: ignore[untyped-decorator]
@is_repo_admin  # type: ignore[untyped-decorator]
def _send_test(repo: str, username: str | None = None, namespace: str | None = None) -> Any:
    """Send a test with the stored settings and say what came back."""
    session, project = flask.g.session, flask.g.repo
    if not _Confirm().validate_on_submit():
        flask.abort(400, description="The page is too old: load it again and repeat the test")
    project_id, fullname = project.id, project.fullname
    hook = hooks.of_project(session, project_id)
    unusable = hooks.unusable(project, hook, for_pull_request=bool(hook and hook.active_pr))
    if unusable or hook is None:
        flask.flash(f"No test was sent: {unusable}", "error")
    else:
        settings = {
            "ci_url": hook.ci_url,
            "username": hook.ci_username or None,
            "password": hook.ci_password or None,
            "token": hook.pagure_ci_token,
            "job": hook.ci_job or "",
        }
        # No transaction stays open while the CI service takes its time.
        session.rollback()
        taken, said = _core.send_test(project=fullname, policy=limits.policy(), **settings)
        flask.flash(said, "message" if taken else "error")
    page = flask.url_for(
        "ui_ns.view_plugin", repo=repo, username=username, namespace=namespace, plugin="Pagure CI"
    )
    return flask.redirect(page)
