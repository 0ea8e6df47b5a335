"""Publishes tasks for Pagure's workers, in their order: each a name, keyword arguments and headers."""

import json
import sys

import pagure.lib.tasks_services

for name, arguments, headers in json.loads(sys.argv[1]):
    task = pagure.lib.tasks_services.conn.tasks[name]
    task.apply_async(kwargs=arguments, headers=headers)
