output "ci_url" {
  description = "What goes into Pagure's form as the URL to the project on the CI service."
  value       = "${trimsuffix(replace(local.front_url, "https://", "https+sigv4://"), "/")}/"
}

output "callers" {
  description = "The IAM user of each project, by its ARN."
  value       = local.caller_arns
}

output "create_key_commands" {
  description = "For each project whose user was made here: what makes its access key. Its two values go into Pagure's form as user name and password."
  value       = { for name, user in local.new_callers : name => "aws iam create-access-key --user-name ${user}" }
}

output "foreign_caller_commands" {
  description = "For each caller of another account: the command for the second statement that it needs."
  value = {
    for arn in local.is_url ? local.foreign_callers : toset([]) : arn =>
    "aws lambda add-permission --region ${local.region} --function-name ${local.trigger_name} --statement-id invoke-${substr(sha256(arn), 0, 16)} --action lambda:InvokeFunction --principal '${replace(arn, "'", "'\\''")}' --invoked-via-function-url"
  }
}

output "caller_policy" {
  description = "What a caller of another account needs in its own account, as its policy."
  value       = local.policies["caller"]
}

output "put_token_command" {
  description = "What asks for Pagure's CI token, and writes it into the secret."
  value       = "read -rs token && printf %s \"$token\" | aws secretsmanager put-secret-value --region ${local.region} --secret-id ${coalesce(var.token_secret_arn, local.secret_name)} --secret-string file:///dev/stdin"
}

output "token_secret_arn" {
  description = "The secret."
  value       = var.token_secret_arn == null ? aws_secretsmanager_secret.token[0].arn : var.token_secret_arn
}

output "build_policies" {
  description = "For each CodeBuild project: what its role needs at least, to read its sources and write its log."
  value       = { for name in local.codebuild_projects : name => local.policies["build of ${name}"] }
}

output "kms_key_statement" {
  description = "The statement that the policy of an existing KMS key (`kms_key_arn`) must have."
  value       = jsonencode(one([for it in local.policy_statements["key"] : it if it.Sid == "EventsGoIntoTheQueue"]))
}

output "sample_jobs" {
  description = "The sample's jobs, as `projects` takes them."
  value = var.sample ? {
    "codebuild/hello"      = { name = local.hello_name }
    "codepipeline/release" = { name = local.release_name }
  } : {}
}

output "sources_bucket" {
  description = "The bucket of sources."
  value       = aws_s3_bucket.sources.bucket
}

output "ledger_bucket" {
  description = "The bucket of the ledger; `config.json` in it is the map of callers."
  value       = aws_s3_bucket.ledger.bucket
}

output "requests_queue" {
  description = "The URL of the queue that `trigger` reads."
  value       = aws_sqs_queue.requests.url
}

output "reports_queue" {
  description = "The URL of the queue that `report` reads."
  value       = aws_sqs_queue.reports.url
}

output "log_groups" {
  description = "Where the functions log."
  value       = { for name, group in aws_cloudwatch_log_group.function : name => group.name }
}
