"""`infra/cdk`: the template that the construct makes of the properties that a wish comes to."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.clients import Clients
from chela_bed.aws.cloudformation import RefusedError, Resolved, Resource, Template
from chela_bed.aws.deployment import Deployment, empty_zip
from chela_bed.aws.dialects import cdk_program
from chela_bed.aws.dialects.cdk_words import renamed
from chela_bed.aws.dialects.wish import Wish
from chela_bed.aws.moto import Moto
from chela_bed.install import install_cloud
from chela_bed.paths import BedError

STACK = "chela"


class Cdk:
    """The package is compiled once; a small program makes templates of wishes."""

    name = "cdk"

    def __init__(self, scratch: Path, folder: Path | None = None, package: Path | None = None) -> None:
        self.scratch = scratch
        self._folder = folder or cdk_program.SOURCE
        # One that is compiled.
        self._package = package

    @staticmethod
    def missing() -> str | None:
        """Node and npm, if they are not there and cannot be installed."""
        try:
            install_cloud()
        except BedError as lacking:
            return str(lacking)
        return None

    def design(self, wish: Wish, account: Account) -> CdkDesign:
        """What the template comes to."""
        account = dataclasses.replace(account, region=wish.region)
        template = Template(renamed(self.synthesise(wish, account)["template"]))
        return CdkDesign(template.resolve({}, account, STACK), wish)

    def deploy(self, wish: Wish, moto: Moto, account: Account) -> CdkDeployed:
        """Make it as it comes out, with the files that it wants to have."""
        account = dataclasses.replace(account, region=wish.region)
        # All accounts share the names of buckets.
        wish = dataclasses.replace(wish, bucket=f"zips-{account.number}")
        made = self.synthesise(wish, account)
        path = self.scratch / f"{STACK}-{account.number}.template.json"
        path.write_text(json.dumps(made["template"]))
        _upload(Path(made["folder"]), Clients(moto.url, account), wish)
        return CdkDeployed(Deployment.create(moto, account, STACK, path, {}))

    @functools.cached_property
    def package(self) -> Path:
        """The package as it runs, with its policies beside it."""
        return self._package or cdk_program.compiled(self._folder, self.scratch)

    def synthesise(self, wish: Wish, account: Account) -> Mapping[str, Any]:
        """The template as it comes out, and the folder with its files."""
        given = dataclasses.asdict(wish)
        where = {"number": account.number, "region": account.region}
        answer = cdk_program.ask({"dist": str(self.package / "dist"), "wish": given, "account": where})
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        if "error" in answer:
            raise BedError(f"the CDK has failed: {answer['error']}")
        return answer


@dataclass(frozen=True)
class CdkDesign:
    """A stack as it would be."""

    stack: Resolved
    wish: Wish

    @property
    def account(self) -> Account:
        """Whose it is."""
        return self.stack.account

    @property
    def resources(self) -> Mapping[str, Resource]:
        """All that are made, by their logical names."""
        return self.stack.resources

    def statements(self, role: str) -> list[Mapping[str, Any]]:
        """All that the policies of a role or user say, by its logical name."""
        if role == "Caller" and role not in self.resources:
            role = self.wish.caller.rpartition("/")[2]
        return self.stack.statements(role)


@dataclass(frozen=True)
class CdkDeployed:
    """A stack that moto has made."""

    deployment: Deployment

    @property
    def clients(self) -> Clients:
        """Its account's owner."""
        return self.deployment.clients

    @property
    def form(self) -> str:
        """The address for Pagure's form."""
        (found,) = (
            value for name, value in self.deployment.outputs.items() if name.startswith("ChelaPagureForm")
        )
        return found

    def destroy(self) -> None:
        """Take it away, with the keys and with what stays in the buckets."""
        self.deployment.remove()


def _upload(folder: Path, clients: Clients, wish: Wish) -> None:
    """Put into buckets what `cdk deploy` puts there, and the zips."""
    files = {(wish.bucket, key): empty_zip() for key in (wish.trigger_key, wish.report_key)}
    for listed in folder.glob("*.assets.json"):
        for asset in json.loads(listed.read_text())["files"].values():
            (place,) = asset["destinations"].values()
            file = folder / asset["source"]["path"]
            # The template itself goes another way.
            if not file.name.endswith(".template.json"):
                bucket = _filled(place["bucketName"], clients.account)
                files[bucket, place["objectKey"]] = file.read_bytes()
    s3 = clients("s3")
    for bucket in {bucket for bucket, _ in files}:
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": clients.account.region}
        )
    for (bucket, key), content in files.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)


def _filled(name: str, account: Account) -> str:
    return name.replace("${AWS::AccountId}", account.number).replace("${AWS::Region}", account.region)
