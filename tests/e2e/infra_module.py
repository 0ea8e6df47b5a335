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


def copied(folder: Path) -> Path:
    """The module in a folder, and two zips beside it."""
    shutil.copytree(MODULE, folder / "module", ignore=LITTER)
    for name in ("trigger", "report"):
        (folder / f"{name}-x86_64.zip").write_bytes(empty_zip())
    return folder / "module"


def example(module: Path, name: str, moto: Moto, **variables: str) -> Command:
    """One of the examples, ready to be planned or applied on a moto."""
    folder = module / "examples" / name
    (folder / "moto_override.tf").write_text(PROVIDER)
    inputs = {"functions": str(module.parent), **variables}
    named = {f"TF_VAR_{variable}": value for variable, value in inputs.items()}
    command = Command(folder, {"AWS_ENDPOINT_URL": moto.url, **named})
    command.init()
    return command


def served(folder: Path) -> Iterator[Moto]:
    """A moto as long as it is wanted."""
    server = Moto(folder)
    yield server
    server.stop()
