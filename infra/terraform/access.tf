# Who may do what. The policies are those of policies/, with their placeholders filled in: a text that
# is one placeholder may become a list, and a statement about nothing falls away.

locals {
  rule_arns = [for engine in sort(keys(local.rules)) : "arn:${local.partition}:events:${local.place}:rule/${var.name_prefix}-${engine}"]
  policy_lists = tomap({
    AnyInterface      = var.vpc == null ? [] : ["*"]
    CodeBuildProjects = [for name in local.codebuild_projects : "arn:${local.partition}:codebuild:${local.place}:project/${name}"]
    ConfigObject      = ["${local.ledger_arn}/${local.config_key}"]
    Key               = local.has_key ? [local.kms_key] : []
    Pipelines         = [for name in local.pipelines : "arn:${local.partition}:codepipeline:${local.place}:${name}"]
    PipelineSources   = [for place in var.pipeline_sources : "arn:${local.partition}:s3:::${place}"]
  })
  # Those of lists stand for themselves until the text is read; not taken from the lists, for these
  # name the key, whose own policy has no use for them.
  list_names = ["AnyInterface", "CodeBuildProjects", "ConfigObject", "Key", "Pipelines", "PipelineSources", "Rules"]
  policy_names = merge({ for name in local.list_names : name => name }, {
    Account               = local.account
    ArtifactsPrefix       = local.artifacts_prefix
    BuildLogGroup         = "${local.log_group_arn_prefix}/aws/codebuild/${local.hello_name}"
    BuildProject          = "arn:${local.partition}:codebuild:${local.place}:project/${local.hello_name}"
    LedgerBucket          = local.ledger_arn
    PipelineBuildLogGroup = "${local.log_group_arn_prefix}/aws/codebuild/${local.release_build}"
    PipelineBuildProject  = "arn:${local.partition}:codebuild:${local.place}:project/${local.release_build}"
    Region                = local.region
    ReportFunction        = local.report_arn
    ReportLogGroup        = "${local.log_group_arn_prefix}/aws/lambda/${local.report_name}"
    ReportsQueue          = local.reports_arn
    RequestsQueue         = local.requests_arn
    Root                  = "arn:${local.partition}:iam::${local.account}:root"
    SamplePipeline        = "arn:${local.partition}:codepipeline:${local.place}:${local.release_name}"
    ScheduleGroup         = "arn:${local.partition}:scheduler:${local.place}:schedule-group/default"
    SourcesBucket         = local.sources_arn
    SourcesBucketName     = local.sources_name
    SourcesPrefix         = local.sources_prefix
    BuildSourcesPrefix    = "${local.sources_prefix}codebuild/${local.hello_name}/"
    PipelineSourcesPrefix = "${local.sources_prefix}codepipeline/${local.release_name}/"
    TokenSecret           = local.secret_arn
    TriggerApi            = local.api_arn
    TriggerFunction       = local.trigger_arn
    TriggerLogGroup       = "${local.log_group_arn_prefix}/aws/lambda/${local.trigger_name}"
    UrlSuffix             = data.aws_partition.current.dns_suffix
  })
  # What a policy is called, whose file it is, and which names mean something else there.
  policy_uses = merge(
    {
      for file in [
        "trigger", "report", "sweep", "build", "pipeline", "pipeline-build", "reports-queue", "key",
        "trust-function", "trust-sweep", "trust-build", "trust-pipeline", "trust-pipeline-build",
      ] : file => { file = file, names = {} }
    },
    {
      caller         = { file = local.is_url ? "caller" : "caller-http-api", names = {} }
      sources-bucket = { file = "bucket", names = { Bucket = local.sources_arn } }
      ledger-bucket  = { file = "bucket", names = { Bucket = local.ledger_arn } }
    },
    {
      for name in local.codebuild_projects :
      "build of ${name}" => {
        file = "build"
        names = {
          BuildLogGroup      = "${local.log_group_arn_prefix}/aws/codebuild/${name}"
          BuildSourcesPrefix = "${local.sources_prefix}codebuild/${name}/"
        }
      }
    },
  )
  policy_statements = {
    for policy, use in local.policy_uses : policy => jsondecode(replace(
      templatefile("${path.module}/policies/${use.file}.json", merge(local.policy_names, use.names)),
      "\"Rules\"",
      jsonencode(local.rule_arns),
    )).Statement
  }
  policies = {
    for policy, statements in local.policy_statements : policy => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for statement in statements :
        merge(statement, try({ Resource = local.policy_lists[statement.Resource] }, {}))
        if try(length(local.policy_lists[statement.Resource]) > 0, true)
      ]
    })
  }
  # Whom a role is for, and who assumes it.
  roles = merge(
    {
      trigger = { trust = "trust-function", description = "What the function ${local.trigger_name} may do." }
      report  = { trust = "trust-function", description = "What the function ${local.report_name} may do." }
      sweep   = { trust = "trust-sweep", description = "Lets EventBridge Scheduler invoke ${local.report_name}." }
    },
    var.sample ? {
      build          = { trust = "trust-build", description = "What builds of the sample ${local.hello_name} may do." }
      pipeline       = { trust = "trust-pipeline", description = "What the sample ${local.release_name} may do." }
      pipeline-build = { trust = "trust-pipeline-build", description = "What builds in the sample ${local.release_name} may do." }
    } : {},
  )
}

resource "aws_iam_role" "this" {
  for_each = local.roles

  name               = "${var.name_prefix}-${each.key}-${local.region}"
  description        = each.value.description
  assume_role_policy = local.policies[each.value.trust]
  tags               = var.tags
}

resource "aws_iam_role_policy" "this" {
  for_each = aws_iam_role.this

  name   = each.key
  role   = each.value.name
  policy = local.policies[each.key]

  lifecycle {
    precondition {
      condition     = length(local.policies[each.key]) <= 10240
      error_message = "projects has more jobs than one role's policies can name (IAM ends at 10240 characters); make a second stack with another name_prefix for some of them."
    }
  }
}
