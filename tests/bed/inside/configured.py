"""Prints what a pagure.cfg comes to, in the web process and in a worker."""

import json

import pagure.flask_app
import pagure.lib.tasks
import pagure.lib.tasks_services
from pagure.config import config

app = pagure.flask_app.create_app()
apps = [pagure.lib.tasks.conn, pagure.lib.tasks_services.conn]
for celery in apps:
    celery.loader.import_default_modules()
names = ("PAGURE_CI_SERVICES", "FLAG_STATUSES_LABELS", "CELERY_CONFIG", "BROKER_URL")
print(
    json.dumps(
        {
            **{name: config.get(name) for name in names},
            "blueprints": list(app.blueprints),
            "rules": sorted(rule.rule for rule in app.url_map.iter_rules() if "ci/webhook" in rule.rule),
            "settings": [
                {
                    "imports": list(celery.conf.imports or ()),
                    "transport": celery.conf.broker_transport_options,
                    "delivers": "chela_pagure.deliver" in celery.tasks,
                }
                for celery in apps
            ],
        }
    )
)
