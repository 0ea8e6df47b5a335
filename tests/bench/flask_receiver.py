"""What one would write in Python: verify, parse, keep durably, answer. `accept.py` runs it under gunicorn."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from typing import Any

from flask import Flask, Response, abort, request

TOKEN = os.environ["TOKEN"].encode()
WINDOW = 300

app = Flask(__name__)
local = threading.local()


def database() -> sqlite3.Connection:
    """This thread's connection."""
    connection: sqlite3.Connection | None = getattr(local, "connection", None)
    if connection is None:
        connection = sqlite3.connect(os.environ["DATABASE"], isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS builds (id TEXT PRIMARY KEY, project TEXT, pull INTEGER, body BLOB)"
        )
        local.connection = connection
    return connection


def verify(body: bytes) -> None:
    """As Standard Webhooks says."""
    stamp = request.headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > WINDOW:
        abort(401)
    signed = f"{request.headers['webhook-id']}.{stamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(TOKEN, signed, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(wanted, request.headers["webhook-signature"]):
        abort(401)


@app.post("/hook")
def receive() -> Response:
    """Take one build request."""
    body = request.get_data()
    verify(body)
    data: dict[str, Any] = json.loads(body)["data"]
    row = (data["build_id"], data["project"]["fullname"], data["pull_request"]["id"], body)
    database().execute("INSERT OR IGNORE INTO builds VALUES (?, ?, ?, ?)", row)
    answer = {"build_id": data["build_id"], "status": "pending", "commit": data["source"]["commit"]}
    return Response(json.dumps(answer), 202, mimetype="application/json")
