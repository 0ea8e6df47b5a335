"""Talking to a Pagure: its API with a token, its pages with a session and their CSRF tokens."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT = 60


class ApiError(Exception):
    """An answer other than 2xx."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:1000]}")
        self.status = answer.status_code
        self.text = answer.text


@dataclass(frozen=True)
class Api:
    """Pagure's API, as one user."""

    url: str
    token: str | None

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON at a path below `/api/0/`."""
        return self.call("GET", path, params=parameters)

    def post(self, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """Post a form; the JSON of the answer."""
        return self.call("POST", path, data=fields or {})

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Any request; raises ApiError unless the answer is 2xx."""
        answer = self.request(method, path, **arguments)
        if not answer.ok:
            raise ApiError(answer)
        return answer.json()

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Any request, whatever comes back."""
        headers = dict(arguments.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"token {self.token}")
        address = f"{self.url}/api/0/{path.lstrip('/')}"
        return requests.request(method, address, headers=headers, timeout=TIMEOUT, **arguments)


class Session:
    """A user logged in to the web pages."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.user = user
        self.http = requests.Session()
        fields = {"username": user, "password": password, "next_url": f"{url}/"}
        answer = self.submit("/login/", fields, action="/dologin")
        if f"Welcome {user}" not in answer.text:
            raise ApiError(answer)

    def page(self, path: str) -> str:
        """A page's HTML."""
        answer = self.http.get(self._address(path), timeout=TIMEOUT)
        if not answer.ok:
            raise ApiError(answer)
        return answer.text

    def submit(
        self, page: str, fields: Mapping[str, str], action: str | None = None, csrf_from: str | None = None
    ) -> requests.Response:
        """Post a form with the CSRF token of `csrf_from` to `action`; both default to the page itself."""
        token = csrf_token(self.page(csrf_from or page))
        answer = self.http.post(
            self._address(action or page), data={"csrf_token": token, **fields}, timeout=TIMEOUT
        )
        if not answer.ok:
            raise ApiError(answer)
        return answer

    def _address(self, path: str) -> str:
        return f"{self.url}/{path.lstrip('/')}"


def csrf_token(page: str) -> str:
    """The token hidden in a page's forms."""
    field = re.search(r'<input[^>]*name="csrf_token"[^>]*>', page)
    value = re.search(r'value="([^"]+)"', field.group(0)) if field else None
    if value is None:
        raise LookupError("the page has no CSRF token: is the user logged in, and may they use this form?")
    return html.unescape(value.group(1))
