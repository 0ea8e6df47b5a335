"""CodeBuild's condition keys for what a StartBuild overrides: "AWS CodeBuild condition keys", User Guide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chela_bed.aws.api import Members
from chela_bed.aws.evaluator import Context

# A member of the request, or of one of its members, and the key that carries its value.
VALUES = {
    "serviceRoleOverride": "serviceRole",
    "encryptionKeyOverride": "encryptionKey",
    "autoRetryLimitOverride": "autoRetryLimit",
    "sourceLocationOverride": "source.location",
    "insecureSslOverride": "source.insecureSsl",
    "sourceAuthOverride.type": "source.auth.type",
    "sourceAuthOverride.resource": "source.auth.resource",
    "buildStatusConfigOverride.context": "source.buildStatusConfig.context",
    "buildStatusConfigOverride.targetUrl": "source.buildStatusConfig.targetUrl",
    "environmentTypeOverride": "environment.type",
    "imageOverride": "environment.image",
    "computeTypeOverride": "environment.computeType",
    "certificateOverride": "environment.certificate",
    "privilegedModeOverride": "environment.privilegedMode",
    "imagePullCredentialsTypeOverride": "environment.imagePullCredentialsType",
    "registryCredentialOverride.credential": "environment.registryCredential.credential",
    "registryCredentialOverride.credentialProvider": "environment.registryCredential.credentialProvider",
    "fleetOverride.fleetArn": "environment.fleet.fleetArn",
    "cacheOverride.type": "cache.type",
    "cacheOverride.location": "cache.location",
    "artifactsOverride.location": "artifacts.location",
    "artifactsOverride.bucketOwnerAccess": "artifacts.bucketOwnerAccess",
    "artifactsOverride.encryptionDisabled": "artifacts.encryptionDisabled",
    "logsConfigOverride.s3Logs.status": "logsConfig.s3Logs.status",
    "logsConfigOverride.s3Logs.location": "logsConfig.s3Logs.location",
}
# Of these the key tells only that they are there.
PRESENCE = {
    "buildspecOverride": "source.buildspec",
    "cacheOverride": "cache",
    "artifactsOverride": "artifacts",
    "logsConfigOverride": "logsConfig",
    "secondarySourcesOverride": "secondarySources",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "registryCredentialOverride": "environment.registryCredential",
    "environmentVariablesOverride": "environment.environmentVariables",
}


def conditions(params: Members) -> Context:
    """The condition keys that a StartBuild brings with it."""
    found: dict[str, str | list[str]] = {}
    for path, key in VALUES.items():
        value = _at(params, path)
        if value is not None:
            found[f"codebuild:{key}"] = _text(value)
    found |= {f"codebuild:{key}": "true" for name, key in PRESENCE.items() if name in params}
    return found | _variables(params.get("environmentVariablesOverride", []))


def _variables(variables: list[Mapping[str, str]]) -> dict[str, str | list[str]]:
    if not variables:
        return {}
    start = "codebuild:environment.environmentVariables"
    lists: dict[str, str | list[str]] = {
        f"{start}.name": [variable["name"] for variable in variables],
        f"{start}.value": [variable["value"] for variable in variables],
    }
    return lists | {f"{start}/{variable['name']}.value": variable["value"] for variable in variables}


def _at(params: Members, path: str) -> Any:
    value: Any = params
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
