locals {
  common_environment = merge(
    {
      CHELA_PAGURE_URL    = var.pagure_url
      CHELA_LEDGER_BUCKET = aws_s3_bucket.ledger.bucket
      CHELA_REPORTS_QUEUE = aws_sqs_queue.reports.url
    },
    var.log_level == "info" ? {} : { CHELA_LOG = var.log_level },
  )
  functions = {
    trigger = {
      zip         = var.functions.trigger_zip
      key         = var.functions.trigger_key
      description = "Takes Pagure's requests and starts builds."
      memory      = 512
      timeout     = 300
      storage     = 2048
      reserved    = var.trigger_reserved_concurrency == 0 ? null : var.trigger_reserved_concurrency
      environment = merge(
        local.common_environment,
        {
          CHELA_CONFIG         = "s3://${aws_s3_object.config.bucket}/${aws_s3_object.config.key}"
          CHELA_SOURCES_BUCKET = aws_s3_bucket.sources.bucket
          CHELA_SOURCES_PREFIX = local.sources_prefix
          CHELA_REQUESTS_QUEUE = aws_sqs_queue.requests.url
        },
        length(var.pagure_git) > 0 ? { CHELA_PAGURE_GIT = join(",", var.pagure_git) } : {},
        var.trigger_settings,
      )
    }
    report = {
      zip         = var.functions.report_zip
      key         = var.functions.report_key
      description = "Tells Pagure what becomes of builds."
      memory      = 256
      timeout     = 120
      storage     = 512
      reserved    = null
      environment = merge(
        local.common_environment,
        { CHELA_TOKEN_SECRET = var.token_secret_arn == null ? aws_secretsmanager_secret.token[0].arn : var.token_secret_arn },
      )
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name_prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name = "${var.name_prefix}-${each.key}"
  description   = each.value.description
  role          = aws_iam_role.this[each.key].arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]
  memory_size   = each.value.memory
  timeout       = each.value.timeout

  reserved_concurrent_executions = each.value.reserved

  filename         = each.value.zip
  source_code_hash = each.value.zip == null ? null : filebase64sha256(each.value.zip)
  s3_bucket        = var.functions.bucket
  s3_key           = each.value.key

  ephemeral_storage {
    size = each.value.storage
  }

  environment {
    variables = each.value.environment
  }

  # The functions write JSON themselves.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  tags = var.tags

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = {
    trigger = { queue = aws_sqs_queue.requests.arn, batch = 1 }
    report  = { queue = aws_sqs_queue.reports.arn, batch = 10 }
  }

  event_source_arn        = each.value.queue
  function_name           = aws_lambda_function.this[each.key].arn
  batch_size              = each.value.batch
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }

  tags = var.tags
}
