# One caller for each project of Pagure: an IAM user that is there, or a new one. A new one's access
# key is made afterwards by one command (see the output create_key_commands), and so lies in no state.

locals {
  new_callers = { for name, project in var.projects : name => "${var.name_prefix}-pagure-${replace(name, "/", "-")}" if project.caller_arn == null }
  caller_arns = {
    for name, project in var.projects :
    name => coalesce(project.caller_arn, "arn:${local.partition}:iam::${local.account}:user/${try(local.new_callers[name], "")}")
  }
  old_callers     = toset(compact([for project in values(var.projects) : project.caller_arn]))
  own_callers     = { for arn in local.old_callers : arn => regex("[^/]+$", arn) if split(":", arn)[4] == local.account }
  foreign_callers = setsubtract(local.old_callers, keys(local.own_callers))

  # The map of callers, as the functions read it.
  config = jsonencode({
    callers = {
      for arn in distinct(values(local.caller_arns)) : arn => {
        for name, project in var.projects : name => {
          strangers = project.strangers
          jobs = {
            for job, it in project.jobs : job => { for key, value in it : key => value if value != null }
          }
        } if local.caller_arns[name] == arn
      }
    }
  })
}

resource "aws_iam_user" "caller" {
  for_each = local.new_callers

  name = each.value
  # Keys are made past the state, and have to go with their user.
  force_destroy = true
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(each.value) <= 64
      error_message = "The project ${each.key} is too long for a user's name (IAM ends at 64 characters); give it a caller_arn."
    }
  }
}

resource "aws_iam_user_policy" "caller" {
  for_each = merge(
    { for name in keys(local.new_callers) : name => aws_iam_user.caller[name].name },
    local.own_callers,
  )

  name   = "${var.name_prefix}-caller"
  user   = each.value
  policy = local.policies["caller"]
}

# A user of another account needs two statements in the function's own policy too. The second one's
# condition is not in every provider that this module allows: the output foreign_caller_commands has it.
resource "aws_lambda_permission" "foreign_caller" {
  for_each = local.is_url ? local.foreign_callers : toset([])

  statement_id           = "ask-${substr(sha256(each.value), 0, 16)}"
  function_name          = aws_lambda_function.this["trigger"].function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = each.value
  function_url_auth_type = "AWS_IAM"
}

resource "aws_s3_object" "config" {
  bucket       = aws_s3_bucket.ledger.bucket
  key          = local.config_key
  content      = local.config
  content_type = "application/json"

  lifecycle {
    precondition {
      condition     = local.is_url || length(local.foreign_callers) == 0
      error_message = "A caller_arn is of another account, and an HTTP API takes this account's users only; leave caller_arn out, so that a user is made."
    }
  }

  depends_on = [
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}
