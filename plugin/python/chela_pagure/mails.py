"""Error mails: Pagure puts the posted form into them, and with it a password."""

from __future__ import annotations

from typing import Any

from pagure.mail_logging import ContextInjector

_MASK = "Was present, is cleaned up"
_installed = False


def install() -> None:
    """Mask the password of a settings page, as Pagure masks its CSRF token."""
    global _installed  # noqa: PLW0603
    if _installed:
        return
    _installed = True
    original = ContextInjector.filter

    def masked(self: Any, record: Any) -> Any:
        kept = original(self, record)
        form = getattr(record, "form", None)
        if isinstance(form, dict) and "ci_password" in form:
            record.form = {**form, "ci_password": _MASK}
        return kept

    ContextInjector.filter = masked
