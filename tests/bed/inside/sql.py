"""Runs one SQL statement on Pagure's database; prints the rows as JSON."""

import json
import sys

import sqlalchemy

url, statement, parameters = sys.argv[1:]
with sqlalchemy.create_engine(url).begin() as connection:
    result = connection.execute(sqlalchemy.text(statement), json.loads(parameters))
    rows = [dict(row) for row in result.mappings()] if result.returns_rows else []
print(json.dumps(rows, default=str))
