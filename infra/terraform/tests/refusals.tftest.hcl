# What is refused when planning, each with a sentence.

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

run "a_pagure_url_without_a_scheme" {
  command = plan

  variables {
    pagure_url = "pagure.example.org"
  }

  expect_failures = [var.pagure_url]
}

run "a_pagure_url_with_a_password" {
  command = plan

  variables {
    pagure_url = "https://ada:secret@pagure.example.org"
  }

  expect_failures = [var.pagure_url]
}

run "a_pagure_url_with_a_query" {
  command = plan

  variables {
    pagure_url = "https://pagure.example.org/?x=1"
  }

  expect_failures = [var.pagure_url]
}

run "no_projects" {
  command = plan

  variables {
    projects = {}
  }

  expect_failures = [var.projects]
}

run "a_project_that_is_none" {
  command = plan

  variables {
    projects = { "a/b/c/d" = { jobs = { "codebuild/hello" = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_project_that_is_a_path" {
  command = plan

  variables {
    projects = { "demo/.." = { jobs = { "codebuild/hello" = {} } } }
  }

  expect_failures = [var.projects]
}

run "an_empty_list_of_jobs" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = {} } }
  }

  expect_failures = [var.projects]
}

run "a_job_of_an_unknown_engine" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "jenkins/hello" = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_job_that_is_no_name" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codebuild/hello world" = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_job_twice" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codebuild/hello" = {}, hello = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_job_without_a_codebuild_project" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codebuild/hello.tests" = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_job_without_a_pipeline" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codepipeline/hello" = { name = "re lease" } } } }
  }

  expect_failures = [var.projects]
}

run "a_project_for_strangers_that_is_none" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codebuild/hello" = { untrusted = "a b" } } } }
  }

  expect_failures = [var.projects]
}

run "the_committers_project_for_strangers" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codebuild/hello" = { untrusted = "hello" } } } }
  }

  expect_failures = [var.projects]
}

run "other_words_for_strangers" {
  command = plan

  variables {
    projects = { "demo/hello" = { strangers = "welcome", jobs = { "codebuild/hello" = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_caller_that_is_a_role" {
  command = plan

  variables {
    projects = { "demo/hello" = { caller_arn = "arn:aws:iam::123456789012:role/pagure", jobs = { "codebuild/hello" = {} } } }
  }

  expect_failures = [var.projects]
}

run "two_users_of_one_name" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { "codebuild/a1" = {} } }, "demo-hello" = { jobs = { "codebuild/a1" = {} } } }
  }

  expect_failures = [var.projects]
}

run "a_user_with_a_long_name" {
  command = plan

  variables {
    projects = { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" = { jobs = { "codebuild/a1" = {} } } }
  }

  expect_failures = [aws_iam_user.caller]
}

run "zips_in_two_places" {
  command = plan

  variables {
    functions = { trigger_zip = "a.zip", report_zip = "b.zip", bucket = "zips" }
  }

  expect_failures = [var.functions]
}

run "zips_that_are_not_there" {
  command = plan

  variables {
    functions = { trigger_zip = "a.zip", report_zip = "b.zip" }
  }

  expect_failures = [var.functions]
}

run "a_prefix_that_no_bucket_takes" {
  command = plan

  variables {
    name_prefix = "Chela_"
  }

  expect_failures = [var.name_prefix]
}

run "another_machine" {
  command = plan

  variables {
    architecture = "riscv"
  }

  expect_failures = [var.architecture]
}

run "another_door" {
  command = plan

  variables {
    front_door = "alb"
  }

  expect_failures = [var.front_door]
}

run "a_repository_address_that_is_none" {
  command = plan

  variables {
    pagure_git = ["git.example.org"]
  }

  expect_failures = [var.pagure_git]
}

run "a_token_among_the_settings" {
  command = plan

  variables {
    trigger_settings = { CHELA_TOKEN = "x" }
  }

  expect_failures = [var.trigger_settings]
}

run "a_level_that_is_none" {
  command = plan

  variables {
    log_level = "loud"
  }

  expect_failures = [var.log_level]
}

run "a_retention_that_is_none" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "a_secret_by_its_name" {
  command = plan

  variables {
    token_secret_arn = "pagure"
  }

  expect_failures = [var.token_secret_arn]
}

run "a_recovery_that_is_none" {
  command = plan

  variables {
    secret_recovery_days = 3
  }

  expect_failures = [var.secret_recovery_days]
}

run "all_objects_of_a_bucket" {
  command = plan

  variables {
    pipeline_sources = ["team/*"]
  }

  expect_failures = [var.pipeline_sources]
}

run "a_concurrency_of_one" {
  command = plan

  variables {
    maximum_concurrency = 1
  }

  expect_failures = [var.maximum_concurrency]
}

run "a_topic_by_its_name" {
  command = plan

  variables {
    alarm_topic_arn = "operators"
  }

  expect_failures = [var.alarm_topic_arn]
}

run "a_key_by_its_alias" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:alias/chela"
  }

  expect_failures = [var.kms_key_arn]
}

run "two_keys" {
  command = plan

  variables {
    create_kms_key = true
    kms_key_arn    = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [aws_kms_key.this]
}

run "a_vpc_without_subnets" {
  command = plan

  variables {
    vpc = { subnet_ids = [], security_group_ids = ["sg-1"] }
  }

  expect_failures = [var.vpc]
}

run "a_foreign_caller_of_an_api" {
  command = plan

  variables {
    front_door = "http-api"
    projects   = { "demo/hello" = { caller_arn = "arn:aws:iam::999999999999:user/pagure", jobs = { "codebuild/hello" = {} } } }
  }

  expect_failures = [aws_s3_object.config]
}

run "more_jobs_than_a_rule_can_name" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { for n in range(300) : "codebuild/job-${n}" => {} } } }
  }

  expect_failures = [aws_cloudwatch_event_rule.this, aws_iam_role_policy.function]
}

run "a_region_without_function_urls" {
  command = plan

  override_data {
    target = data.aws_region.current
    values = { id = "eu-south-2" }
  }

  expect_failures = [aws_lambda_function_url.trigger]
}
