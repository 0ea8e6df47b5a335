resource "aws_sqs_queue" "requests" {
  name                       = "${var.name_prefix}-requests"
  visibility_timeout_seconds = 360
  message_retention_seconds  = 4 * 86400
  sqs_managed_sse_enabled    = local.has_key ? null : true
  kms_master_key_id          = local.kms_key
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead["requests"].arn, maxReceiveCount = 5 })
  tags                       = var.tags
}

resource "aws_sqs_queue" "reports" {
  name                       = "${var.name_prefix}-reports"
  visibility_timeout_seconds = 180
  message_retention_seconds  = 14 * 86400
  sqs_managed_sse_enabled    = local.has_key ? null : true
  kms_master_key_id          = local.kms_key
  # While Pagure cannot be reached they come back again and again.
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead["reports"].arn, maxReceiveCount = 1000 })
  policy         = local.policies["reports-queue"]
  tags           = var.tags
}

resource "aws_sqs_queue" "dead" {
  for_each = toset(["requests", "reports"])

  name                      = "${var.name_prefix}-${each.value}-dead"
  message_retention_seconds = 14 * 86400
  sqs_managed_sse_enabled   = local.has_key ? null : true
  kms_master_key_id         = local.kms_key
  tags                      = var.tags
}
