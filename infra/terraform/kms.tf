# A key of your own, if you want one, and who may use it.

locals {
  # EventBridge encrypts what it puts into the queue itself (Amazon SQS Developer Guide, "Configure KMS
  # permissions for AWS services").
  kms_events_statement = {
    Sid       = "LetEventsIntoTheQueue"
    Effect    = "Allow"
    Principal = { Service = "events.amazonaws.com" }
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = "*"
    Condition = {
      StringEquals = { "aws:SourceAccount" = local.account }
      ArnEquals    = { "aws:SourceArn" = [local.codebuild_rule_arn, local.pipeline_rule_arn] }
    }
  }
  # Uploads in parts and messages need both; a build only reads.
  kms_actions = merge(
    { for name in keys(aws_iam_role.function) : name => ["kms:Decrypt", "kms:GenerateDataKey"] },
    var.sample ? { hello = ["kms:Decrypt"], release-build = ["kms:Decrypt"], release = ["kms:Decrypt", "kms:GenerateDataKey"] } : {},
  )
}

resource "aws_kms_key" "this" {
  count = var.create_kms_key ? 1 : 0

  description         = "Encrypts the queues, the buckets and the secret of ${var.name_prefix}."
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # In a key's policy "*" is the key itself. Without this one nobody could change the policy again.
      {
        Sid       = "LetTheAccountDecide"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      local.kms_events_statement,
    ]
  })
  tags = var.tags

  lifecycle {
    precondition {
      condition     = var.kms_key_arn == null
      error_message = "create_kms_key and kms_key_arn are both set; leave one of them out."
    }
  }
}

resource "aws_kms_alias" "this" {
  count = var.create_kms_key ? 1 : 0

  name          = "alias/${var.name_prefix}"
  target_key_id = aws_kms_key.this[0].key_id
}

resource "aws_iam_role_policy" "kms" {
  for_each = local.has_key ? local.kms_actions : {}

  name = "kms"
  role = "${var.name_prefix}-${each.key}-${local.region}"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "UseTheKey", Effect = "Allow", Action = each.value, Resource = local.kms_key }]
  })

  depends_on = [aws_iam_role.function, aws_iam_role.sample]
}
