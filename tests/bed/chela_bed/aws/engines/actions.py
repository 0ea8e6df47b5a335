"""What a pipeline's actions do: get a zip out of S3, run a CodeBuild project, wait for a person."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.aws.api import ServiceError
from chela_bed.aws.engines import builds
from chela_bed.aws.engines.builds import Build, Handed
from chela_bed.aws.engines.codebuild import CodeBuild
from chela_bed.aws.engines.executions import ActionRun, Execution, Revision
from chela_bed.aws.engines.floor import Floor
from chela_bed.aws.engines.pipelines import Pipeline
from chela_bed.aws.engines.projects import CODEPIPELINE
from chela_bed.aws.engines.sources import SourceError

VARIABLE = re.compile(r"#\{([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)\}")


class ActionFailed(Exception):  # noqa: N818  it is an outcome
    """The action failed: a code of CodePipeline's, and a sentence."""

    def __init__(self, code: str, summary: str) -> None:
        super().__init__(code, summary)
        self.error = (code, summary)


class Left(Exception):  # noqa: N818  it is an outcome
    """Nobody waits for the action any more."""


@dataclasses.dataclass
class Actions:
    """Runs actions."""

    floor: Floor
    codebuild: CodeBuild
    # What people said to approval actions, by pipeline and action.
    approvals: dict[tuple[str, str], bool] = dataclasses.field(default_factory=dict)

    def run(self, pipeline: Pipeline, execution: Execution, run: ActionRun) -> None:
        """To its end; raise `ActionFailed` or `Left` for another end than success."""
        provider = run.action["actionTypeId"]["provider"]
        work: Mapping[str, Callable[[Pipeline, Execution, ActionRun], None]] = {
            "S3": self._source,
            "CodeBuild": self._build,
            "Manual": self._approval,
        }
        work[provider](pipeline, execution, run)

    def _source(self, pipeline: Pipeline, execution: Execution, run: ActionRun) -> None:
        configuration, asked = run.action["configuration"], execution.overrides(run.name)
        bucket = configuration["S3Bucket"]
        key = asked.get("S3_OBJECT_KEY", configuration["S3ObjectKey"])
        artifact = run.action["outputArtifacts"][0]["name"]
        archive = self.floor.work / f"{run.id}.zip"
        role = run.action.get("roleArn", pipeline.role)
        version = asked.get("S3_OBJECT_VERSION_ID")
        # As AWS keeps them: the pipeline's name, cut, comes first.
        stored = (
            (pipeline.store, f"{pipeline.name[:20]}/{artifact[:10]}/{run.id}") if pipeline.stores else None
        )
        try:
            got = self.floor.sources.fetch(role, (bucket, key), version, archive)
            if stored:
                self.floor.sources.store(pipeline.role, stored, archive)
        except SourceError as error:
            raise ActionFailed("PermissionError", str(error)) from error
        revision = Revision(run.name, artifact, bucket, key, got.version, got.etag, self.floor.clock.now())
        self._put_out(execution, run, revision, Handed(archive, stored))

    def _put_out(self, execution: Execution, run: ActionRun, revision: Revision, put: Handed) -> None:
        with self.floor.changed:
            kept = [each for each in execution.revisions if each.action != revision.action]
            execution.revisions = [*kept, revision]
            execution.artifacts[revision.artifact] = put
            if "namespace" in run.action:
                execution.outputs[run.action["namespace"]] = {
                    "BucketName": revision.bucket,
                    "ObjectKey": revision.key,
                    "ETag": revision.etag,
                    "VersionId": revision.version,
                }

    def _build(self, pipeline: Pipeline, execution: Execution, run: ActionRun) -> None:
        try:
            run.build = self._start(pipeline, execution, run)
        except ServiceError as error:
            raise ActionFailed("JobFailed", f"Error calling startBuild: {error.message}") from error
        build = run.build
        with self.floor.changed:
            self.floor.changed.wait_for(lambda: build.end or execution.leaving)
            if build.end is None:
                raise Left
        if build.status != builds.SUCCEEDED:
            raise ActionFailed("JobFailed", f"Build terminated with state: {build.status}")

    def _start(self, pipeline: Pipeline, execution: Execution, run: ActionRun) -> Build:
        configuration = resolved(run.action["configuration"], execution)
        project = configuration["ProjectName"]
        self._check_rights(pipeline, project)
        request: dict[str, Any] = {
            "projectName": project,
            "environmentVariablesOverride": _pasted(configuration.get("EnvironmentVariables", "[]")),
        }
        held = self.codebuild.settings(project, request)
        handed = execution.artifacts[run.action["inputArtifacts"][0]["name"]]
        spec = {"buildspec": held.source["buildspec"]} if "buildspec" in held.source else {}
        held = dataclasses.replace(
            held,
            source={"type": CODEPIPELINE, **spec},
            source_version=f"arn:aws:s3:::{pipeline.store}/{pipeline.name}/{handed.archive.name}",
        )
        return self.codebuild.start(project, held, f"codepipeline/{pipeline.name}", request, handed)

    def _check_rights(self, pipeline: Pipeline, project: str) -> None:
        """It starts the build, and looks what becomes of it, with its own role."""
        role, arn = pipeline.role, self.floor.account.arn("codebuild", f"project/{project}")
        for action in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
            if not self.floor.may(role, action, arn):
                raise ActionFailed(
                    "PermissionError", f"{role} is not authorized to perform: {action} on {arn}"
                )

    def _approval(self, pipeline: Pipeline, execution: Execution, run: ActionRun) -> None:
        place = (pipeline.name, run.name)
        with self.floor.changed:
            self.floor.changed.wait_for(lambda: place in self.approvals or execution.leaving)
            if place not in self.approvals:
                raise Left
            if not self.approvals.pop(place):
                raise ActionFailed("Rejected", "Rejected by the approver")


def resolved(configuration: Mapping[str, str], execution: Execution) -> dict[str, str]:
    """A configuration with all variables pasted in, as text."""
    known: dict[str, Mapping[str, str]] = {
        **execution.outputs,
        "variables": execution.variables,
        "codepipeline": {"PipelineExecutionId": execution.id},
    }

    def value(found: re.Match[str]) -> str:
        namespace, name = found.groups()
        if name not in known.get(namespace, {}):
            raise ActionFailed("InvalidVariableReference", f"there is no variable {found.group()}")
        return known[namespace][name]

    return {name: VARIABLE.sub(value, text) for name, text in configuration.items()}


def _pasted(text: str) -> list[dict[str, Any]]:
    """The variables of a CodeBuild action: JSON, whatever was pasted into it."""
    try:
        variables = json.loads(text)
        return [{"name": each["name"], "value": each["value"], **_type(each)} for each in variables]
    except (ValueError, TypeError, KeyError) as error:
        raise ActionFailed(
            "InvalidActionConfiguration", f"EnvironmentVariables is no valid JSON: {error}"
        ) from error


def _type(variable: Mapping[str, str]) -> dict[str, str]:
    return {"type": variable["type"]} if "type" in variable else {}
