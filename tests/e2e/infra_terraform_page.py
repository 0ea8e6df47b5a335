"""What somebody does who follows the page of the Terraform module, with moto in AWS's place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import infra_module
from chela_bed.aws.clients import Clients
from chela_bed.aws.dialects.terraform_command import Command, plugins, quiet
from chela_bed.aws.moto import Moto
from test_documentation import blocks
from test_infra_documentation import ACCOUNT, typed

PAGE = "infra/terraform/README.md"
# What somebody with a CodeBuild project has: its role.
ROLE = "codebuild-hello-service-role"
ANYBODY = '{"Version": "2012-10-17", "Statement": []}'
# Beside what has to be said, so that there is more to make, and to leave behind.
SAID = "  create_kms_key = true\n  sample         = true\n"
_, INIT_AND_APPLY, KEY, TOKEN, KEY_AGAIN, TOKEN_AGAIN, WATCH, _, REMOVE_THE_REST = blocks(PAGE, "sh")
OWN_ROLE = blocks(PAGE, "hcl")[1]


class Reader:
    """Has a checkout, the zips, and an account with a CodeBuild project."""

    def __init__(self, folder: Path, moto: Moto) -> None:
        self.folder, self._moto = folder, moto
        self.aws = Clients(moto.url, ACCOUNT)
        self.aws("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=ANYBODY)
        functions = folder / "target" / "functions"
        functions.mkdir(parents=True)
        infra_module.zips(functions)
        module = infra_module.copied(folder / "infra", "terraform")
        self.example = module / "examples" / "minimal"
        self._edit(self.example / "main.tf")
        (self.example / "moto_override.tf").write_text(infra_module.PROVIDER)
        # For what is no part of the page.
        self.command = Command(self.example, {"AWS_ENDPOINT_URL": moto.url})

    def _edit(self, main: Path) -> None:
        text = main.read_text().replace("  functions = {\n", f"{SAID}  functions = {{\n")
        main.write_text(text + re.sub("<.*>", ROLE, OWN_ROLE))

    def init_and_apply(self) -> str:
        """All of the stack."""
        return self._typed(INIT_AND_APPLY, self.folder)

    def makes_the_key(self, script: str = KEY) -> tuple[str, str]:
        """Its id and secret, as they are printed."""
        made = json.loads(self.types(script))["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def rotates_the_key(self, first: str) -> tuple[str, str]:
        """The second one's."""
        key = self.makes_the_key(re.sub("<.*>", first, KEY_AGAIN))
        kept = self.aws("iam").list_access_keys(UserName="chela-pagure-demo-hello")["AccessKeyMetadata"]
        assert [each["AccessKeyId"] for each in kept] == [key[0]]
        return key

    def pastes_the_token(self, token: str, script: str = TOKEN) -> None:
        """And presses Enter."""
        self.types(f"{{\n{script}}} <<'END'\n{token}\nEND\n")

    def types(self, script: str) -> str:
        """In the example's folder, where the page has led before."""
        return self._typed(script, self.example)

    def _typed(self, script: str, folder: Path) -> str:
        settings = {
            **quiet(self.example),
            "TF_CLI_ARGS_init": f"-plugin-dir={plugins()}",
            "TF_CLI_ARGS_apply": "-auto-approve",
            "TF_CLI_ARGS_destroy": "-auto-approve",
        }
        exports = [f"export {name}='{value}'" for name, value in settings.items()]
        return typed("\n".join([*exports, script]), folder, self._moto)
