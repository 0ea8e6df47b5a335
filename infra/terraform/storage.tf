# A bucket with something in it cannot be destroyed; what is in it has to stay readable, and so the key
# goes after the buckets.
resource "aws_s3_bucket" "sources" {
  bucket        = local.sources_name
  force_destroy = var.force_destroy
  tags          = var.tags

  depends_on = [aws_kms_key.this]
}

# Small state that is rewritten often: every version of it would be kept.
resource "aws_s3_bucket" "ledger" {
  bucket        = local.ledger_name
  force_destroy = var.force_destroy
  tags          = var.tags

  depends_on = [aws_kms_key.this]
}

locals {
  buckets = {
    sources = aws_s3_bucket.sources.bucket
    ledger  = aws_s3_bucket.ledger.bucket
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

  bucket = each.value

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

  bucket                  = each.value
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = each.value

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = each.value
  policy = local.policies["${each.key}-bucket"]

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "sources" {
  bucket = aws_s3_bucket.sources.bucket

  rule {
    id     = "sources"
    status = "Enabled"
    filter {}

    expiration {
      days = var.sources_days
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
    id     = "delete-markers"
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
