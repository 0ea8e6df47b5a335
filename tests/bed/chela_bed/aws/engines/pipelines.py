"""CodePipeline's pipelines, and short ways to declare one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.engines.clock import seconds
from chela_bed.aws.engines.executions import Execution

SUPERSEDED, QUEUED, PARALLEL = "SUPERSEDED", "QUEUED", "PARALLEL"
# "Quotas in AWS CodePipeline": executions at a time of a pipeline in these modes.
QUOTA = 50
Action = dict[str, Any]
# In their order.
Stages = Mapping[str, Sequence[Action]]


def source(bucket: str, key: str, *, key_override: bool = False, name: str = "Source") -> Action:
    """A source action for a zip in S3; its variables are in the namespace SourceVariables."""
    configuration = {"S3Bucket": bucket, "S3ObjectKey": key, "PollForSourceChanges": "false"}
    if key_override:
        configuration["AllowOverrideForS3ObjectKey"] = "true"
    return {
        "name": name,
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": configuration,
        "outputArtifacts": [{"name": f"{name}Output"}],
        "namespace": "SourceVariables",
    }


def build(
    project: str, variables: Sequence[str] = (), *, name: str = "Build", source: str = "Source"
) -> Action:
    """An action that runs a CodeBuild project, and gives it these variables of the pipeline."""
    pasted = [{"name": each, "value": f"#{{variables.{each}}}", "type": "PLAINTEXT"} for each in variables]
    configuration = {"ProjectName": project}
    if pasted:
        configuration["EnvironmentVariables"] = json.dumps(pasted, separators=(",", ":"))
    return {
        "name": name,
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": f"{source}Output"}],
        "outputArtifacts": [],
    }


def approval(name: str = "Approve") -> Action:
    """An action that waits for a person."""
    kind = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": {}}


def declare(
    name: str,
    role: str,
    stages: Stages,
    *,
    mode: str = SUPERSEDED,
    variables: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """A declaration as CreatePipeline takes it."""
    declared = [
        {"name": each, **({"defaultValue": default} if default is not None else {})}
        for each, default in (variables or {}).items()
    ]
    return {
        "name": name,
        "roleArn": role,
        "artifactStore": {"type": "S3", "location": "pipeline-artifacts"},
        "stages": [{"name": stage, "actions": list(actions)} for stage, actions in stages.items()],
        "executionMode": mode,
        "pipelineType": "V2",
        **({"variables": declared} if declared else {}),
    }


@dataclass
class Pipeline:
    """A pipeline and its executions, the oldest first."""

    declaration: dict[str, Any]
    created: datetime
    limit: int | None
    version: int = 1
    # Whether artifacts go through its store with the roles' rights, as they do in AWS.
    stores: bool = False
    executions: list[Execution] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.declaration["name"])

    @property
    def store(self) -> str:
        """The bucket of its artifacts."""
        return str(self.declaration["artifactStore"]["location"])

    @property
    def mode(self) -> str:
        return str(self.declaration["executionMode"])

    @property
    def role(self) -> str:
        return str(self.declaration["roleArn"])

    @property
    def stages(self) -> list[dict[str, Any]]:
        return list(self.declaration["stages"])

    @property
    def stage_names(self) -> list[str]:
        return [stage["name"] for stage in self.stages]

    @property
    def defaults(self) -> dict[str, str | None]:
        """Its variables, and their defaults."""
        declared = self.declaration.get("variables", [])
        return {each["name"]: each.get("defaultValue") for each in declared}

    def source_actions(self) -> Iterator[Action]:
        """The actions that get sources."""
        for stage in self.stages:
            yield from (each for each in stage["actions"] if each["actionTypeId"]["category"] == "Source")

    def api(self, account: Account) -> dict[str, Any]:
        """As GetPipeline has it."""
        return {
            "pipeline": {**copy.deepcopy(self.declaration), "version": self.version},
            "metadata": {
                "pipelineArn": account.arn("codepipeline", self.name),
                "created": seconds(self.created),
                "updated": seconds(self.created),
            },
        }
