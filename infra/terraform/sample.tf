# A CodeBuild project and a pipeline to try it with; both run the commit's own buildspec.yml.

locals {
  hello_name    = "${var.name_prefix}-hello"
  release_name  = "${var.name_prefix}-release"
  release_build = "${var.name_prefix}-release-build"
  # CodePipeline keeps artifacts below the first 20 characters of a pipeline's name.
  artifacts_prefix = "${substr(local.release_name, 0, 20)}/"

  # Each has what CodeBuild and CodePipeline assume, and where its source lies: a build in a pipeline
  # reads the pipeline's artifact.
  sample_roles = var.sample ? {
    hello         = { service = "codebuild.amazonaws.com", policy = "hello", source = "arn:${local.partition}:codebuild:${local.place}:project/${local.hello_name}" }
    release-build = { service = "codebuild.amazonaws.com", policy = "release-build", source = "arn:${local.partition}:codebuild:${local.place}:project/${local.release_build}" }
    release       = { service = "codepipeline.amazonaws.com", policy = "release", source = "arn:${local.partition}:codepipeline:${local.place}:${local.release_name}" }
  } : {}
  sample_policy_uses = {
    hello = { file = "build", names = { BuildLogGroup = "${local.log_group_arn_prefix}/aws/codebuild/${local.hello_name}" } }
    release-build = {
      file = "build"
      names = {
        BuildLogGroup = "${local.log_group_arn_prefix}/aws/codebuild/${local.release_build}"
        SourcesPrefix = local.artifacts_prefix
      }
    }
    release = { file = "pipeline", names = {} }
  }

  # At most seven: a configuration value of an action ends at 1000 characters.
  release_variables = ["CHELA_BUILD_ID", "CHELA_COMMIT", "CHELA_PULL_REQUEST", "CHELA_PROJECT", "CHELA_JOB"]
}

resource "aws_iam_role" "sample" {
  for_each = local.sample_roles

  name        = "${var.name_prefix}-${each.key}-${local.region}"
  description = "What the sample ${each.key} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = each.value.service }
      Action    = "sts:AssumeRole"
      Condition = { ArnEquals = { "aws:SourceArn" = each.value.source } }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "sample" {
  for_each = local.sample_roles

  name   = "sources"
  role   = aws_iam_role.sample[each.key].name
  policy = local.policies[each.value.policy]
}

# What a pipeline does beside reading its source: keep its artifact, and run its build.
resource "aws_iam_role_policy" "release" {
  count = var.sample ? 1 : 0

  name = "run"
  role = aws_iam_role.sample["release"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "KeepArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${local.sources_arn}/${local.artifacts_prefix}*"
      },
      {
        Sid      = "RunItsBuild"
        Effect   = "Allow"
        Action   = ["codebuild:StartBuild", "codebuild:BatchGetBuilds"]
        Resource = local.sample_roles["release-build"].source
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "sample" {
  for_each = var.sample ? toset([local.hello_name, local.release_build]) : toset([])

  name              = "/aws/codebuild/${each.value}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_codebuild_project" "sample" {
  for_each = var.sample ? {
    hello         = { name = local.hello_name, source = "S3" }
    release-build = { name = local.release_build, source = "CODEPIPELINE" }
  } : {}

  name          = each.value.name
  description   = "A sample: runs the commit's buildspec.yml."
  service_role  = aws_iam_role.sample[each.key].arn
  build_timeout = 30

  # Each build of the first is started with its own source; this one is never there.
  source {
    type     = each.value.source
    location = each.value.source == "S3" ? "${local.sources_name}/${local.sources_prefix}none.zip" : null
  }

  artifacts {
    type = each.value.source == "S3" ? "NO_ARTIFACTS" : "CODEPIPELINE"
  }

  environment {
    type         = "LINUX_CONTAINER"
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.sample[each.value.name].name
    }
  }

  tags = var.tags

  depends_on = [aws_iam_role_policy.sample, aws_s3_bucket.sources]
}

resource "aws_codepipeline" "sample" {
  count = var.sample ? 1 : 0

  name           = local.release_name
  role_arn       = aws_iam_role.sample["release"].arn
  pipeline_type  = "V2"
  execution_mode = "PARALLEL"

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.sources.bucket

    dynamic "encryption_key" {
      for_each = local.has_key ? [local.kms_key] : []

      content {
        type = "KMS"
        id   = encryption_key.value
      }
    }
  }

  dynamic "variable" {
    for_each = local.release_variables

    content {
      name          = variable.value
      default_value = "none"
    }
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["Source"]
      configuration = {
        S3Bucket                    = aws_s3_bucket.sources.bucket
        S3ObjectKey                 = "${local.sources_prefix}none.zip"
        AllowOverrideForS3ObjectKey = "true"
        PollForSourceChanges        = "false"
      }
    }
  }

  stage {
    name = "Build"

    action {
      name            = "Build"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["Source"]
      configuration = {
        ProjectName = aws_codebuild_project.sample["release-build"].name
        EnvironmentVariables = jsonencode([
          for name in local.release_variables : { name = name, value = "#{variables.${name}}", type = "PLAINTEXT" }
        ])
      }
    }
  }

  tags = var.tags

  depends_on = [aws_iam_role_policy.sample, aws_iam_role_policy.release]
}
