"""What the two functions may do, and what they may not."""

from __future__ import annotations

from rights_row import Row, no, start, yes

TRIGGER, REPORT = "trigger", "report"
PROJECT = "arn:${Partition}:codebuild:${Region}:${Account}:project"
PIPELINE = "arn:${Partition}:codepipeline:${Region}:${Account}"
QUEUE = "arn:${Partition}:sqs:${Region}:${Account}"
STREAM = ":log-stream:2026/11/23/[$LATEST]0a1b"
BUILD_ROLE = "${BuildRole}"

INTERFACES = (
    "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface"
    " ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses"
)
LOOKS = "ec2:DescribeNetworkInterfaces ec2:DescribeSubnets"
INTERFACE = "arn:${Partition}:ec2:${Region}:${Account}:network-interface/eni-0a1b"


def via(service: str) -> dict[str, str]:
    return {"kms__ViaService": f"{service}.${{Region}}.${{UrlSuffix}}"}


def _both(who: str, function: str, other: str, group: str, other_group: str) -> list[Row]:
    """What is alike for the two."""
    inside = {"lambda__SourceFunctionArn": function}
    return [
        *yes(who, "logs:CreateLogStream logs:PutLogEvents", group + STREAM, "Lambda writes its log"),
        *no(who, "logs:PutLogEvents", other_group + STREAM, "the log is the other's"),
        *no(who, "logs:CreateLogGroup", group + STREAM, "the stack makes the group, with a retention"),
        *no(who, "logs:DeleteLogStream", group + STREAM, "nobody wipes his traces"),
        *yes(who, INTERFACES, INTERFACE, "Lambda puts the function into the VPC"),
        *yes(who, LOOKS, "*", "Lambda puts the function into the VPC"),
        *no(who, INTERFACES, INTERFACE, "the code inside the function needs none of it", **inside),
        *no(who, LOOKS, "*", "the code inside the function needs none of it", **inside),
        *no(
            who,
            "ec2:CreateSecurityGroup",
            "arn:${Partition}:ec2:${Region}:${Account}:security-group/sg-0a1b",
            "it makes interfaces, nothing else",
        ),
        *no(who, "ec2:DescribeInstances", "*", "what else runs is none of its business"),
        *no(who, "lambda:InvokeFunction", other, "they meet in queues"),
        *no(who, "lambda:InvokeFunction lambda:UpdateFunctionCode", function, "nobody changes himself"),
        *no(who, "iam:PassRole", BUILD_ROLE, "no build gets a role from here"),
        *no(who, "kms:Decrypt kms:GenerateDataKey", "${Key}", "only what S3 and SQS hold is for it"),
        *no(who, "kms:Encrypt kms:DescribeKey", "${Key}", "nobody asks for that", **via("s3")),
        *no(who, "kms:ScheduleKeyDeletion", "${Key}", "the owner's"),
        *no(
            who,
            "s3:GetObject",
            "${LedgerBucket}/builds/b1",
            "never over plain HTTP",
            aws__SecureTransport="false",
        ),
        *no(who, "s3:GetObject s3:PutObject", "${LedgerBucket}/others/o1", "not a folder of ours"),
        *no(who, "s3:GetObject", "arn:${Partition}:s3:::elsewhere/builds/b1", "another bucket"),
        *no(who, "s3:PutBucketPolicy s3:DeleteBucket", "${LedgerBucket}", "the owner's"),
        *no(who, "sqs:PurgeQueue sqs:SetQueueAttributes", "${RequestsQueue}", "the owner's"),
        *no(who, "sqs:PurgeQueue sqs:SetQueueAttributes", "${ReportsQueue}", "the owner's"),
        *no(who, "sqs:SendMessage sqs:ReceiveMessage", f"{QUEUE}:elsewhere", "another queue"),
        *no(who, "secretsmanager:PutSecretValue", "${TokenSecret}", "whoever fills it in is a human"),
    ]


def _trigger_queues() -> list[Row]:
    who = TRIGGER
    return [
        *yes(who, "sqs:SendMessage", "${RequestsQueue}", "the way in puts requests there, and back"),
        *yes(
            who,
            "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes",
            "${RequestsQueue}",
            "Lambda polls with the function's role",
        ),
        *no(who, "sqs:ChangeMessageVisibility", "${RequestsQueue}", "a request is put back, not held"),
        *yes(who, "sqs:SendMessage", "${ReportsQueue}", "what Pagure is to be told"),
        *no(who, "sqs:ReceiveMessage sqs:DeleteMessage", "${ReportsQueue}", "report's alone"),
        *no(
            who, "sqs:SendMessage sqs:ReceiveMessage", "${RequestsDeadLetters}", "SQS itself puts them there"
        ),
    ]


