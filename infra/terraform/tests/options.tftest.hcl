# What is asked for beside the defaults.

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

run "an_http_api_stands_in_for_the_url" {
  command = apply

  variables {
    front_door = "http-api"
  }

  override_data {
    target = data.aws_region.current
    values = { id = "eu-south-2" }
  }

  assert {
    condition     = length(aws_lambda_function_url.trigger) == 0 && aws_apigatewayv2_route.trigger[0].authorization_type == "AWS_IAM" && aws_apigatewayv2_route.trigger[0].route_key == "POST /" && aws_apigatewayv2_integration.trigger[0].payload_format_version == "2.0"
    error_message = "The HTTP API should take signed POSTs, in the function URL's form."
  }
  assert {
    condition     = jsondecode(aws_iam_user_policy.caller["demo/hello"].policy).Statement[0].Resource == "arn:aws:execute-api:eu-west-1:123456789012:abcdefgh/$default/POST/*"
    error_message = "The caller should be allowed to call this API, and nothing else."
  }
  assert {
    condition     = output.ci_url == "https+sigv4://abcdefgh.execute-api.eu-west-1.amazonaws.com/"
    error_message = "The address for Pagure's form should be the API's."
  }
}

run "every_arn_follows_the_partition" {
  command = plan

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }

  assert {
    condition     = !strcontains(join("", [for it in aws_iam_role_policy.this : it.policy]), "arn:aws:") && strcontains(aws_iam_role_policy.this["trigger"].policy, "arn:aws-cn:codebuild:")
    error_message = "In China every ARN of a policy should begin with arn:aws-cn."
  }
  assert {
    condition     = keys(jsondecode(aws_s3_object.config.content).callers) == ["arn:aws-cn:iam::123456789012:user/chela-pagure-demo-hello"]
    error_message = "In China the callers' ARNs should begin with arn:aws-cn."
  }
}

run "users_that_are_there_are_callers_too" {
  command = plan

  variables {
    projects = {
      "demo/hello" = { caller_arn = "arn:aws:iam::123456789012:user/forges/pagure", jobs = { hello = {} } }
      "demo/tools" = { caller_arn = "arn:aws:iam::123456789012:user/forges/pagure", strangers = "refuse", jobs = { "codepipeline/release" = { name = "rel", untrusted = "forks" } } }
      "demo/far"   = { caller_arn = "arn:aws:iam::999999999999:user/it's/pagure", jobs = { "codebuild/far" = {} } }
    }
  }

  assert {
    condition     = length(aws_iam_user.caller) == 0
    error_message = "No user should be made where one is named."
  }
  assert {
    condition     = [for it in aws_iam_user_policy.caller : it.user] == ["pagure"]
    error_message = "The user of this account should get the grant once, whatever its path and projects."
  }
  assert {
    condition     = [for it in aws_lambda_permission.foreign_caller : [it.principal, it.action, it.function_url_auth_type]] == [["arn:aws:iam::999999999999:user/it's/pagure", "lambda:InvokeFunctionUrl", "AWS_IAM"]]
    error_message = "The user of another account should stand in the function's own policy."
  }
  assert {
    condition     = strcontains(output.foreign_caller_commands["arn:aws:iam::999999999999:user/it's/pagure"], "--invoked-via-function-url")
    error_message = "The second statement of a foreign caller should be told as a command."
  }
  assert {
    condition     = strcontains(output.foreign_caller_commands["arn:aws:iam::999999999999:user/it's/pagure"], "--principal 'arn:aws:iam::999999999999:user/it'\\''s/pagure' ")
    error_message = "What a path may hold should mean nothing to the shell that the command is pasted into."
  }
  assert {
    condition     = keys(jsondecode(aws_s3_object.config.content).callers["arn:aws:iam::123456789012:user/forges/pagure"]) == ["demo/hello", "demo/tools"]
    error_message = "Two projects of one user should stand below it."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["codebuild"].event_pattern).detail.project-name == ["far", "forks", "hello"] && jsondecode(aws_cloudwatch_event_rule.this["codepipeline"].event_pattern).detail.pipeline == ["rel"]
    error_message = "The rules should watch what the jobs run, strangers' projects too."
  }
}

