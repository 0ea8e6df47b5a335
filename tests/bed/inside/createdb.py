"""Creates Pagure's tables; run by the Python that Pagure runs with."""

from pagure.config import config
from pagure.lib import model

model.create_tables(config["DB_URL"], None, acls=config["ACLS"])
# straight.plugin swallows ImportErrors: a missing module would leave its hook's table out, unseen.
if "hook_pagure_ci" not in model.BASE.metadata.tables:
    raise SystemExit("Pagure's hooks were not loaded: a Python module that they import is missing")