def _trigger_buckets() -> list[Row]:
    who = TRIGGER
    found = [
        *yes(who, "s3:PutObject", "${LedgerBucket}/executions/e1", "which build an execution is"),
        *no(who, "s3:GetObject s3:DeleteObject", "${LedgerBucket}/executions/e1", "report reads it"),
        *no(who, "s3:PutObject", "${LedgerBucket}/config.json", "who may start what is not its to say"),
        *no(who, "s3:ListBucket", "${LedgerBucket}", "it knows every key", s3__prefix="open/"),
        *no(who, "s3:ListBucket s3:ListBucketVersions", "${SourcesBucket}", "it knows every key"),
        *no(who, "s3:PutObject", "${SourcesBucket}/chela-release/a.zip", "artifacts are the pipeline's"),
        *no(who, "s3:PutObject", "${SourcesBucket}/1.zip", "no key outside the prefix"),
        *no(who, "s3:PutBucketPolicy s3:PutLifecycleConfiguration", "${SourcesBucket}", "the owner's"),
        *no(
            who,
            "s3:PutObject",
            "${SourcesBucket}/sources/codebuild/hello/1.zip",
            "never over plain HTTP",
            aws__SecureTransport="false",
        ),
        *yes(who, "s3:GetObject", "${ConfigObject}", "who may start what", wish="map as object"),
        *no(who, "s3:PutObject s3:DeleteObject", "${ConfigObject}", "it only reads it", wish="map as object"),
        *no(who, "s3:GetObject", "${ConfigPlace}2", "only the object that is named", wish="map as object"),
        *no(who, "s3:GetObject", "${PipelineSource}x", "only the object that is named"),
    ]
    for folder in ("builds", "heads", "open"):
        place = f"${{LedgerBucket}}/{folder}/b1"
        found += yes(who, "s3:GetObject s3:PutObject", place, "what it knows of builds")
        found += no(who, "s3:DeleteObject", place, "report closes builds; nobody deletes the rest")
    for place in ("${SourcesBucket}/sources/codebuild/hello/1.zip", "${PipelineSource}"):
        actions = "s3:GetObject s3:PutObject s3:AbortMultipartUpload"
        found += yes(who, actions, place, "it stores what is to be built")
        actions = "s3:DeleteObject s3:DeleteObjectVersion s3:GetObjectVersion s3:PutObjectAcl"
        found += no(who, actions, place, "a source stays as it was until it expires")
    return found


def _trigger_engines() -> list[Row]:
    who, hello, line = TRIGGER, f"{PROJECT}/hello", f"{PIPELINE}:line"
    finds = "codebuild:BatchGetProjects codebuild:BatchGetBuilds codebuild:ListBuildsForProject"
    runs = (
        "codepipeline:GetPipeline codepipeline:ListPipelineExecutions"
        " codepipeline:StartPipelineExecution codepipeline:StopPipelineExecution"
    )
    return [
        *yes(who, finds, hello, "it looks for a build that it may have started"),
        *yes(who, "codebuild:StopBuild", hello, "a newer commit ends an older build"),
        *yes(who, "codebuild:StopBuild", f"{PROJECT}/strangers", "strangers' builds have a project too"),
        *yes(who, "codebuild:StopBuild", "${BuildProject}", "the sample is one of ours"),
        *no(who, finds + " codebuild:StopBuild", f"{PROJECT}/other", "not one of ours"),
        *no(who, "codebuild:StopBuild", f"{PROJECT}/hello-2", "not one of ours, though it begins so"),
        *no(
            who,
            "codebuild:StartBuildBatch codebuild:RetryBuild codebuild:UpdateProject codebuild:DeleteProject",
            hello,
            "a project is as its owner set it",
        ),
        *no(who, "codebuild:CreateProject", f"{PROJECT}/new", "a project is as its owner set it"),
        *yes(who, runs, line, "this is what it is for"),
        *yes(who, runs, "${SamplePipeline}", "the sample is one of ours"),
        *no(who, runs, f"{PIPELINE}:other", "not one of ours"),
        *no(who, "codepipeline:GetPipelineExecution", line, "report looks"),
        *no(who, "codepipeline:UpdatePipeline codepipeline:DeletePipeline", line, "the owner's"),
        *no(who, "codepipeline:PutApprovalResult", f"{line}/Deploy/Approve", "approving is a human's"),
        *no(who, "codepipeline:RetryStageExecution", f"{line}/Deploy", "a new run is a new build"),
    ]


def _trigger_key() -> list[Row]:
    uses = "kms:Decrypt kms:GenerateDataKey"
    return [
        *[
            row
            for service in ("s3", "sqs")
            for row in yes(TRIGGER, uses, "${Key}", f"what lies in {service} is encrypted", **via(service))
        ],
        *no(TRIGGER, uses, "${Key}", "the secret is report's", **via("secretsmanager")),
        *no(TRIGGER, "secretsmanager:GetSecretValue", "${TokenSecret}", "the CI token is report's"),
        *no(TRIGGER, uses, "arn:${Partition}:kms:${Region}:${Account}:key/other", "another key", **via("s3")),
    ]


