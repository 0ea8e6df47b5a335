"""A copy of the module of OpenTofu and Terraform, wherever it can be tried."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from chela_bed.aws.account import Account
from chela_bed.aws.dialects import Terraform
from chela_bed.aws.dialects.terraform import MODULE
from chela_bed.aws.dialects.terraform_command import LITTER, Command
from chela_bed.aws.dialects.terraform_given import empty_zip
from chela_bed.aws.moto import Moto

ACCOUNT = Account("123456789012")
# In an example's folder Terraform lays this over its own provider.
PROVIDER = """
provider "aws" {
  region                  = "eu-west-1"
  access_key              = "owner"
  secret_key              = "owner"
  s3_use_path_style       = true
  skip_metadata_api_check = true
}
"""


def need() -> None:
    """Skip, loudly, where Terraform is missing."""
    loud = Terraform.missing()
    if loud:
        warnings.warn(loud, stacklevel=2)
        pytest.skip(loud)


def copied(folder: Path, name: str = "module") -> Path:
    """The module in a folder, and two zips beside it."""
    shutil.copytree(MODULE, folder / name, ignore=LITTER)
    zips(folder)
    return folder / name


def zips(folder: Path) -> None:
    """Both, and nothing in them."""
    for name in ("trigger", "report"):
        (folder / f"{name}-x86_64.zip").write_bytes(empty_zip())


def examples(module: Path, moto: Moto) -> Command:
    """All of them in one root, by their names, ready to be planned on a moto."""
    root = module / "root"
    root.mkdir()
    calls = ""
    for folder in sorted((module / "examples").iterdir()):
        (folder / "moto_override.tf").write_text(PROVIDER)
        calls += f'''
module "{folder.name}" {{
  source    = "../examples/{folder.name}"
  functions = "{module.parent}"
}}
'''
    (root / "main.tf").write_text(calls)
    command = Command(root, {"AWS_ENDPOINT_URL": moto.url})
    command.init()
    return command


def served(folder: Path) -> Iterator[Moto]:
    """A moto as long as it is wanted."""
    server = Moto(folder)
    yield server
    server.stop()
