# Pagure's requests come in at front.tf, wait in queues.tf, are worked on by functions.tf with the
# rights of access.tf, and leave their traces in storage.tf; events.tf brings back what became of them.

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
  place     = "${local.region}:${local.account}"

  trigger_name = "${var.name_prefix}-trigger"
  report_name  = "${var.name_prefix}-report"
  sources_name = "${var.name_prefix}-sources-${local.account}-${local.region}"
  ledger_name  = "${var.name_prefix}-ledger-${local.account}-${local.region}"
  secret_name  = "${var.name_prefix}/ci-token"

  sources_prefix = "sources/"
  config_key     = "config.json"

  # Written out, not taken from the resources: only so does a plan show the policies as they will be.
  trigger_arn          = "arn:${local.partition}:lambda:${local.place}:function:${local.trigger_name}"
  report_arn           = "arn:${local.partition}:lambda:${local.place}:function:${local.report_name}"
  requests_arn         = "arn:${local.partition}:sqs:${local.place}:${var.name_prefix}-requests"
  reports_arn          = "arn:${local.partition}:sqs:${local.place}:${var.name_prefix}-reports"
  sources_arn          = "arn:${local.partition}:s3:::${local.sources_name}"
  ledger_arn           = "arn:${local.partition}:s3:::${local.ledger_name}"
  log_group_arn_prefix = "arn:${local.partition}:logs:${local.place}:log-group:"
  # Secrets Manager puts six random characters behind the name.
  secret_arn = coalesce(var.token_secret_arn, "arn:${local.partition}:secretsmanager:${local.place}:secret:${local.secret_name}-??????")
}

# What the jobs run.
locals {
  targets = flatten([
    for project in values(var.projects) : [
      for job, it in project.jobs : {
        engine    = startswith(job, "codepipeline/") ? "codepipeline" : "codebuild"
        name      = coalesce(it.name, reverse(split("/", job))[0])
        untrusted = it.untrusted
      }
    ]
  ])
  codebuild_projects = sort(distinct(concat(
    [for target in local.targets : target.name if target.engine == "codebuild"],
    compact(local.targets[*].untrusted),
  )))
  pipelines = sort(distinct([for target in local.targets : target.name if target.engine == "codepipeline"]))
}