def _report() -> list[Row]:
    who, hello, line = REPORT, f"{PROJECT}/hello", f"{PIPELINE}:line"
    polls = "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility sqs:GetQueueAttributes"
    uses = "kms:Decrypt kms:GenerateDataKey"
    found = [
        *yes(who, polls, "${ReportsQueue}", "Lambda polls with the function's role; a report may wait"),
        *no(who, "sqs:SendMessage", "${ReportsQueue}", "it has nothing to tell itself"),
        *no(who, polls + " sqs:SendMessage", "${RequestsQueue}", "trigger's alone"),
        *no(who, "sqs:ReceiveMessage", "${ReportsDeadLetters}", "a human looks there"),
        *yes(who, "s3:PutObject s3:DeleteObject", "${LedgerBucket}/open/b1", "it closes builds"),
        *yes(who, "s3:ListBucket", "${LedgerBucket}", "the sweep looks what is open", s3__prefix="open/"),
        *no(who, "s3:ListBucket", "${LedgerBucket}", "and at nothing else", s3__prefix="builds/"),
        *no(who, "s3:ListBucket", "${LedgerBucket}", "not at the whole"),
        *no(who, "s3:ListBucketVersions", "${LedgerBucket}", "there are none", s3__prefix="open/"),
        *no(who, "s3:PutObjectAcl s3:DeleteObjectVersion", "${LedgerBucket}/open/b1", "nobody asks for that"),
        *no(who, "s3:ListBucket", "${SourcesBucket}", "sources are not for it", s3__prefix="open/"),
        *no(
            who,
            "s3:GetObject s3:GetObjectVersion s3:PutObject s3:DeleteObject",
            "${SourcesBucket}/sources/codebuild/hello/1.zip",
            "sources are not for it",
        ),
        *no(who, "s3:GetObject s3:PutObject", "${LedgerBucket}/heads/h1", "trigger's alone"),
        *no(who, "s3:GetObject", "${LedgerBucket}/config.json", "who may start what is trigger's"),
        *yes(who, "codebuild:BatchGetBuilds", hello, "what became of a build"),
        *no(who, "codebuild:BatchGetBuilds", f"{PROJECT}/other", "not one of ours"),
        *no(who, "codebuild:StartBuild", hello, "it starts nothing", **start()),
        *no(who, "codebuild:StopBuild codebuild:BatchGetProjects", hello, "it only looks"),
        *yes(who, "codebuild:BatchGetBuilds", f"{PROJECT}/strangers", "strangers' builds as well"),
        *yes(who, "codebuild:BatchGetBuilds", "${BuildProject}", "the sample is one of ours"),
        *yes(who, "codepipeline:GetPipelineExecution", "${SamplePipeline}", "the sample is one of ours"),
        *yes(who, "codepipeline:GetPipelineExecution", line, "what became of an execution"),
        *no(who, "codepipeline:GetPipelineExecution", f"{PIPELINE}:other", "not one of ours"),
        *no(
            who,
            "codepipeline:StartPipelineExecution codepipeline:StopPipelineExecution codepipeline:GetPipeline",
            line,
            "it starts nothing",
        ),
        *yes(who, "secretsmanager:GetSecretValue", "${TokenSecret}", "Pagure wants the CI token"),
        *no(
            who,
            "secretsmanager:GetSecretValue",
            "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:other-AbCdEf",
            "another secret",
        ),
        *no(who, "secretsmanager:DeleteSecret secretsmanager:DescribeSecret", "${TokenSecret}", "it reads"),
        *no(who, uses, "arn:${Partition}:kms:${Region}:${Account}:key/other", "another key", **via("s3")),
        *no(who, uses, "${Key}", "not what lies elsewhere", **via("dynamodb")),
    ]
    for folder in ("builds", "executions", "open"):
        found += yes(who, "s3:GetObject", f"${{LedgerBucket}}/{folder}/b1", "whose build it is")
    for folder in ("builds", "executions"):
        found += no(who, "s3:PutObject s3:DeleteObject", f"${{LedgerBucket}}/{folder}/b1", "trigger's")
    for service in ("s3", "sqs", "secretsmanager"):
        found += yes(who, uses, "${Key}", f"what lies in {service} is encrypted", **via(service))
    return found


FUNCTIONS: list[Row] = [
    *_both("trigger", "${TriggerFunction}", "${ReportFunction}", "${TriggerLogGroup}", "${ReportLogGroup}"),
    *_trigger_queues(),
    *_trigger_buckets(),
    *_trigger_engines(),
    *_trigger_key(),
    *_both("report", "${ReportFunction}", "${TriggerFunction}", "${ReportLogGroup}", "${TriggerLogGroup}"),
    *_report(),
]
