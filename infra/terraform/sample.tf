# A CodeBuild project and a pipeline to try it with; both run the commit's own buildspec.yml.

locals {
  hello_name    = "${var.name_prefix}-hello"
  release_name  = "${var.name_prefix}-release"
  release_build = "${var.name_prefix}-release-build"
  # CodePipeline keeps artifacts below the first 20 characters of a pipeline's name.
  artifacts_prefix = "${substr(local.release_name, 0, 20)}/"

  # What each project's role is called, and where its source lies: a build in a pipeline reads the
  # pipeline's artifact. Each build of the first is started with its own source; the one named here is
  # never there.
  sample_builds = {
    hello = {
      name      = local.hello_name
      role      = "build"
      source    = { type = "S3", location = "${local.sources_name}/${local.sources_prefix}none.zip" }
      artifacts = "NO_ARTIFACTS"
    }
    release = {
      name      = local.release_build
      role      = "pipeline-build"
      source    = { type = "CODEPIPELINE", location = null }
      artifacts = "CODEPIPELINE"
    }
  }

  # Zips for arm64 say which machines somebody prefers.
  sample_machine = {
    x86_64 = { type = "LINUX_CONTAINER", image = "aws/codebuild/amazonlinux-x86_64-standard:5.0" }
    arm64  = { type = "ARM_CONTAINER", image = "aws/codebuild/amazonlinux-aarch64-standard:3.0" }
  }[var.architecture]

  # At most seven: a configuration value of an action ends at 1000 characters.
  release_variables = ["CHELA_BUILD_ID", "CHELA_COMMIT", "CHELA_PULL_REQUEST"]
}

resource "aws_cloudwatch_log_group" "sample" {
  for_each = { for build, it in local.sample_builds : build => it.name if var.sample }

  name              = "/aws/codebuild/${each.value}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_codebuild_project" "sample" {
  for_each = { for build, it in local.sample_builds : build => it if var.sample }

  name         = each.value.name
  description  = "A sample: runs the commit's buildspec.yml."
  service_role = aws_iam_role.this[each.value.role].arn
  # A flood of pull requests must not cost more than this.
  concurrent_build_limit = 2
  build_timeout          = 30
  queued_timeout         = 60

  source {
    type     = each.value.source.type
    location = each.value.source.location
  }

  artifacts {
    type = each.value.artifacts
  }

  environment {
    type         = local.sample_machine.type
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = local.sample_machine.image
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.sample[each.key].name
    }
  }

  tags = var.tags

  depends_on = [aws_iam_role_policy.this, aws_s3_bucket.sources]
}

resource "aws_codepipeline" "sample" {
  count = var.sample ? 1 : 0

  name          = local.release_name
  role_arn      = aws_iam_role.this["pipeline"].arn
  pipeline_type = "V2"
  # With SUPERSEDED one pull request's execution would push another's out.
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
        # Else each upload would start one execution more.
        PollForSourceChanges = "false"
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
        ProjectName = aws_codebuild_project.sample["release"].name
        EnvironmentVariables = jsonencode([
          for name in local.release_variables : { name = name, value = "#{variables.${name}}", type = "PLAINTEXT" }
        ])
      }
    }
  }

  tags = var.tags

  depends_on = [aws_iam_role_policy.this]
}
