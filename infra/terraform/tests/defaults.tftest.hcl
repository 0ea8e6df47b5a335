# What comes out where nothing but the necessary is said.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:mock" }
  }
  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abcdefgh.lambda-url.eu-west-1.on.aws/" }
  }
  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      api_endpoint  = "https://abcdefgh.execute-api.eu-west-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:eu-west-1:123456789012:abcdefgh"
    }
  }
  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:mock"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/mock"
    }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chela/ci-token-AbCdEf" }
  }
  mock_resource "aws_kms_key" {
    defaults = {
      arn    = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      key_id = "11111111-2222-3333-4444-555555555555"
    }
  }
}

variables {
  pagure_url = "https://pagure.example.org"
  projects   = { "demo/hello" = { jobs = { "codebuild/hello" = {} } } }
  functions  = { bucket = "zips", trigger_key = "trigger-1.zip", report_key = "report-1.zip" }
}

# In one run, for each costs a second.
run "what_nobody_asked_for_is_as_its_page_says" {
  command = plan

  assert {
    condition     = alltrue([for it in aws_lambda_function.this : it.runtime == "provided.al2023" && it.handler == "bootstrap" && it.architectures == tolist(["x86_64"])])
    error_message = "Both functions should run on provided.al2023 as x86_64."
  }

  assert {
    condition     = { for name, it in aws_lambda_function.this : name => [it.memory_size, it.timeout, it.ephemeral_storage[0].size] } == { trigger = [512, 300, 2048], report = [256, 120, 512] }
    error_message = "The functions should have the memory, time and storage that docs/aws.md gives them."
  }

  assert {
    condition     = alltrue([for it in aws_lambda_function.this : coalesce(it.reserved_concurrent_executions, -1) == -1])
    error_message = "No concurrency should be reserved: new accounts cannot give it."
  }

  assert {
    condition     = alltrue([for it in aws_lambda_function.this : length(it.vpc_config) == 0]) && !strcontains(join("", values(aws_iam_role_policy.this)[*].policy), "ec2:")
    error_message = "The functions should be in no VPC unless one is given."
  }

  assert {
    condition     = aws_sqs_queue.requests.visibility_timeout_seconds > aws_lambda_function.this["trigger"].timeout && aws_sqs_queue.reports.visibility_timeout_seconds > aws_lambda_function.this["report"].timeout
    error_message = "A message should stay hidden for longer than its function may run."
  }

  assert {
    condition     = aws_sqs_queue.reports.message_retention_seconds == 1209600 && alltrue([for it in aws_sqs_queue.dead : it.message_retention_seconds == 1209600])
    error_message = "Reports and dead letters should be kept for 14 days."
  }

  assert {
    condition     = aws_sqs_queue.requests.sqs_managed_sse_enabled && aws_sqs_queue.reports.sqs_managed_sse_enabled && alltrue([for it in aws_sqs_queue.dead : it.sqs_managed_sse_enabled])
    error_message = "Every queue should be encrypted."
  }

  assert {
    condition     = { for name, it in aws_lambda_event_source_mapping.this : name => [it.batch_size, it.scaling_config[0].maximum_concurrency] } == { trigger = [1, 2], report = [10, 2] }
    error_message = "Requests should come one by one, reports by tens, two at a time."
  }

  assert {
    condition     = alltrue([for it in aws_lambda_event_source_mapping.this : it.function_response_types == toset(["ReportBatchItemFailures"])])
    error_message = "A function should be able to give back one message of a batch."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.reports.policy).Statement[0].Principal.Service == "events.amazonaws.com"
    error_message = "EventBridge should be allowed to send to the queue of reports."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.reports.policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == ["arn:aws:events:eu-west-1:123456789012:rule/chela-codebuild"]
    error_message = "No other rule than the one of the jobs' CodeBuild projects should be allowed to send to the queue of reports."
  }

  assert {
    condition     = keys(aws_cloudwatch_event_rule.this) == ["codebuild"]
    error_message = "There should be no rule for pipelines where no job names one."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["codebuild"].event_pattern).detail == { project-name = ["hello"] }
    error_message = "The rule should watch the jobs' CodeBuild projects."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.sources.rule[0].noncurrent_version_expiration[0].noncurrent_days == 7 && aws_s3_bucket_lifecycle_configuration.sources.rule[0].expiration[0].days == 30
    error_message = "Sources should expire after 30 days, and 7 days later for good."
  }

  assert {
    condition     = [for it in aws_s3_bucket_lifecycle_configuration.ledger.rule : it.filter[0].prefix] == ["builds/", "executions/"]
    error_message = "Nothing of the ledger but builds/ and executions/ should expire."
  }

  assert {
    condition     = aws_s3_bucket_versioning.sources.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket of sources should keep versions."
  }

  assert {
    condition     = alltrue([for it in aws_s3_bucket_public_access_block.this : it.block_public_acls && it.block_public_policy && it.ignore_public_acls && it.restrict_public_buckets]) && keys(aws_s3_bucket_public_access_block.this) == ["ledger", "sources"]
    error_message = "Both buckets should be closed to the public."
  }

  assert {
    condition     = aws_scheduler_schedule.sweep.schedule_expression == "rate(15 minutes)" && aws_scheduler_schedule.sweep.target[0].input == "{\"type\":\"sweep\"}" && aws_scheduler_schedule.sweep.target[0].retry_policy[0].maximum_retry_attempts == 0
    error_message = "EventBridge Scheduler should invoke report with {\"type\":\"sweep\"} every 15 minutes, once."
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["report-errors", "reports-age", "reports-dead", "requests-age", "requests-dead", "trigger-errors"]
    error_message = "Dead letters, errors and old messages of both sides should raise an alarm."
  }
}

run "a_project_gets_a_user_who_may_call_the_url_alone" {
  command = apply

  assert {
    condition     = aws_iam_user.caller["demo/hello"].name == "chela-pagure-demo-hello"
    error_message = "A project without a caller_arn should get a user."
  }
  assert {
    condition     = [for it in jsondecode(aws_iam_user_policy.caller["demo/hello"].policy).Statement : it.Action] == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
    error_message = "The user should have both actions of a function URL and no other."
  }
  assert {
    condition     = jsondecode(aws_s3_object.config.content) == { callers = { "arn:aws:iam::123456789012:user/chela-pagure-demo-hello" = { "demo/hello" = { strangers = "hold", jobs = { "codebuild/hello" = {} } } } } }
    error_message = "The map of callers should name the user, its project and its jobs, and no null."
  }
  assert {
    condition     = output.ci_url == "https+sigv4://abcdefgh.lambda-url.eu-west-1.on.aws/"
    error_message = "The address for Pagure's form should be the function URL."
  }
}
