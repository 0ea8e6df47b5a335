"""Holds the locks of an SQL statement until its input ends; says when it has them and when somebody waits."""

import json
import select
import sys
import time

import sqlalchemy

PATIENCE_SECONDS = 60
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"

url, statement, parameters = sys.argv[1:]
with sqlalchemy.create_engine(url).connect() as connection:
    connection.execute(sqlalchemy.text(statement), json.loads(parameters))
    print("held", flush=True)
    told = False
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and not select.select([sys.stdin], [], [], 0.05)[0]:
        if not told and connection.execute(sqlalchemy.text(WAITS)).scalar():
            print("waits", flush=True)
            told = True
