"""CodeBuild's projects, and what becomes of them under a StartBuild's overrides."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.api import ServiceError
from chela_bed.aws.engines.clock import seconds

S3 = "S3"
NO_SOURCE = "NO_SOURCE"
# A build that CodePipeline started has its source from there.
CODEPIPELINE = "CODEPIPELINE"
PLAYED = (S3, NO_SOURCE, CODEPIPELINE)
PUBLIC = "PUBLIC_READ"

IMAGE = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "computeType": "BUILD_GENERAL1_SMALL",
    "privilegedMode": False,
    "imagePullCredentialsType": "CODEBUILD",
}


def invalid(message: str) -> ServiceError:
    """CodeBuild's word for nearly everything."""
    return ServiceError("InvalidInputException", message)


@dataclass
class BuildProject:
    """A project; its fields are the API's."""

    name: str
    role: str
    created: datetime
    source: dict[str, Any] = field(default_factory=lambda: {"type": NO_SOURCE})
    environment: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(IMAGE))
    artifacts: dict[str, Any] = field(default_factory=lambda: {"type": "NO_ARTIFACTS"})
    visibility: str = "PRIVATE"
    concurrent: int | None = None
    timeout: int = 60
    queued_timeout: int = 480
    auto_retries: int = 0
    source_version: str | None = None
    # Where its role has to be able to write the log, if it is looked at.
    log_group: str | None = None
    # Builds so far: the newest one's number.
    builds: int = 0

    @classmethod
    def described(cls, told: Mapping[str, Any]) -> BuildProject:
        """As BatchGetProjects tells of it."""
        group = told.get("logsConfig", {}).get("cloudWatchLogs", {}).get("groupName")
        return cls(
            told["name"],
            told["serviceRole"],
            told["created"],
            source=told["source"],
            environment={**IMAGE, **told["environment"]},
            artifacts=told["artifacts"],
            visibility=told.get("projectVisibility", "PRIVATE"),
            concurrent=told.get("concurrentBuildLimit"),
            timeout=told["timeoutInMinutes"],
            queued_timeout=told["queuedTimeoutInMinutes"],
            auto_retries=told.get("autoRetryLimit", 0),
            source_version=told.get("sourceVersion"),
            log_group=group or f"/aws/codebuild/{told['name']}",
        )

    def arn(self, account: Account) -> str:
        return account.arn("codebuild", f"project/{self.name}")

    @property
    def alias(self) -> str | None:
        """The name of its public page."""
        if self.visibility != PUBLIC:
            return None
        return base64.urlsafe_b64encode(f'{{"public":"{self.name}"}}'.encode()).decode()

    def request(self) -> dict[str, Any]:
        """As CreateProject asks for it."""
        optional = {"sourceVersion": self.source_version, "concurrentBuildLimit": self.concurrent}
        return {
            "name": self.name,
            "source": copy.deepcopy(self.source),
            "artifacts": copy.deepcopy(self.artifacts),
            "cache": {"type": "NO_CACHE"},
            "environment": {"environmentVariables": [], **copy.deepcopy(self.environment)},
            "serviceRole": self.role,
            "timeoutInMinutes": self.timeout,
            "queuedTimeoutInMinutes": self.queued_timeout,
            "autoRetryLimit": self.auto_retries,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def api(self, account: Account) -> dict[str, Any]:
        """As BatchGetProjects has it."""
        return {
            **self.request(),
            "arn": self.arn(account),
            "encryptionKey": _key(account),
            "created": seconds(self.created),
            "lastModified": seconds(self.created),
            "badge": {"badgeEnabled": False},
            "projectVisibility": self.visibility,
            **({"publicProjectAlias": self.alias} if self.alias else {}),
        }


def _key(account: Account) -> str:
    return account.arn("kms", "alias/aws/s3")


@dataclass(frozen=True)
class Settings:
    """What holds for one build."""

    source: dict[str, Any]
    source_version: str | None
    environment: dict[str, Any]
    artifacts: dict[str, Any]
    role: str
    timeout: int
    queued_timeout: int
    encryption_key: str
    auto_retries: int
    logs: dict[str, Any] | None
    debug: bool
    log_group: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Name and value of its variables, whatever their type."""
        return {each["name"]: each["value"] for each in self.environment.get("environmentVariables", [])}


# Overrides that change a member of the environment.
ENVIRONMENT = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "certificateOverride": "certificate",
    "privilegedModeOverride": "privilegedMode",
    "registryCredentialOverride": "registryCredential",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
    "fleetOverride": "fleet",
    "hostKernelOverride": "hostKernel",
}
# They apply to sources in git alone, and do nothing else.
GIT_ALONE = {
    "sourceAuthOverride",
    "gitCloneDepthOverride",
    "gitSubmodulesConfigOverride",
    "insecureSslOverride",
    "buildStatusConfigOverride",
    "cacheOverride",
}
# What no test needs is refused, lest it be ignored in silence.
NOT_PLAYED = ("secondarySourcesOverride", "secondarySourcesVersionOverride", "secondaryArtifactsOverride")
HONOURED = {
    "projectName",
    "idempotencyToken",
    "sourceVersion",
    "artifactsOverride",
    "environmentVariablesOverride",
    "sourceTypeOverride",
    "sourceLocationOverride",
    "buildspecOverride",
    "reportBuildStatusOverride",
    "serviceRoleOverride",
    "timeoutInMinutesOverride",
    "queuedTimeoutInMinutesOverride",
    "encryptionKeyOverride",
    "logsConfigOverride",
    "debugSessionEnabled",
    "autoRetryLimitOverride",
}


def settings(project: BuildProject, request: Mapping[str, Any], account: Account) -> Settings:
    """The project's settings with a StartBuild's overrides, or `InvalidInputException`."""
    _refuse_unplayed(request)
    source = _source(project, request)
    if request.get("reportBuildStatusOverride"):
        raise invalid(f"reportBuildStatus is not supported for the source type {source['type']}")
    return Settings(
        source=source,
        source_version=request.get("sourceVersion", project.source_version),
        environment=_environment(project, request),
        artifacts=request.get("artifactsOverride", project.artifacts),
        role=request.get("serviceRoleOverride", project.role),
        timeout=request.get("timeoutInMinutesOverride", project.timeout),
        queued_timeout=request.get("queuedTimeoutInMinutesOverride", project.queued_timeout),
        encryption_key=request.get("encryptionKeyOverride", _key(account)),
        auto_retries=request.get("autoRetryLimitOverride", project.auto_retries),
        logs=request.get("logsConfigOverride"),
        debug=request.get("debugSessionEnabled", False),
        log_group=project.log_group,
    )


def _refuse_unplayed(request: Mapping[str, Any]) -> None:
    for name, value in request.items():
        if name in NOT_PLAYED and value:
            raise invalid(f"the stand-in does not play {name}")
        if name not in HONOURED and name not in ENVIRONMENT and name not in GIT_ALONE and value:
            raise invalid(f"the stand-in does not know {name}")
    if request.get("artifactsOverride", {}).get("type", "NO_ARTIFACTS") == S3:
        raise invalid("the stand-in stores no artifacts")


def _source(project: BuildProject, request: Mapping[str, Any]) -> dict[str, Any]:
    source = copy.deepcopy(project.source)
    overridden = request.get("sourceTypeOverride")
    if overridden is not None and overridden != source["type"]:
        source = {"type": overridden, **_kept(source, "buildspec")}
    if "sourceLocationOverride" in request:
        source["location"] = request["sourceLocationOverride"]
    if "buildspecOverride" in request:
        source["buildspec"] = request["buildspecOverride"]
    check_source(source)
    return source


def _kept(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: source[name]} if name in source else {}


def check_source(source: Mapping[str, Any]) -> None:
    """Refuse what CodeBuild refuses of a source."""
    kind, location = source["type"], source.get("location")
    if kind not in PLAYED:
        raise invalid(f"the stand-in does not play sources of the type {kind}")
    if kind == S3 and not (location and all(object_of(location))):
        raise invalid(f"Invalid project source: location must be a valid S3 source: {location}")
    if kind == NO_SOURCE and location:
        raise invalid("Project source location must be empty for the source type NO_SOURCE")
    if kind == NO_SOURCE and not is_inline(source.get("buildspec")):
        raise invalid("Project source type NO_SOURCE needs an inline buildspec")


def object_of(location: str) -> tuple[str, str]:
    """Bucket and key of an S3 source's location."""
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key


def is_inline(buildspec: str | None) -> bool:
    """Whether it is a buildspec itself, and no file's name."""
    return buildspec is not None and ("\n" in buildspec or buildspec.lstrip().startswith("{"))


def _environment(project: BuildProject, request: Mapping[str, Any]) -> dict[str, Any]:
    environment = copy.deepcopy(project.environment)
    environment |= {ENVIRONMENT[name]: request[name] for name in ENVIRONMENT if name in request}
    variables = {each["name"]: each for each in environment.get("environmentVariables", [])}
    variables |= {each["name"]: dict(each) for each in request.get("environmentVariablesOverride", [])}
    environment["environmentVariables"] = [{"type": "PLAINTEXT", **each} for each in variables.values()]
    return environment
