"""Who may come in: callers of the front door, what AWS itself sends, and who may take which role."""

from __future__ import annotations

from rights_functions import PROJECT, QUEUE, STREAM
from rights_row import Row, no, start, yes

FUNCTION = "${TriggerFunction}"
URL = {"lambda__FunctionUrlAuthType": "AWS_IAM"}
THROUGH = {"lambda__InvokedViaFunctionUrl": "true"}
# The route is `POST /`, of which IAM sees `POST/`; the program that decides wants a letter behind it.
ROUTE = "${TriggerApi}/$default/POST/x"


def _callers(who: str, wish: str) -> list[Row]:
    """What no caller may, through whichever door."""
    return [
        *no(who, "lambda:InvokeFunction", FUNCTION, "a plain Invoke could bring any event", wish),
        *no(
            who,
            "lambda:InvokeFunction",
            FUNCTION,
            "not through the URL",
            wish,
            lambda__InvokedViaFunctionUrl="false",
        ),
        *no(who, "lambda:InvokeFunction", "${ReportFunction}", "nobody reports by hand", wish, **THROUGH),
        *no(who, "lambda:GetFunction lambda:UpdateFunctionCode", FUNCTION, "a caller calls", wish),
        *no(who, "sqs:SendMessage", "${RequestsQueue}", "past the door there is no check", wish),
        *no(who, "sqs:SendMessage sqs:ReceiveMessage", "${ReportsQueue}", "report's alone", wish),
        *no(
            who,
            "s3:GetObject s3:PutObject",
            "${SourcesBucket}/sources/codebuild/hello/1.zip",
            "not for callers",
            wish,
        ),
        *no(who, "s3:GetObject", "${LedgerBucket}/builds/b1", "not for callers", wish),
        *no(who, "secretsmanager:GetSecretValue", "${TokenSecret}", "not for callers", wish),
        *no(who, "codebuild:StartBuild", f"{PROJECT}/hello", "only trigger starts", wish, **start()),
        *no(who, "sts:AssumeRole", "${TriggerRole}", "the role is the function's", wish),
    ]


CALLERS: list[Row] = [
    *yes("caller", "lambda:InvokeFunctionUrl", FUNCTION, "the first of the URL's two rights", **URL),
    *yes("caller", "lambda:InvokeFunction", FUNCTION, "the second", **THROUGH),
    *no(
        "caller",
        "lambda:InvokeFunctionUrl",
        FUNCTION,
        "an open URL would take no signature",
        lambda__FunctionUrlAuthType="NONE",
    ),
    *no("caller", "lambda:InvokeFunctionUrl", FUNCTION, "no kind of URL is told"),
    *no("caller", "lambda:InvokeFunctionUrl", "${ReportFunction}", "it has no URL", **URL),
    *no("caller", "lambda:InvokeFunctionUrl", FUNCTION + "2", "another function", **URL),
    *no("caller", "lambda:InvokeFunction", FUNCTION + "2", "another function", **THROUGH),
    *no(
        "caller",
        "iam:CreateAccessKey",
        "arn:${Partition}:iam::${Account}:user/chela-pagure-demo-hello",
        "the owner's",
    ),
    *no("caller", "lambda:UpdateFunctionUrlConfig", FUNCTION, "the owner's", **URL),
    *no("caller", "kms:Decrypt", "${Key}", "nothing there is for callers"),
    *_callers("caller", "whole"),
    *yes("caller", "execute-api:Invoke", ROUTE, "the door where there are no URLs", "http api"),
    *no("caller", "execute-api:Invoke", "${TriggerApi}/$default/GET/x", "another method", "http api"),
    *no("caller", "execute-api:Invoke", "${TriggerApi}/test/POST/x", "another stage", "http api"),
    *no("caller", "execute-api:Invoke", "${TriggerApi}2/$default/POST/x", "another API", "http api"),
    *no(
        "caller",
        "execute-api:ManageConnections",
        "${TriggerApi}/$default/POST/@connections/1",
        "no sockets",
        "http api",
    ),
    *no("caller", "lambda:InvokeFunctionUrl", FUNCTION, "there is none", "http api", **URL),
    *no("caller", "lambda:InvokeFunction", FUNCTION, "there is no URL", "http api", **THROUGH),
    *_callers("caller", "http api"),
    # A caller of another account may whatever that account says; here the function has the last word.
    *yes("guest", "lambda:InvokeFunctionUrl", FUNCTION, "the function lets it in", "caller elsewhere", **URL),
    *yes(
        "guest", "lambda:InvokeFunction", FUNCTION, "the function lets it in", "caller elsewhere", **THROUGH
    ),
    *_callers("guest", "caller elsewhere"),
    *no(
        "guest",
        "lambda:InvokeFunctionUrl",
        FUNCTION,
        "an open URL would take no signature",
        "caller elsewhere",
        lambda__FunctionUrlAuthType="NONE",
    ),
    *no("guest", "lambda:UpdateFunctionUrlConfig", FUNCTION, "the owner's", "caller elsewhere", **URL),
    *no(
        "stranger",
        "lambda:InvokeFunctionUrl",
        FUNCTION,
        "another user of that account",
        "caller elsewhere",
        **URL,
    ),
    *no(
        "stranger",
        "lambda:InvokeFunction",
        FUNCTION,
        "another user of that account",
        "caller elsewhere",
        **THROUGH,
    ),
    *no("guest", "lambda:InvokeFunctionUrl", FUNCTION, "nobody asked for it", **URL),
    *no("nobody", "lambda:InvokeFunctionUrl", FUNCTION, "of the account, but without a policy", **URL),
]

