"""A small CI system for Pagure; docs/write-a-receiver.md explains it."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from tempfile import TemporaryDirectory

from report import HOOK, PAGURE, report

CLONE = os.environ.get("CHELA_CLONE", PAGURE).rstrip("/") + "/"
STRANGERS = os.environ.get("CHELA_STRANGERS") == "yes"
FETCH = 'git fetch -q --depth=1 -- "$CHELA_CLONE_URL" "$CHELA_COMMIT"'
SCRIPT = f"set -e; git init -q; {FETCH}; git checkout -q FETCH_HEAD\n"
COMMAND = ["timeout", "3600", "sh", "-c", SCRIPT + os.environ.get("CHELA_COMMAND", "make test")]
POOL = ThreadPoolExecutor(1)
BUILDS = {}


def build(asked, commit):
    """Build in a fresh folder, with a fresh environment, and report."""
    if not (STRANGERS or asked.get("requested_by", {}).get("can_push")):
        return report(asked, "pending", "Waits for a committer, who can ask for a rebuild")
    # Whatever the request says, this is below CLONE.
    url = CLONE + asked["source"]["clone_url"].removeprefix(CLONE)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        env = {"PATH": os.environ["PATH"], "HOME": folder, "CI": "true", "CHELA_COMMIT": commit}
        env |= {"CHELA_CLONE_URL": url, "GIT_ALLOW_PROTOCOL": CLONE.split(":")[0]}
        code = subprocess.run(COMMAND, cwd=folder, env=env, stdin=subprocess.DEVNULL).returncode
    # 124 is the time-out; with 128 git ends that cannot get the commit.
    report(asked, {0: "success", 124: "error", 128: "error"}.get(code, "failure"), f"Exit {code}")


class Receiver(BaseHTTPRequestHandler):
    """Answers at once; the pool works later."""

    timeout = 10

    def do_POST(self):
        # One request after the other, so nothing is built twice.
        try:
            length = min(abs(int(self.headers["Content-Length"])), 100_000)
            message = HOOK.verify(self.rfile.read(length), self.headers)
            asked = message["data"]
            if message["type"] == "build.requested" and asked["build_id"] not in BUILDS:
                BUILDS[asked["build_id"]] = POOL.submit(build, asked, asked["source"]["commit"])
        except Exception:
            return self.send_error(400)
        self.send_response({"ping": 200, "build.requested": 202}.get(message["type"], 422))
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("CHELA_PORT", "8080"))), Receiver).serve_forever()
