"""The processes of a bed, and how each is started."""

from __future__ import annotations

import os
import sys
from enum import Enum

from chela_bed import gitserver
from chela_bed.database import database
from chela_bed.paths import BED, BedError, Installation, RunFolder
from chela_bed.process import Program
from chela_bed.state import State


class Role(Enum):
    """One process of a bed. Debian's units start Pagure's the same way."""

    DATABASE = "database"
    REDIS = "redis"
    GIT = "git"
    WEB = "web"
    CORE_WORKER = "core-worker"
    CI_WORKER = "ci-worker"
    SERVICES_WORKER = "services-worker"
    RECEIVER = "receiver"


SERVERS = [Role.DATABASE, Role.REDIS]
PAGURE = [Role.GIT, Role.WEB, Role.CORE_WORKER, Role.CI_WORKER, Role.SERVICES_WORKER]
QUEUES = {
    Role.CORE_WORKER: ("pagure.lib.tasks", None),
    Role.CI_WORKER: ("pagure.lib.tasks_services", "pagure_ci"),
    Role.SERVICES_WORKER: ("pagure.lib.tasks_services", "pagure_webhook,pagure_logcom,pagure_loadjson"),
}


def environment(folder: RunFolder) -> dict[str, str]:
    """All that a process of the bed sees of the outside."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(folder.home),
        "GIT_CONFIG_GLOBAL": str(folder.home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        # Whom the plugin believes: only the targets of tests speak TLS.
        "SSL_CERT_FILE": str(folder.certificate),
        "PAGURE_CONFIG": str(folder.config),
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
    }


def program(role: Role, folder: RunFolder, state: State) -> Program | None:
    """How to start it; None where there is nothing to start."""
    if role is Role.DATABASE:
        return database(state.database, folder.database).server()
    if role is Role.REDIS:
        return _redis(folder, state.ports["redis"])
    if role is Role.GIT:
        return _git(folder, state.ports["git"])
    if role is Role.WEB:
        return _web(folder, state.ports["web"])
    if role in QUEUES:
        return _worker(role, folder, state.concurrency)
    raise BedError(f"the bed does not start the {role.value} by itself")


def _redis(folder: RunFolder, port: int) -> Program:
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder.root)]
    return Program(
        ["redis-server", *options], "Ready to accept connections", environment(folder), folder.root
    )


def _git(folder: RunFolder, port: int) -> Program:
    root = str(folder.repositories)
    command = [sys.executable, "-m", "chela_bed.gitserver", "--root", root, "--port", str(port)]
    return Program(command, gitserver.READY, {**environment(folder), "PYTHONPATH": str(BED)}, folder.root)


def _web(folder: RunFolder, port: int) -> Program:
    serve = Installation().venv / "bin/waitress-serve"
    options = [f"--listen=127.0.0.1:{port}", "--threads=6", "--call", "pagure.flask_app:create_app"]
    return Program([str(serve), *options], "Serving on", environment(folder), folder.root)


def _worker(role: Role, folder: RunFolder, concurrency: int) -> Program:
    application, queues = QUEUES[role]
    celery = [str(Installation().venv / "bin/celery"), "-A", application, "worker"]
    options = ["--loglevel=INFO", "-c", str(concurrency), "-n", f"{role.value}@bed", "--without-mingle"]
    reading = ["-Q", queues] if queues else []
    return Program([*celery, *options, *reading], "ready.", environment(folder), folder.root)
