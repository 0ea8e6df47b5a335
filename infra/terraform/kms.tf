# A key of your own, if you want one. What the roles may do with it stands in their policies.

locals {
  kms_key = var.create_kms_key ? aws_kms_key.this[0].arn : var.kms_key_arn
  has_key = var.create_kms_key || var.kms_key_arn != null
}

resource "aws_kms_key" "this" {
  count = var.create_kms_key ? 1 : 0

  description         = "Encrypts the queues, the buckets and the secret of ${var.name_prefix}."
  enable_key_rotation = true
  # Not out of local.policies: those name the key.
  policy = jsonencode({ Version = "2012-10-17", Statement = local.policy_statements["key"] })
  tags   = var.tags

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
