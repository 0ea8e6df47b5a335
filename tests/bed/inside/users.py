"""Creates the users named on the command line; prints their API tokens as JSON."""

import datetime
import json
import sys

import pagure.lib.login
import pagure.lib.model as model
import pagure.lib.model_base
import pagure.lib.query
import pagure.lib.tasks
from pagure.config import config

session = pagure.lib.model_base.create_session(config["DB_URL"])
tokens = {}
for name, password in json.loads(sys.argv[1]).items():
    address = f"{name}@example.org"
    user = model.User(
        user=name,
        fullname=f"{name.capitalize()} Example",
        default_email=address,
        password=pagure.lib.login.generate_hashed_value(password),
        token=None,
    )
    session.add(user)
    session.flush()
    pagure.lib.query.add_email_to_user(session, user, address)
    session.commit()
    token = pagure.lib.query.add_token_to_user(
        session,
        None,
        list(config["ACLS"]),
        name,
        expiration_date=datetime.date.today() + datetime.timedelta(days=700),
        description="test bed",
    )
    tokens[name] = token.id
print(json.dumps(tokens))