API, EVENTS = "apigateway.amazonaws.com", "events.amazonaws.com"
SENDS = "sqs:SendMessage"
RULE = "arn:${Partition}:events:${Region}:${Account}:rule"
BUILDS, LINES = f"{RULE}/${{Prefix}}-codebuild", f"{RULE}/${{Prefix}}-codepipeline"
FOREIGN = "arn:${Partition}:events:${Region}:999999999999:rule/${Prefix}-codebuild"
OURS = {"aws__SourceAccount": "${Account}"}
THEIRS = {"aws__SourceAccount": "999999999999"}
KEY_USES = "kms:Decrypt kms:GenerateDataKey"


def by(rule: str) -> dict[str, str]:
    return {"aws__SourceArn": rule}


SERVICES: list[Row] = [
    *yes(EVENTS, SENDS, "${ReportsQueue}", "what becomes of builds", **by(BUILDS)),
    *yes(EVENTS, SENDS, "${ReportsQueue}", "what becomes of pipelines", **by(LINES)),
    *no(EVENTS, SENDS, "${ReportsQueue}", "another rule of the account", **by(f"{RULE}/other")),
    *no(EVENTS, SENDS, "${ReportsQueue}", "a rule that begins like ours", **by(f"{BUILDS}-2")),
    *no(EVENTS, SENDS, "${ReportsQueue}", "a rule of this name elsewhere", **by(FOREIGN)),
    *no(EVENTS, SENDS, "${ReportsQueue}", "no rule at all"),
    *no(
        EVENTS,
        "sqs:ReceiveMessage sqs:PurgeQueue",
        "${ReportsQueue}",
        "it brings, it does not take",
        **by(BUILDS),
    ),
    *no(EVENTS, SENDS, "${RequestsQueue}", "events are no requests", **by(BUILDS)),
    *no(EVENTS, SENDS, "${ReportsDeadLetters}", "events have one queue", **by(BUILDS)),
    *no(EVENTS, SENDS, f"{QUEUE}:elsewhere", "events have one queue", **by(BUILDS)),
    *no("sns.amazonaws.com", SENDS, "${ReportsQueue}", "another service", **by(BUILDS)),
    *no("s3.amazonaws.com", SENDS, "${ReportsQueue}", "another service", **by("${SourcesBucket}")),
    *no("stranger", SENDS, "${ReportsQueue}", "another account", **by(BUILDS)),
    *no("nobody", SENDS, "${ReportsQueue}", "of the account, but without a policy", **by(BUILDS)),
    *yes(EVENTS, KEY_USES, "${Key}", "the queue is encrypted", **OURS, **by(BUILDS)),
    *yes(EVENTS, KEY_USES, "${Key}", "the queue is encrypted", **OURS, **by(LINES)),
    *no(EVENTS, KEY_USES, "${Key}", "another rule of the account", **OURS, **by(f"{RULE}/other")),
    *no(EVENTS, KEY_USES, "${Key}", "for somebody else's rule", **THEIRS, **by(FOREIGN)),
    *no(EVENTS, "kms:Encrypt kms:PutKeyPolicy", "${Key}", "nobody asks for that", **OURS, **by(BUILDS)),
    *no("sns.amazonaws.com", KEY_USES, "${Key}", "another service", **OURS, **by(BUILDS)),
    *yes(
        EVENTS, KEY_USES, "${Key}", "in every partition", "another region and partition", **OURS, **by(BUILDS)
    ),
    *no(
        EVENTS,
        KEY_USES,
        "${Key}",
        "its owner has to let them",
        "key and secret of theirs",
        **OURS,
        **by(BUILDS),
    ),
    *yes("owner", "kms:PutKeyPolicy kms:ScheduleKeyDeletion kms:Decrypt", "${Key}", "else nobody ever could"),
    *no("nobody", "kms:Decrypt kms:PutKeyPolicy", "${Key}", "the account's policies decide"),
    *no("stranger", "kms:Decrypt kms:PutKeyPolicy", "${Key}", "another account"),
    *yes("sweep", "lambda:InvokeFunction", "${ReportFunction}", "the sweep"),
    *no("sweep", "lambda:InvokeFunction", FUNCTION, "nobody sweeps there"),
    *no("sweep", "lambda:InvokeFunction", "${ReportFunction}2", "another function"),
    *no(
        "sweep",
        "lambda:UpdateFunctionCode lambda:GetFunction lambda:InvokeFunctionUrl",
        "${ReportFunction}",
        "it only calls",
    ),
    *no("sweep", SENDS, "${ReportsQueue}", "it only calls"),
    *no("sweep", "s3:GetObject", "${LedgerBucket}/open/b1", "it only calls"),
    *no("sweep", "logs:PutLogEvents", "${ReportLogGroup}" + STREAM, "it only calls"),
    *yes(
        API, "lambda:InvokeFunction", FUNCTION, "our route", "http api", **by("${TriggerApi}/$default/POST/")
    ),
    *no(
        API,
        "lambda:InvokeFunction",
        FUNCTION,
        "another route",
        "http api",
        **by("${TriggerApi}/$default/GET/"),
    ),
    *no(
        API,
        "lambda:InvokeFunction",
        FUNCTION,
        "another API",
        "http api",
        **by("${TriggerApi}2/$default/POST/"),
    ),
    *no(
        API,
        "lambda:InvokeFunction",
        "${ReportFunction}",
        "no door leads there",
        "http api",
        **by("${TriggerApi}/$default/POST/"),
    ),
    *no(
        API, "lambda:GetFunction", FUNCTION, "it only calls", "http api", **by("${TriggerApi}/$default/POST/")
    ),
    *no(
        "sns.amazonaws.com",
        "lambda:InvokeFunction",
        FUNCTION,
        "another service",
        "http api",
        **by("${TriggerApi}/$default/POST/"),
    ),
    *no(API, "lambda:InvokeFunction", FUNCTION, "there is no API", **by("${TriggerApi}/$default/POST/")),
]


