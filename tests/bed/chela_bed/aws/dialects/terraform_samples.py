"""The samples in CloudFormation's words: CodeBuild projects and a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chela_bed.aws.dialects.terraform_planned import Planned, Properties, Words, but, without_nothing


def _project(it: Planned) -> Words:
    source, environment = it.block("source"), it.block("environment")
    [logs] = it.block("logs_config")["cloudwatch_logs"]
    found = {
        "Name": it["name"],
        "ServiceRole": it["service_role"],
        "Source": without_nothing({"Type": source["type"], "Location": source["location"] or None}),
        "Artifacts": {"Type": it.block("artifacts")["type"]},
        "Environment": without_nothing(
            {
                "Type": environment["type"],
                "ComputeType": environment["compute_type"],
                "Image": environment["image"],
                "PrivilegedMode": environment["privileged_mode"] or None,
            }
        ),
        "LogsConfig": {"CloudWatchLogs": {"Status": logs["status"], "GroupName": logs["group_name"]}},
        "ConcurrentBuildLimit": it["concurrent_build_limit"],
        "TimeoutInMinutes": it["build_timeout"],
        "QueuedTimeoutInMinutes": it["queued_timeout"],
        "Visibility": it["project_visibility"],
    }
    # CodeBuild's own.
    yield "", "AWS::CodeBuild::Project", but(found, Visibility="PRIVATE")


def _pipeline(it: Planned) -> Words:
    found = {
        "Name": it["name"],
        "PipelineType": it["pipeline_type"],
        "ExecutionMode": it["execution_mode"],
        "RoleArn": it["role_arn"],
        "ArtifactStore": _store(it.block("artifact_store")),
        "Variables": [
            {"Name": each["name"], "DefaultValue": each["default_value"]} for each in it["variable"]
        ],
        "Stages": [
            {"Name": stage["name"], "Actions": [_action(action) for action in stage["action"]]}
            for stage in it["stage"]
        ],
    }
    yield "", "AWS::CodePipeline::Pipeline", found


def _store(store: Mapping[str, Any]) -> Properties:
    keys = [{"Type": key["type"], "Id": key["id"]} for key in store["encryption_key"]]
    found = {"Type": store["type"], "Location": store["location"], "EncryptionKey": keys[0] if keys else None}
    return without_nothing(found)


def _action(action: Mapping[str, Any]) -> Properties:
    return without_nothing(
        {
            "Name": action["name"],
            "ActionTypeId": {
                "Category": action["category"],
                "Owner": action["owner"],
                "Provider": action["provider"],
                "Version": action["version"],
            },
            "Configuration": action["configuration"],
            "InputArtifacts": [{"Name": name} for name in action["input_artifacts"] or ()],
            "OutputArtifacts": [{"Name": name} for name in action["output_artifacts"] or ()],
        }
    )


WORDS: Mapping[str, Callable[[Planned], Words]] = {
    "aws_codebuild_project": _project,
    "aws_codepipeline": _pipeline,
}
