# Who may do what. The policies are those of policies/, with their placeholders filled in: a text that
# is one placeholder may become a list, and a statement about nothing falls away.

locals {
  policy_lists = tomap({
    CodeBuildProjects = [for name in local.codebuild_projects : "arn:${local.partition}:codebuild:${local.place}:project/${name}"]
    Pipelines         = [for name in local.pipelines : "arn:${local.partition}:codepipeline:${local.place}:${name}"]
    PipelineSources   = [for place in var.pipeline_sources : "arn:${local.partition}:s3:::${place}"]
  })
  policy_names = merge({ for name in keys(local.policy_lists) : name => name }, {
    TriggerFunction   = local.trigger_arn
    RequestsQueue     = local.requests_arn
    ReportsQueue      = local.reports_arn
    LedgerBucket      = local.ledger_arn
    SourcesBucket     = local.sources_arn
    SourcesBucketName = local.sources_name
    SourcesPrefix     = local.sources_prefix
    TokenSecret       = local.secret_arn
    TriggerLogGroup   = "${local.log_group_arn_prefix}/aws/lambda/${local.trigger_name}"
    ReportLogGroup    = "${local.log_group_arn_prefix}/aws/lambda/${local.report_name}"
    BuildLogGroup     = "${local.log_group_arn_prefix}/aws/codebuild/*"
  })
  policy_uses = merge(local.sample_policy_uses, {
    trigger = { file = "trigger", names = {} }
    report  = { file = "report", names = {} }
    build   = { file = "build", names = {} }
  })
  policies = {
    for policy, use in local.policy_uses : policy => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for statement in jsondecode(templatefile("${path.module}/policies/${use.file}.json", merge(local.policy_names, use.names))).Statement :
        merge(statement, { Resource = try(local.policy_lists[statement.Resource], statement.Resource) })
        if try(length(local.policy_lists[statement.Resource]) > 0, true)
      ]
    })
  }

  # Lambda itself makes the interfaces; they have no names before, and Describe... knows no resources.
  # What the function's own code calls is refused ("Giving Lambda functions access to resources in an
  # Amazon VPC", AWS Lambda Developer Guide).
  network_actions = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ]
  network_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LambdaMakesInterfaces"
        Effect   = "Allow"
        Action   = local.network_actions
        Resource = "*"
      },
      {
        Sid       = "TheFunctionsDoNot"
        Effect    = "Deny"
        Action    = local.network_actions
        Resource  = "*"
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = [local.trigger_arn, local.report_arn] } }
      },
    ]
  })
}

resource "aws_iam_role" "function" {
  for_each = { trigger = local.trigger_name, report = local.report_name }

  name        = "${each.value}-${local.region}"
  description = "What the function ${each.value} may do."
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "function" {
  for_each = aws_iam_role.function

  name   = each.key
  role   = each.value.name
  policy = local.policies[each.key]

  lifecycle {
    precondition {
      condition     = length(local.policies[each.key]) <= 9500
      error_message = "projects has more jobs than one role's policies can name (IAM ends at 10240 characters); make a second stack with another name_prefix for some of them."
    }
  }
}

resource "aws_iam_role_policy" "vpc" {
  for_each = var.vpc == null ? {} : aws_iam_role.function

  name   = "vpc"
  role   = each.value.name
  policy = local.network_policy
}

resource "aws_iam_role" "sweep" {
  name        = "${var.name_prefix}-sweep-${local.region}"
  description = "Lets EventBridge Scheduler invoke ${local.report_name}."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.place}:schedule-group/default"
        }
      }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "sweep" {
  name = "sweep"
  role = aws_iam_role.sweep.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Sweep", Effect = "Allow", Action = "lambda:InvokeFunction", Resource = local.report_arn }]
  })
}
