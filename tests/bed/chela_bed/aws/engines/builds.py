"""One build of CodeBuild: what was asked, what holds, and how far it is."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.engines.clock import seconds
from chela_bed.aws.engines.projects import S3, Settings

SUBMITTED, QUEUED, PROVISIONING, DOWNLOAD = "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"
# The phases that a buildspec's commands and artifacts fill.
STAGES = ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS")
FINALIZING, COMPLETED = "FINALIZING", "COMPLETED"
PHASES = (SUBMITTED, QUEUED, PROVISIONING, DOWNLOAD, *STAGES, FINALIZING, COMPLETED)

IN_PROGRESS, SUCCEEDED, FAILED, STOPPED = "IN_PROGRESS", "SUCCEEDED", "FAILED", "STOPPED"
FAULT, TIMED_OUT = "FAULT", "TIMED_OUT"
# A phase's alone, and the events' alone: BatchGetBuilds says FAILED, with this as the context's code.
CLIENT_ERROR = "CLIENT_ERROR"


@dataclass(frozen=True)
class Ending:
    """How a build ends before its commands did: forced by a test, stopped, or out of time."""

    status: str
    # Where, for a forced one.
    phase: str = "BUILD"
    code: str = ""
    message: str = ""

    @property
    def of_build(self) -> str:
        return FAILED if self.status == CLIENT_ERROR else self.status


@dataclass
class Phase:
    """One phase."""

    name: str
    start: datetime
    end: datetime | None = None
    status: str | None = None
    contexts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def duration(self) -> int:
        return int((self.end - self.start).total_seconds()) if self.end else 0

    def api(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"phaseType": self.name, "startTime": seconds(self.start)}
        if self.end is not None:
            answer["phaseStatus"] = FAILED if self.status == CLIENT_ERROR else self.status
            answer["endTime"] = seconds(self.end)
            answer["durationInSeconds"] = self.duration
            answer["contexts"] = [{"statusCode": c, "message": m} for c, m in self.contexts]
        return answer


@dataclass(frozen=True)
class Handed:
    """The archive that a pipeline hands over: here, and in its bucket if it keeps artifacts there."""

    archive: Path
    stored: tuple[str, str] | None = None


@dataclass
class Build:
    """A build. Whoever changes it holds CodeBuild's lock."""

    project: str
    uuid: str
    number: int
    account: Account
    # The StartBuild that asked for it, as it came; empty for one that CodePipeline started.
    asked: Mapping[str, Any]
    settings: Settings
    initiator: str
    start: datetime
    status: str = IN_PROGRESS
    end: datetime | None = None
    phases: list[Phase] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    # What a pipeline hands over.
    handed: Handed | None = None
    # What the commands have printed, once they ran; `None` says that they never did.
    log: str | None = None
    # How it is to end before its time, if so.
    interrupted: Ending | None = None
    retry_of: Build | None = None
    retried_as: Build | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        return f"{self.project}:{self.uuid}"

    @property
    def arn(self) -> str:
        return self.account.arn("codebuild", f"build/{self.id}")

    @property
    def variables(self) -> dict[str, str]:
        return self.settings.variables

    @property
    def phase(self) -> str:
        return self.phases[-1].name

    @property
    def retries(self) -> int:
        """How many builds it repeats."""
        return self.retry_of.retries + 1 if self.retry_of else 0

    @property
    def deep_link(self) -> str:
        region = self.account.region
        return (
            f"https://console.aws.amazon.com/cloudwatch/home?region={region}"
            f"#logEvent:group=/aws/codebuild/{self.project};stream={self.uuid}"
        )

    def passed(self, phase: str) -> bool:
        """Whether this phase has begun, whatever came of it."""
        return any(each.name == phase for each in self.phases)

    def api(self) -> dict[str, Any]:
        """As BatchGetBuilds has it. An S3 source has no `resolvedSourceVersion`."""
        settings = self.settings
        answer = {
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "startTime": seconds(self.start),
            "currentPhase": self.phase,
            "buildStatus": self.status,
            "projectName": self.project,
            "phases": [phase.api() for phase in self.phases],
            "source": copy.deepcopy(settings.source),
            "secondarySources": [],
            "secondarySourceVersions": [],
            "artifacts": {"location": ""},
            "cache": {"type": "NO_CACHE"},
            "environment": copy.deepcopy(settings.environment),
            "serviceRole": settings.role,
            "logs": self._logs(),
            "timeoutInMinutes": settings.timeout,
            "queuedTimeoutInMinutes": settings.queued_timeout,
            "buildComplete": self.end is not None,
            "initiator": self.initiator,
            "encryptionKey": settings.encryption_key,
            "exportedEnvironmentVariables": [{"name": n, "value": v} for n, v in self.exported.items()],
            "autoRetryConfig": self._retries(),
        }
        if self.end is not None:
            answer["endTime"] = seconds(self.end)
        if settings.source_version is not None:
            answer["sourceVersion"] = settings.source_version
        return answer

    def _logs(self) -> dict[str, Any]:
        logs: dict[str, Any] = {"deepLink": self.deep_link, **(self.settings.logs or {})}
        # There is a stream from the first line on.
        if self.passed(DOWNLOAD):
            logs |= {"groupName": f"/aws/codebuild/{self.project}", "streamName": self.uuid}
        return logs

    def _retries(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "autoRetryLimit": self.settings.auto_retries,
            "autoRetryNumber": self.retries,
        }
        if self.retry_of:
            told["previousAutoRetry"] = self.retry_of.arn
        if self.retried_as:
            told["nextAutoRetry"] = self.retried_as.arn
        return told

    def environment(self) -> dict[str, str]:
        """What its commands find set, besides what the runner itself sets."""
        public = {
            "CODEBUILD_BUILD_ARN": self.arn,
            "CODEBUILD_BUILD_ID": self.id,
            "CODEBUILD_BUILD_IMAGE": self.settings.environment["image"],
            "CODEBUILD_BUILD_NUMBER": str(self.number),
            "CODEBUILD_INITIATOR": self.initiator,
            "CODEBUILD_LOG_PATH": self.uuid,
            "AWS_REGION": self.account.region,
            "AWS_DEFAULT_REGION": self.account.region,
        }
        if self.settings.source["type"] == S3:
            public["CODEBUILD_SOURCE_REPO_URL"] = self.settings.source["location"]
            public["CODEBUILD_SOURCE_VERSION"] = self.settings.source_version or ""
        return {**public, **self.variables}