def _bucket(bucket: str, key: str) -> list[Row]:
    """Not even the owner in the clear."""
    clear = {"aws__SecureTransport": "false"}
    return [
        *yes("owner", "s3:GetObject s3:PutObject", f"{bucket}/{key}", "over TLS it is the owner's"),
        *no("owner", "s3:GetObject s3:PutObject", f"{bucket}/{key}", "over plain HTTP", **clear),
        *yes("owner", "s3:ListBucket", bucket, "over TLS it is the owner's"),
        *no("owner", "s3:ListBucket", bucket, "over plain HTTP", **clear),
        *no("stranger", "s3:GetObject s3:PutObject", f"{bucket}/{key}", "another account"),
        *no("nobody", "s3:GetObject", f"{bucket}/{key}", "of the account, but without a policy"),
    ]


LAMBDA, CODEBUILD, CODEPIPELINE = (
    "lambda.amazonaws.com",
    "codebuild.amazonaws.com",
    "codepipeline.amazonaws.com",
)
SCHEDULER = "scheduler.amazonaws.com"
TAKE = "sts:AssumeRole"


def _function_role(role: str) -> list[Row]:
    return [
        *yes(LAMBDA, TAKE, role, "the function runs with it"),
        *no(LAMBDA, "sts:TagSession", role, "nobody asks for tags"),
        *no(CODEBUILD, TAKE, role, "no build runs with it", **OURS, **by(f"{PROJECT}/hello")),
        *no("ec2.amazonaws.com", TAKE, role, "another service"),
    ]


