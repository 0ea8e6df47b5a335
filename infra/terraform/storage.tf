resource "aws_s3_bucket" "sources" {
  bucket        = local.sources_name
  force_destroy = var.force_destroy
  tags          = var.tags
}

# Small state that is rewritten often: every version of it would be kept.
resource "aws_s3_bucket" "ledger" {
  bucket        = local.ledger_name
  force_destroy = var.force_destroy
  tags          = var.tags
}

locals {
  buckets = {
    sources = { name = aws_s3_bucket.sources.bucket, arn = local.sources_arn }
    ledger  = { name = aws_s3_bucket.ledger.bucket, arn = local.ledger_arn }
  }
}

resource "aws_s3_bucket_versioning" "sources" {
  bucket = aws_s3_bucket.sources.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = each.value.name

  rule {
    bucket_key_enabled = local.has_key

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.has_key ? "aws:kms" : "AES256"
      kms_master_key_id = local.kms_key
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = each.value.name
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = each.value.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefusePlainHttp"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "sources" {
  bucket = aws_s3_bucket.sources.bucket

  rule {
    id     = "sources"
    status = "Enabled"
    filter {}

    expiration {
      days = 30
    }

    noncurrent_version_expiration {
      noncurrent_days = 7
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # S3 takes this one in a rule without days only.
  rule {
    id     = "markers"
    status = "Enabled"
    filter {}

    expiration {
      expired_object_delete_marker = true
    }
  }

  depends_on = [aws_s3_bucket_versioning.sources]
}

resource "aws_s3_bucket_lifecycle_configuration" "ledger" {
  bucket = aws_s3_bucket.ledger.bucket

  # Never open/ and heads/: a build that is held may wait for longer.
  dynamic "rule" {
    for_each = ["builds", "executions"]

    content {
      id     = rule.value
      status = "Enabled"

      filter {
        prefix = "${rule.value}/"
      }

      expiration {
        days = 45
      }
    }
  }
}

# Made empty: the token is written past the state, by one command.
resource "aws_secretsmanager_secret" "token" {
  count = var.token_secret_arn == null ? 1 : 0

  name                    = local.secret_name
  description             = "Pagure's CI token, or JSON with one for each project."
  kms_key_id              = local.kms_key
  recovery_window_in_days = var.secret_recovery_days
  tags                    = var.tags
}
