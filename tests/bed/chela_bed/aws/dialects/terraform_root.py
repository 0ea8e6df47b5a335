"""A small root module that calls copies of the module, written down as JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.dialects.terraform_command import LITTER
from chela_bed.aws.dialects.wish import Wish


@dataclass(frozen=True)
class Call:
    """What the root says of one module: its sources, its inputs, and what it takes over by their ids."""

    folder: Path
    inputs: Mapping[str, Any]
    imports: Mapping[str, str] = field(default_factory=dict)


def write(root: Path, calls: Mapping[str, Call], account: Account) -> None:
    """Write it, with one copy of each folder."""
    copies = {
        folder: f"module{n}" for n, folder in enumerate(dict.fromkeys(it.folder for it in calls.values()))
    }
    for folder, copy in copies.items():
        shutil.copytree(folder, root / copy, ignore=LITTER)
    content = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": provider(account)},
        "module": {
            label: {"source": f"./{copies[call.folder]}", **_literal(call.inputs)}
            for label, call in calls.items()
        },
        "import": [
            {"to": f"module.{label}.{address}", "id": ident}
            for label, call in calls.items()
            for address, ident in call.imports.items()
        ],
        "output": {f"{label}_form": {"value": f"${{module.{label}.ci_url}}"} for label in calls},
    }
    (root / "main.tf.json").write_text(json.dumps(content, indent=1))


def provider(account: Account) -> Mapping[str, Any]:
    """The provider's settings for an account of a moto."""
    return {
        "region": account.region,
        "access_key": "owner",
        "secret_key": "owner",
        "s3_use_path_style": True,
        "skip_metadata_api_check": True,
        # By the role moto knows the account.
        "assume_role": [{"role_arn": account.user("owner").replace(":user/", ":role/")}],
    }


def inputs(wish: Wish) -> dict[str, Any]:
    """The wish in the module's words."""
    asked: dict[str, Any] = {
        "pagure_url": wish.pagure_url,
        "pagure_git": list(wish.pagure_git),
        "projects": {wish.project: {"jobs": dict(wish.jobs)}},
        "sample": wish.samples,
        "pipeline_sources": list(wish.pipeline_sources),
        "front_door": "http-api" if wish.http_api else "function-url",
        "name_prefix": wish.prefix,
        "functions": {
            "bucket": wish.bucket,
            "trigger_key": wish.trigger_key,
            "report_key": wish.report_key,
        },
    }
    if wish.caller:
        asked["projects"][wish.project]["caller_arn"] = wish.caller
    if wish.subnets or wish.security_groups:
        asked["vpc"] = {"subnet_ids": list(wish.subnets), "security_group_ids": list(wish.security_groups)}
    key = {"create_kms_key": True} if wish.key == "new" else {"kms_key_arn": wish.key or None}
    return {**asked, **key, "token_secret_arn": wish.secret or None, "alarm_topic_arn": wish.topic or None}


def _literal(value: Any) -> Any:
    """JSON's texts are templates."""
    if isinstance(value, dict):
        return {_literal(name): _literal(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return value.replace("${", "$${").replace("%{", "%%{") if isinstance(value, str) else value
