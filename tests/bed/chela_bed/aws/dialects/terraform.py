"""`infra/terraform`: what `terraform plan` says would be made, and what `apply` makes."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.cloudformation import Resource
from chela_bed.aws.dialects import terraform_command, terraform_root, terraform_words
from chela_bed.aws.dialects.terraform_command import Command
from chela_bed.aws.dialects.terraform_given import Given, empty_zip
from chela_bed.aws.dialects.terraform_root import Call
from chela_bed.aws.dialects.wish import Wish
from chela_bed.aws.moto import Moto
from chela_bed.paths import CHECKOUT

MODULE = CHECKOUT / "infra" / "terraform"
LABEL = "chela"


class Terraform:
    """A root module in a folder of its own for each wish."""

    name = "terraform"

    def __init__(self, scratch: Path, folder: Path | None = None) -> None:
        self.scratch = scratch
        self.folder = folder or MODULE

    @staticmethod
    def missing() -> str | None:
        """The program, or the provider."""
        return terraform_command.missing()

    def design(self, wish: Wish, account: Account) -> TerraformDesign:
        """What a plan shows."""
        return self.designs({LABEL: wish}, account)[LABEL]

    def designs(self, wishes: Mapping[str, Wish], account: Account) -> Mapping[str, TerraformDesign]:
        """Several of one region in one plan, which costs little more than one of them."""
        return self.compare({name: (wish, self.folder) for name, wish in wishes.items()}, account)

    def compare(
        self, wishes: Mapping[str, tuple[Wish, Path]], account: Account
    ) -> Mapping[str, TerraformDesign]:
        """The same, each of a folder of its own."""
        [region] = {wish.region for wish, _ in wishes.values()}
        account = dataclasses.replace(account, region=region)
        moto = _moto()
        given = Given({wish.prefix for wish, _ in wishes.values()}, Clients(moto.url, account))
        labels = {name: LABEL if len(wishes) == 1 else f"m{n}" for n, name in enumerate(wishes)}
        calls = {
            labels[name]: Call(folder, terraform_root.inputs(wish), given.imports(wish))
            for name, (wish, folder) in wishes.items()
        }
        plan = json.loads(given.rename(json.dumps(self._command(calls, account, moto).plan())))
        return {
            name: TerraformDesign(
                account, wish.caller, terraform_words.resources(plan, labels[name], account)
            )
            for name, (wish, _) in wishes.items()
        }

    def deploy(self, wish: Wish, moto: Moto, account: Account) -> TerraformDeployed:
        """Apply it; the zips are put into a bucket first."""
        account = dataclasses.replace(account, region=wish.region)
        clients = Clients(moto.url, account)
        # All accounts share the names of buckets.
        wish = dataclasses.replace(wish, bucket=f"zips-{account.number}")
        _upload(clients, wish)
        # So that `destroy` leaves nothing.
        inputs = {**terraform_root.inputs(wish), "force_destroy": True, "secret_recovery_days": 0}
        command = self._command({LABEL: Call(self.folder, inputs)}, account, moto)
        command.run("apply", "-auto-approve")
        return TerraformDeployed(clients, command)

    def _command(self, calls: Mapping[str, Call], account: Account, moto: Moto) -> Command:
        root = Path(tempfile.mkdtemp(prefix="root-", dir=self.scratch))
        terraform_root.write(root, calls, account)
        command = Command(root, {"AWS_ENDPOINT_URL": moto.url})
        if [*calls] == [LABEL]:
            shutil.copytree(_ready(), root, symlinks=True, dirs_exist_ok=True)
        else:
            command.init()
        return command


@dataclass(frozen=True)
class TerraformDesign:
    """A stack as it would be."""

    account: Account
    caller: str
    resources: Mapping[str, Resource]

    def statements(self, role: str) -> list[Mapping[str, Any]]:
        """All that the policies of a role or user say, by its logical name."""
        if role in self.resources:
            made = self.resources[role].properties
            holder = made.get("RoleName") or made["UserName"]
        else:
            holder = self.caller.rpartition("/")[2]
        return [
            statement
            for policy in self.resources.values()
            if policy.type == "AWS::IAM::Policy"
            and holder in (*policy.properties.get("Roles", ()), *policy.properties.get("Users", ()))
            for statement in policy.properties["PolicyDocument"]["Statement"]
        ]


@dataclass(frozen=True)
class TerraformDeployed:
    """A stack that moto has made."""

    clients: Clients
    command: Command

    @functools.cached_property
    def form(self) -> str:
        """The address for Pagure's form."""
        outputs = json.loads(self.command.run("output", "-json"))
        return str(outputs[f"{LABEL}_form"]["value"])

    def destroy(self) -> None:
        """Take it away with all that it holds, keys of users too."""
        self.command.run("destroy", "-auto-approve")


def _upload(clients: Clients, wish: Wish) -> None:
    s3 = clients("s3")
    place = {"LocationConstraint": clients.account.region}
    if wish.bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=wish.bucket, CreateBucketConfiguration=place)
    for key in (wish.trigger_key, wish.report_key):
        s3.put_object(Bucket=wish.bucket, Key=key, Body=empty_zip())


@functools.cache
def _workshop() -> tempfile.TemporaryDirectory[str]:
    """Goes with this process."""
    return tempfile.TemporaryDirectory(prefix="chela-terraform-")


@functools.cache
def _moto() -> Moto:
    """One for all plans; it ends with this process."""
    return Moto(Path(_workshop().name))


@functools.cache
def _ready() -> Path:
    """A folder that `terraform init` has made ready for any root with the one module."""
    root = Path(_workshop().name) / "init"
    root.mkdir()
    terraform_root.write(root, {LABEL: Call(MODULE, {})}, Account("123456789012"))
    Command(root).init()
    for path in root.iterdir():
        if not path.name.startswith(".terraform"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return root
