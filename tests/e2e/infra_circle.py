"""The circle on what a dialect has deployed: a project of Pagure's, its IAM user, and the two samples."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsing import Circle, target_port
from chela_bed import Bed, Project
from chela_bed.aws import Cloud, Plan, Stack
from chela_bed.aws.dialects import SAMPLES, Deployed, Dialect, Wish
from chela_bed.aws.engines import Build
from chela_bed.aws.identities import Identity, Role
from chela_bed.aws.layouts import ReadBack
from chela_bed.scene import START
from conftest import NUMBERS

HELLO, RELEASE = SAMPLES


@dataclass(frozen=True)
class Site:
    """A deployment at work."""

    bed: Bed
    made: Deployed
    layout: ReadBack
    stack: Stack
    project: Project
    caller: Identity

    @contextlib.contextmanager
    def job(self, job: str, **ci: Any) -> Iterator[Circle]:
        """The project with its form filled in for a job; all is tidy at the end."""
        circle = Circle(self.bed, self.stack, self.project, self.caller, job, "")
        circle.set_ci(**ci)
        yield circle
        self.stack.engines.calm()
        circle.assert_tidy()

    def stranger(self, name: str, like: Identity | None = None) -> Identity:
        """A user that nobody has told `trigger` of; IAM lets in who has the policies of somebody else."""
        iam = self.made.clients("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        role = Role(name, like.role.policies if like else [], self.caller.role.kind)
        made = Identity(role, arn, key["AccessKeyId"], key["SecretAccessKey"])
        return self.stack.identities.know(made)

    @contextlib.contextmanager
    def promised(self, jobs: Mapping[str, Any]) -> Iterator[None]:
        """`trigger` is told of further jobs, by a map that has outgrown what its role was given."""
        config = json.loads(json.dumps(self.layout.config))
        config["callers"][self.caller.arn][self.project.fullname]["jobs"].update(jobs)
        variables = self.stack.trigger.settings.variables
        deployed = variables["CHELA_CONFIG"]
        variables["CHELA_CONFIG"] = json.dumps(config)
        self.stack.trigger.retire()
        yield
        self.stack.settle()
        variables["CHELA_CONFIG"] = deployed
        self.stack.trigger.retire()


@contextlib.contextmanager
def deploy(bed: Bed, cloud: Cloud, dialect: Dialect, **wish: Any) -> Iterator[Site]:
    """Have a dialect deploy it with the samples as jobs, and let the functions run on that."""
    project = Project(f"infra-{next(NUMBERS)}", "demo")
    bed.create_project(project, "alice", START)
    wanted = Wish(bed.url, [bed.git_url], project.fullname, SAMPLES, samples=True, **wish)
    made = dialect.deploy(wanted, cloud.moto, cloud.account())
    layout = ReadBack(made.clients, cloud.evaluator)
    folder = bed.folder.root / "aws" / f"{dialect.name}-{project.name}"
    with Stack(cloud, folder, Plan(bed.url, port=target_port(bed)), layout) as stack:
        caller = layout.caller(stack.identities, project.fullname)
        yield Site(bed, made, layout, stack, project, caller)


def builds_of(circle: Circle, commit: str) -> list[Build]:
    """The builds of a commit, the oldest first."""
    return circle.stack.engines.codebuild.with_variable("CHELA_COMMIT", commit)
