# What is refused when planning. Whichever validation of a variable fails, expect_failures is content;
# which sentence is said to whom, these inputs and all other bad ones, is held in
# tests/e2e/test_infra_terraform_refusals.py.

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

run "more_jobs_than_a_rule_can_name" {
  command = plan

  variables {
    projects = { "demo/hello" = { jobs = { for n in range(300) : "codebuild/job-${n}" => {} } } }
  }

  expect_failures = [aws_cloudwatch_event_rule.this, aws_iam_role_policy.this]
}

run "a_region_without_function_urls" {
  command = plan

  override_data {
    target = data.aws_region.current
    values = { id = "eu-south-2" }
  }

  expect_failures = [aws_lambda_function_url.trigger]
}