run "a_key_is_made_for_those_who_need_it" {
  command = apply

  variables {
    create_kms_key = true
    sample         = true
  }

  assert {
    condition     = aws_sqs_queue.reports.kms_master_key_id == aws_kms_key.this[0].arn && aws_sqs_queue.requests.kms_master_key_id == aws_kms_key.this[0].arn && alltrue([for it in aws_sqs_queue.dead : it.kms_master_key_id == aws_kms_key.this[0].arn])
    error_message = "The key should encrypt all queues."
  }
  assert {
    condition     = contains([for it in jsondecode(aws_kms_key.this[0].policy).Statement : lookup(it.Principal, "Service", "")], "events.amazonaws.com")
    error_message = "EventBridge should be allowed to use the key, or no event reaches the queue."
  }
  assert {
    condition = { for role, it in aws_iam_role_policy.this : role => [for s in jsondecode(it.policy).Statement : s.Action if s.Sid == "UseTheKey"] } == {
      trigger        = [["kms:Decrypt", "kms:GenerateDataKey"]]
      report         = [["kms:Decrypt", "kms:GenerateDataKey"]]
      sweep          = []
      build          = ["kms:Decrypt"]
      pipeline       = [["kms:Decrypt", "kms:GenerateDataKey"]]
      pipeline-build = ["kms:Decrypt"]
    }
    error_message = "Functions and pipelines should encrypt and decrypt with the key, builds decrypt alone, the sweep nothing."
  }
  assert {
    condition     = alltrue([for it in aws_s3_bucket_server_side_encryption_configuration.this : one(one(it.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"])
    error_message = "The key should encrypt both buckets."
  }
}

run "an_existing_key_and_secret_are_used" {
  command = plan

  variables {
    kms_key_arn      = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    token_secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pagure-AbCdEf"
  }

  assert {
    condition     = length(aws_kms_key.this) == 0 && aws_sqs_queue.reports.kms_master_key_id == var.kms_key_arn
    error_message = "The existing key should encrypt the queues."
  }
  assert {
    condition     = length(aws_secretsmanager_secret.token) == 0 && strcontains(aws_iam_role_policy.this["report"].policy, var.token_secret_arn)
    error_message = "report should read the existing secret, and no new one be made."
  }
}

run "a_vpc_is_for_both_functions" {
  command = plan

  variables {
    vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition     = alltrue([for it in aws_lambda_function.this : it.vpc_config[0].subnet_ids == toset(["subnet-1"])]) && alltrue([for role, it in aws_iam_role_policy.this : strcontains(it.policy, "ec2:CreateNetworkInterface") == contains(["trigger", "report"], role)])
    error_message = "Both functions should be in the VPC, and allowed to be."
  }
}

run "the_sample_fits_what_pipelines_need" {
  command = plan

  variables {
    sample       = true
    architecture = "arm64"
  }

  assert {
    condition     = alltrue([for it in aws_codebuild_project.sample : [it.environment[0].type, it.environment[0].image] == ["ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"]]) && length(aws_codebuild_project.sample) == 2
    error_message = "Whose zips are for arm64 should get samples that build on arm64."
  }

  assert {
    condition     = aws_codepipeline.sample[0].execution_mode == "PARALLEL" && aws_codepipeline.sample[0].pipeline_type == "V2"
    error_message = "With another execution mode one pull request pushes another's out."
  }
  assert {
    condition     = aws_codepipeline.sample[0].stage[0].action[0].configuration["PollForSourceChanges"] == "false" && aws_codepipeline.sample[0].stage[0].action[0].configuration["AllowOverrideForS3ObjectKey"] == "true"
    error_message = "Polling should be off and the key of the source be named by each execution."
  }
  assert {
    condition     = length(jsonencode([for name in local.release_variables : { name = name, value = "#{variables.${name}}", type = "PLAINTEXT" }])) <= 1000 && length(local.release_variables) <= 7
    error_message = "A configuration value of an action ends at 1000 characters."
  }
}

run "concurrency_and_time_are_kept_as_asked_for" {
  command = plan

  variables {
    trigger_reserved_concurrency = 5
    sources_days                 = 90
  }

  assert {
    condition     = { for name, it in aws_lambda_function.this : name => coalesce(it.reserved_concurrent_executions, -1) } == { trigger = 5, report = -1 }
    error_message = "Concurrency should be kept for trigger alone."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.sources.rule[0].expiration[0].days == 90
    error_message = "Sources should be kept for as long as asked for."
  }
}

run "no_concurrency_is_none_that_is_kept" {
  command = plan

  variables {
    trigger_reserved_concurrency = 0
  }

  assert {
    condition     = coalesce(aws_lambda_function.this["trigger"].reserved_concurrent_executions, -1) == -1
    error_message = "With none kept trigger should not be switched off."
  }
}

run "a_token_never_reaches_the_environment" {
  command = plan

  variables {
    log_level        = "debug"
    trigger_settings = { CHELA_MAX_FILES = "1000" }
  }

  assert {
    condition     = local.functions.trigger.environment.CHELA_MAX_FILES == "1000" && local.functions.report.environment.CHELA_LOG == "debug" && !contains(keys(local.functions.report.environment), "CHELA_TOKEN")
    error_message = "The settings should reach trigger, the level both, and the token none."
  }
}
