"""A plan's resources in CloudFormation's types and properties, by the logical names of the template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import Resource
from chela_bed.aws.dialects import terraform_kept, terraform_running, terraform_samples
from chela_bed.aws.dialects.terraform_planned import Planned, is_known, without_nothing
from chela_bed.aws.dialects.terraform_unread import Reads
from chela_bed.paths import BedError

WORDS = {**terraform_kept.WORDS, **terraform_running.WORDS, **terraform_samples.WORDS}
# Addresses in the module, as patterns; all parts of a bucket or of a rule are one.
LOGICAL = {
    r"aws_sqs_queue\.requests": "RequestsQueue",
    r"aws_sqs_queue\.reports": "ReportsQueue",
    r"aws_sqs_queue\.dead\[requests\]": "RequestsDeadLetters",
    r"aws_sqs_queue\.dead\[reports\]": "ReportsDeadLetters",
    r"aws_s3_bucket\w*\.sources": "SourcesBucket",
    r"aws_s3_bucket\w*\.ledger": "LedgerBucket",
    r"aws_s3_bucket\w*\.this\[sources\]": "SourcesBucket",
    r"aws_s3_bucket\w*\.this\[ledger\]": "LedgerBucket",
    r"aws_s3_object\.config": "ConfigObject",
    r"aws_secretsmanager_secret\.token\[0\]": "NewTokenSecret",
    r"aws_kms_key\.this\[0\]": "Key",
    r"aws_kms_alias\.this\[0\]": "KeyAlias",
    r"aws_lambda_function\.this\[trigger\]": "TriggerFunction",
    r"aws_lambda_function\.this\[report\]": "ReportFunction",
    r"aws_lambda_event_source_mapping\.this\[trigger\]": "RequestsMapping",
    r"aws_lambda_event_source_mapping\.this\[report\]": "ReportsMapping",
    r"aws_lambda_function_url\.trigger\[0\]": "TriggerUrl",
    r"aws_apigatewayv2_api\.trigger\[0\]": "TriggerApi",
    r"aws_apigatewayv2_integration\.trigger\[0\]": "TriggerApiIntegration",
    r"aws_apigatewayv2_route\.trigger\[0\]": "TriggerApiRoute",
    r"aws_apigatewayv2_stage\.trigger\[0\]": "TriggerApiStage",
    r"aws_lambda_permission\.api\[0\]": "TriggerApiPermission",
    r"aws_lambda_permission\.foreign_caller\[.*\]": "ElsewhereMayAskTheUrl",
    r"aws_iam_user\.caller\[.*\]": "Caller",
    r"aws_iam_user_policy\.caller\[.*\]": "CallerPolicy",
    r"aws_cloudwatch_event_(rule|target)\.this\[codebuild\]": "CodeBuildRule",
    r"aws_cloudwatch_event_(rule|target)\.this\[codepipeline\]": "CodePipelineRule",
    r"aws_scheduler_schedule\.sweep": "SweepSchedule",
    r"aws_cloudwatch_log_group\.function\[trigger\]": "TriggerLogGroup",
    r"aws_cloudwatch_log_group\.function\[report\]": "ReportLogGroup",
    r"aws_cloudwatch_log_group\.sample\[hello\]": "SampleBuildLogGroup",
    r"aws_cloudwatch_log_group\.sample\[release\]": "PipelineBuildLogGroup",
    r"aws_cloudwatch_metric_alarm\.this\[requests-dead\]": "RequestsDeadLettersAlarm",
    r"aws_cloudwatch_metric_alarm\.this\[reports-dead\]": "ReportsDeadLettersAlarm",
    r"aws_cloudwatch_metric_alarm\.this\[trigger-errors\]": "TriggerErrorsAlarm",
    r"aws_cloudwatch_metric_alarm\.this\[report-errors\]": "ReportErrorsAlarm",
    r"aws_cloudwatch_metric_alarm\.this\[requests-age\]": "RequestsAgeAlarm",
    r"aws_cloudwatch_metric_alarm\.this\[reports-age\]": "ReportsAgeAlarm",
    r"aws_codebuild_project\.sample\[hello\]": "SampleProject",
    r"aws_codebuild_project\.sample\[release\]": "PipelineBuildProject",
    r"aws_codepipeline\.sample\[0\]": "SamplePipeline",
}
ROLES = {
    "trigger": "Trigger",
    "report": "Report",
    "sweep": "Sweep",
    "build": "Build",
    "pipeline": "Pipeline",
    "pipeline-build": "PipelineBuild",
}


def resources(plan: Mapping[str, Any], label: str, account: Account) -> dict[str, Resource]:
    """All that a module of the plan makes; what Terraform makes in parts is one."""
    made: dict[str, Resource] = {}
    reads = Reads()
    for planned in map(reads.watch, _planned(plan, f"module.{label}.", account)):
        for suffix, kind, found in WORDS[planned.type](planned):
            if not is_known(found):
                raise BedError(f"{planned.address} is known after apply only, make it beforehand: {found}")
            logical = _logical(planned.address) + suffix
            before = made[logical].properties if logical in made else {}
            made[logical] = Resource(logical, kind, {**before, **without_nothing(found)})
    reads.check(plan, label)
    return made


def _planned(plan: Mapping[str, Any], prefix: str, account: Account) -> Iterator[Planned]:
    for each in plan["resource_changes"]:
        address = each["address"]
        if each["mode"] == "managed" and address.startswith(prefix):
            yield Planned.of(address.removeprefix(prefix), each["change"], account)


def _logical(address: str) -> str:
    plain = address.replace('"', "")
    role = re.fullmatch(r"aws_iam_role(_policy)?\.this\[(.*)\]", plain)
    if role:
        return ROLES[role[2]] + ("Policy" if role[1] else "Role")
    found = [name for pattern, name in LOGICAL.items() if re.fullmatch(pattern, plain)]
    if len(found) != 1:
        raise BedError(f"{address} has no logical name; teach chela_bed.aws.dialects.terraform_words")
    return found[0]