def _service_role(role: str, service: str, source: str, other: str) -> list[Row]:
    theirs = source.replace("${Account}", "999999999999")
    return [
        *yes(service, TAKE, role, "it runs with it", **OURS, **by(source)),
        *no(service, "sts:TagSession", role, "nobody asks for tags", **OURS, **by(source)),
        *no(service, TAKE, role, "for another of the account", **OURS, **by(other)),
        *no(service, TAKE, role, "for somebody else's account", **THEIRS, **by(source)),
        *no(service, TAKE, role, "for somebody else's of this name", **THEIRS, **by(theirs)),
        *no(service, TAKE, role, "for nobody"),
        *no(LAMBDA, TAKE, role, "no function runs with it", **OURS, **by(source)),
    ]


GROUP = "arn:${Partition}:scheduler:${Region}:${Account}:schedule-group"
TRUSTS: list[Row] = [
    *_function_role("${TriggerRole}"),
    *_function_role("${ReportRole}"),
    *_service_role("${SweepRole}", SCHEDULER, f"{GROUP}/default", f"{GROUP}/other"),
    *_service_role("${BuildRole}", CODEBUILD, f"{PROJECT}/${{Prefix}}-hello", f"{PROJECT}/hello"),
    *_service_role(
        "${PipelineBuildRole}", CODEBUILD, f"{PROJECT}/${{Prefix}}-release-build", f"{PROJECT}/hello"
    ),
    # CodePipeline does not say for which pipeline it takes a role.
    *yes(CODEPIPELINE, TAKE, "${PipelineRole}", "the pipeline runs with it"),
    *no(CODEPIPELINE, "sts:TagSession", "${PipelineRole}", "nobody asks for tags"),
    *no(CODEBUILD, TAKE, "${PipelineRole}", "no build runs with it", **OURS, **by(f"{PROJECT}/hello")),
    *no(LAMBDA, TAKE, "${PipelineRole}", "no function runs with it"),
    *[
        row
        for role in ("Trigger", "Report", "Sweep", "Build", "PipelineBuild", "Pipeline")
        for who in ("owner", "stranger", "trigger", "build")
        for row in no(who, TAKE, f"${{{role}Role}}", "roles are for services, not for each other")
    ],
]

DOORS: list[Row] = [
    *CALLERS,
    *SERVICES,
    *_bucket("${SourcesBucket}", "sources/codebuild/hello/1.zip"),
    *_bucket("${LedgerBucket}", "builds/b1"),
    *TRUSTS,
]
