locals {
  hour = 3600
  alarms = merge(
    {
      for queue in ["requests", "reports"] : "${queue}-dead" => {
        description = "Messages of ${queue} were given up: see the log of the function that reads them."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = aws_sqs_queue.dead[queue].name }
        statistic   = "Maximum"
        threshold   = 0
      }
    },
    {
      for queue, it in {
        requests = { name = aws_sqs_queue.requests.name, oldest = local.hour }
        reports  = { name = aws_sqs_queue.reports.name, oldest = 24 * local.hour }
        } : "${queue}-age" => {
        description = "Messages of ${queue} wait too long: the function that reads them fails, is throttled, or waits for capacity or Pagure."
        namespace   = "AWS/SQS"
        metric      = "ApproximateAgeOfOldestMessage"
        dimensions  = { QueueName = it.name }
        statistic   = "Maximum"
        threshold   = it.oldest
      }
    },
    {
      for name in ["trigger", "report"] : "${name}-errors" => {
        description = "Invocations of ${name} fail: see its log."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = aws_lambda_function.this[name].function_name }
        statistic   = "Sum"
        threshold   = 0
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name_prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
  tags                = var.tags
}
