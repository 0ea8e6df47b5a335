# What CodeBuild and CodePipeline tell goes into the queue of reports; events may get lost, and so a
# sweep looks every open build up.

locals {
  # EventBridge takes no pattern with an empty list.
  rules = {
    for engine, it in {
      codebuild    = { names = local.codebuild_projects, list = "CodeBuildProjectNames", key = "project-name" }
      codepipeline = { names = local.pipelines, list = "PipelineNames", key = "pipeline" }
    } : engine => it if length(it.names) > 0
  }
  patterns = {
    for engine, it in local.rules : engine => jsonencode(merge(
      jsondecode(templatefile("${path.module}/rules/${engine}.json", { Account = local.account, Region = local.region, (it.list) = "" })),
      { detail = { (it.key) = it.names } },
    ))
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.patterns

  name          = "${var.name_prefix}-${each.key}"
  description   = "What becomes of builds that Pagure asked for."
  event_pattern = each.value
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(each.value) <= 2048
      error_message = "projects has more jobs than one rule can name (EventBridge ends at 2048 characters); make a second stack with another name_prefix for some of them."
    }
  }
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = aws_cloudwatch_event_rule.this

  rule      = each.value.name
  target_id = "reports"
  arn       = aws_sqs_queue.reports.arn
}

resource "aws_scheduler_schedule" "sweep" {
  name                = "${var.name_prefix}-sweep"
  description         = "Looks open builds up whose events were lost."
  schedule_expression = "rate(15 minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this["report"].arn
    role_arn = aws_iam_role.this["sweep"].arn
    input    = jsonencode({ type = "sweep" })

    # The next one comes in a quarter of an hour.
    retry_policy {
      maximum_retry_attempts = 0
    }
  }

  depends_on = [aws_iam_role_policy.this]
}
