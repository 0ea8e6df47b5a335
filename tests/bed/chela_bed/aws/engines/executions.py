"""One execution of a pipeline: what was asked, and how far it is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chela_bed.aws.engines.builds import Build, Handed
from chela_bed.aws.engines.clock import seconds

IN_PROGRESS, STOPPING = "InProgress", "Stopping"
SUCCEEDED, FAILED, STOPPED = "Succeeded", "Failed", "Stopped"
SUPERSEDED, CANCELLED = "Superseded", "Cancelled"
# What is not over.
ACTIVE = (IN_PROGRESS, STOPPING)


@dataclass(frozen=True)
class Revision:
    """What a source action got."""

    action: str
    artifact: str
    bucket: str
    key: str
    version: str
    etag: str
    created: datetime

    def url(self, region: str) -> str:
        return f"https://console.aws.amazon.com/s3/object/{self.bucket}/{self.key}?region={region}"

    @property
    def summary(self) -> str:
        return f"Amazon S3 version id: {self.version}"


@dataclass
class ActionRun:
    """One run of an action; a retry is another one."""

    stage: str
    action: Mapping[str, Any]
    start: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    # CodeBuild's build, for an action that started one.
    build: Build | None = None
    error: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        return str(self.action["name"])


@dataclass
class Execution:
    """An execution. Whoever changes it holds the services' lock."""

    pipeline: str
    # Rises with each execution.
    number: int
    version: int
    mode: str
    # The StartPipelineExecution that asked for it, as it came.
    asked: Mapping[str, Any]
    caller: str
    variables: Mapping[str, str]
    start: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    updated: datetime | None = None
    attempt: int = 1
    # The stage that it is in, and the last one that it was in.
    stage: str | None = None
    last_stage: str | None = None
    runs: list[ActionRun] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    # Archives by artifact, and variables by namespace, that actions have put out.
    artifacts: dict[str, Handed] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    stop_reason: str | None = None
    # What becomes of running actions that are not waited for: ABANDONED, CANCELED.
    leaving: str | None = None

    @property
    def is_over(self) -> bool:
        return self.status not in ACTIVE

    @property
    def builds(self) -> list[Build]:
        """The CodeBuild builds that it started, the oldest first."""
        return [run.build for run in self.runs if run.build]

    def overrides(self, action: str) -> dict[str, str]:
        """The revisions that were asked for this source action, by their types."""
        asked = self.asked.get("sourceRevisions", [])
        return {each["revisionType"]: each["revisionValue"] for each in asked if each["actionName"] == action}

    def succeeded(self, stage: str, action: str) -> bool:
        """Whether the newest run of this action went well."""
        runs = [run for run in self.runs if run.stage == stage and run.name == action]
        return bool(runs) and runs[-1].status == SUCCEEDED

    def api(self, region: str) -> dict[str, Any]:
        """As GetPipelineExecution has it."""
        return {
            "pipelineName": self.pipeline,
            "pipelineVersion": self.version,
            "pipelineExecutionId": self.id,
            "status": self.status,
            "artifactRevisions": [_artifact_revision(each, region) for each in self.revisions],
            "variables": [{"name": n, "resolvedValue": v} for n, v in self.variables.items()],
            **self._common(),
        }

    def summary(self, region: str) -> dict[str, Any]:
        """As ListPipelineExecutions has it."""
        reason = {"stopTrigger": {"reason": self.stop_reason}} if self.stop_reason else {}
        return {
            "pipelineExecutionId": self.id,
            "status": self.status,
            "startTime": seconds(self.start),
            "lastUpdateTime": seconds(self.updated or self.start),
            "sourceRevisions": [_source_revision(each, region) for each in self.revisions],
            **self._common(),
            **reason,
        }

    def _common(self) -> dict[str, Any]:
        return {"trigger": self.trigger(), "executionMode": self.mode, "executionType": "STANDARD"}

    def trigger(self) -> dict[str, str]:
        """Who started it."""
        return {"triggerType": "StartPipelineExecution", "triggerDetail": self.caller}


def _artifact_revision(revision: Revision, region: str) -> dict[str, Any]:
    return {
        "name": revision.artifact,
        "revisionId": revision.version,
        "revisionChangeIdentifier": revision.etag,
        "revisionSummary": revision.summary,
        "created": seconds(revision.created),
        "revisionUrl": revision.url(region),
    }


def _source_revision(revision: Revision, region: str) -> dict[str, Any]:
    return {
        "actionName": revision.action,
        "revisionId": revision.version,
        "revisionSummary": revision.summary,
        "revisionUrl": revision.url(region),
    }
