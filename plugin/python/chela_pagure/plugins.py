"""The blueprints for pagure's ``PAGURE_PLUGINS_CONFIG``: ours and those configured beside it."""

from __future__ import annotations

import flask
from pagure.config import config

from chela_pagure.web import BLUEPRINT

_others = flask.Config("")
if config.get("CHELA_OTHER_PLUGINS_CONFIG"):
    _others.from_pyfile(config["CHELA_OTHER_PLUGINS_CONFIG"])

PLUGINS = [*(_others.get("PLUGINS") or []), BLUEPRINT]
