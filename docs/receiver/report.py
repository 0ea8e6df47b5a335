"""Tell Pagure what became of a build: sign the report, send it, try a few times."""

import contextlib
import json
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from urllib.request import Request, urlopen

from standardwebhooks import Webhook

PAGURE = os.environ["CHELA_PAGURE"].rstrip("/") + "/"
# Bytes, because a text would be taken for base64.
HOOK = Webhook(Path(os.environ["CHELA_TOKEN_FILE"]).read_bytes().strip())


def report(asked, status, description):
    """Set the flag of the commit that was asked for."""
    page = asked.get("pull_request", asked["project"])
    data = {"build_id": asked["build_id"], "commit": asked["source"]["commit"], "status": status}
    data |= {"pull_request": page.get("id"), "url": page["url"], "description": description}
    now = datetime.now(timezone.utc)
    body = json.dumps({"type": "build.reported", "timestamp": now.isoformat(), "data": data})
    # A build has one report of each status, so this names the report.
    name = f"{asked['build_id']}-{status}"
    headers = {"webhook-id": name, "webhook-signature": HOOK.sign(name, now, body)}
    headers |= {"webhook-timestamp": str(int(now.timestamp())), "Content-Type": "application/json"}
    # To our own Pagure, whatever address the request may name.
    url = f"{PAGURE}api/0/ci/webhook/{asked['project']['fullname']}"
    # All within the five minutes for which a signature is good.
    for pause in (0, 1, 10, 60):
        time.sleep(pause)
        with contextlib.suppress(OSError):
            return urlopen(Request(url, body.encode(), headers), timeout=30).close()
    print(f"Pagure did not take the report of build {asked['build_id']}: {status}", flush=True)
