"""Asks whether policies allow an action, as IAM decides it: the small Node program in `iam/` knows."""

from __future__ import annotations

import fcntl
import itertools
import json
import shutil
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chela_bed.aws.child import Child
from chela_bed.install import install_cloud
from chela_bed.paths import CHECKOUT, BedError

SOURCE = Path(__file__).parent / "iam"
HOME = CHECKOUT / "target" / "aws" / "iam"

Policy = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Access:
    """An action on a resource, under conditions."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Question:
    """Somebody's access: a user, a session of a role, or a service such as `events.amazonaws.com`."""

    principal: str
    access: Access
    # Whose the resource is.
    account: str
    # The principal's own.
    policies: Sequence[Policy] = ()
    # The resource's: a bucket's, a queue's, a key's, a function's, or a role's trust.
    resource_policy: Policy | None = None

    def words(self) -> dict[str, Any]:
        """As the program reads it."""
        found = {
            "principal": self.principal,
            "action": self.access.action,
            "resource": self.access.resource,
            "account": self.account,
            "context": {
                "aws:SecureTransport": "true",
                "aws:ResourceAccount": self.account,
                **self.access.context,
            },
            "policies": [{"name": str(n), "policy": policy} for n, policy in enumerate(self.policies)],
        }
        return found if self.resource_policy is None else {**found, "resourcePolicy": self.resource_policy}


class Evaluator:
    """The running program; may be asked by many at once."""

    def __init__(self, folder: Path) -> None:
        node = _install()
        self._child = Child([node, str(HOME / "evaluate.mjs")], folder / "iam.log", {}, HOME)
        self._numbers = itertools.count()
        self._asked: dict[int, Future[Mapping[str, Any]]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def allows(
        self,
        principal: str,
        policies: Sequence[Policy],
        account: str,
        access: Access,
        resource_policy: Policy | None = None,
    ) -> bool:
        """Whether these policies allow it; a policy or action that does not exist is an error."""
        question = Question(principal, access, account, policies, resource_policy)
        return _allowed(question, self._ask(question).result(30))

    def decide(self, questions: Iterable[Question]) -> list[bool]:
        """Whether each is allowed; a condition key that its action does not know is an error too."""
        asked = [(question, self._ask(question)) for question in questions]
        return [_strictly(question, waiting.result(120)) for question, waiting in asked]

    def stop(self) -> None:
        """End the program."""
        self._child.stop()

    def _ask(self, question: Question) -> Future[Mapping[str, Any]]:
        waiting: Future[Mapping[str, Any]] = Future()
        with self._lock:
            number = next(self._numbers)
            self._asked[number] = waiting
            self._child.say(json.dumps({"id": number, **question.words()}).encode())
        return waiting

    def _listen(self) -> None:
        while line := self._child.hear():
            answer = json.loads(line)
            self._asked.pop(answer["id"]).set_result(answer)


def _allowed(question: Question, answer: Mapping[str, Any]) -> bool:
    if "error" in answer:
        raise BedError(f"IAM cannot decide {question.access} for {question.principal}: {answer['error']}")
    return bool(answer["verdict"] == "Allowed")


def _strictly(question: Question, answer: Mapping[str, Any]) -> bool:
    allowed = _allowed(question, answer)
    if answer["ignored"]:
        raise BedError(f"IAM does not look at {answer['ignored']} for {question.access}")
    return allowed


def _install() -> str:
    """Bring the program's packages into target/, if they are not there; the path of Node."""
    install_cloud()
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise BedError("IAM's decisions need Node and npm: `apt-get install nodejs npm` brings them")
    HOME.mkdir(parents=True, exist_ok=True)
    # Several test runs may begin at once.
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = HOME / "installed.json", (SOURCE / "package-lock.json").read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            _fetch_packages(npm)
            stamp.write_text(wanted)
        if _differs("evaluate.mjs"):
            shutil.copy(SOURCE / "evaluate.mjs", HOME)
    return node


def _differs(name: str) -> bool:
    copy = HOME / name
    return not copy.exists() or copy.read_bytes() != (SOURCE / name).read_bytes()


def _fetch_packages(npm: str) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCE / name, HOME)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"npm could not bring what decides for IAM:\n{done.stderr[-3000:]}")
