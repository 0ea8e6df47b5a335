#!/usr/bin/env python3
"""A small CI system for Pagure: settings, then the receiver. docs/write-a-receiver.md explains them."""
# ruff: noqa: D101, D103, E401, E501, I001, RET503

import contextlib, functools, http.server, json, os, pathlib, subprocess, tempfile, time, urllib.request, uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from standardwebhooks import Webhook

PAGURE, URL = (os.environ[name].rstrip("/") for name in ("CHELA_PAGURE", "CHELA_URL"))  # Pagure's, and ours.
HOOK = Webhook(pathlib.Path(os.environ["CHELA_TOKEN_FILE"]).read_bytes().strip())
CLONE = os.environ.get("CHELA_CLONE", PAGURE + "/")  # Nothing is cloned from elsewhere.
STRANGERS = os.environ.get("CHELA_STRANGERS") == "yes"  # Whether their commits run on this machine, too.
LOGS, PORT = pathlib.Path(os.environ.get("CHELA_LOGS", "logs")), int(os.environ.get("CHELA_PORT", "8080"))
GIT = {"GIT_ALLOW_PROTOCOL": CLONE.split(":")[0], "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
ENV = {"PATH": os.environ["PATH"], "CI": "true"} | GIT  # All that a build sees of this environment.
FETCH = 'git init -q && git fetch -q --depth=1 -- "$CHELA_CLONE_URL" "$CHELA_COMMIT" && git checkout -q FETCH_HEAD'
SCRIPT = f"export HOME=$PWD; {{ {FETCH}; }} || exit 99\n" + os.environ.get("CHELA_COMMAND", "make test")
COMMAND = {"args": ["timeout", "3600", "sh", "-c", SCRIPT], "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
HELD = "Not built: commits of those who may not push do not run here"
OUTCOMES = {0: "success", 99: "error", 124: "error"}  # Other exit codes are failures; 124 is the time-out.
BUILDS, REPORTS, ANSWERS = ThreadPoolExecutor(1), ThreadPoolExecutor(8), {}
NOW = functools.partial(datetime.now, timezone.utc)


def message(build, at, **shown):
    return json.dumps({"type": "build.reported", "timestamp": at, "data": build | shown})


def run(project, build, variables):
    code, path = 99, LOGS / f"{build['build_id']}.txt"
    with contextlib.suppress(Exception), path.open("w") as log, tempfile.TemporaryDirectory() as top:
        code = subprocess.run(**COMMAND, cwd=top, env=ENV | variables, stdout=log).returncode
    shown = {"status": OUTCOMES.get(code, "failure"), "description": f"Exit code {code}"}
    REPORTS.submit(report, f"{PAGURE}/api/0/ci/webhook/{project}", message(build, NOW().isoformat(), **shown))


def report(url, body):
    name = str(uuid.uuid4())
    for pause in (1, 5, 25, 125, 600, 3000, 12_000, 30_000, 40_000):  # A day in all.
        headers = {"webhook-id": name, "webhook-timestamp": str(int((now := NOW()).timestamp()))}
        headers |= {"webhook-signature": HOOK.sign(name, now, body), "Content-Type": "application/json"}
        request = urllib.request.Request(url, body.encode(), headers)
        with contextlib.suppress(Exception), urllib.request.urlopen(request, timeout=30):
            return
        time.sleep(pause)


def accept(wanted, asked_at):
    source, by, pull = wanted["source"], wanted.get("requested_by") or {}, wanted.get("pull_request") or {}
    build = {"build_id": str(uuid.UUID(wanted["build_id"])), "commit": source["commit"]}
    build |= {"pull_request": pull.get("id"), "url": f"{URL}/{build['build_id']}.txt"}
    known = by.get("can_push") and (by["reason"] != "rebuild" or pull.get("author_can_push"))
    ours = source["clone_url"].startswith(CLONE) and (known or STRANGERS)
    variables = {"CHELA_CLONE_URL": source["clone_url"], "CHELA_COMMIT": source["commit"]}
    variables |= {"CHELA_BRANCH": source.get("branch") or source["tag"], "CHELA_BUILD_ID": build["build_id"]}
    answer = message(build, asked_at, status="pending", description="Queued" if ours else HELD)
    if ANSWERS.setdefault(build["build_id"], answer) is answer and ours:  # A replay starts nothing.
        BUILDS.submit(run, wanted["project"]["fullname"], build, variables)
    return ANSWERS[build["build_id"]].encode()


class Receiver(http.server.SimpleHTTPRequestHandler):  # GET shows a log to whoever knows its build's id.
    timeout, list_directory = 15, lambda self, path: self.send_error(404)
    error_content_type, error_message_format = "application/problem+json", '{"title": "%(explain)s"}'

    def do_POST(self):
        try:
            body = self.rfile.read(abs(int(self.headers["Content-Length"])) % 262_144)
            request = HOOK.verify(body, dict(self.headers))
            answer = {"build.requested": accept}[request["type"]](request["data"], request["timestamp"])
        except Exception as error:
            return self.send_error(400, explain=json.dumps(repr(error))[1:-1])
        self.send_response(202)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)


LOGS.mkdir(exist_ok=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), functools.partial(Receiver, directory=LOGS))
server.serve_forever()
