# Several projects and engines, a key and alarms of one's own, and the sample to try it with.

terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

variable "region" {
  description = "The region of the stack and of what it starts."
  type        = string
  default     = "eu-west-1"
}

variable "functions" {
  description = "The folder of the two zips."
  type        = string
  default     = "../../../../target/functions"
}

variable "front_door" {
  description = "`http-api` in a region without function URLs."
  type        = string
  default     = "function-url"
}

variable "vpc" {
  description = "For a Pagure that is not public."
  type        = object({ subnet_ids = list(string), security_group_ids = list(string) })
  default     = null
}

variable "force_destroy" {
  description = "Whether `destroy` may delete what the buckets hold, and the secret at once."
  type        = bool
  default     = false
}

provider "aws" {
  region = var.region
}

resource "aws_sns_topic" "operators" {
  name = "chela-operators"
}

module "chela" {
  source = "../.."

  pagure_url = "https://pagure.example.org"
  pagure_git = ["https://git.example.org"]
  front_door = var.front_door

  projects = {
    # Its user is made; the sample is what it builds.
    "demo/hello" = {
      jobs = {
        "codebuild/hello"      = { name = "chela-hello" }
        "codepipeline/release" = { name = "chela-release" }
      }
    }
    # Strangers' builds that a committer has let through run where nothing is worth having.
    "demo/tools" = {
      jobs = { "codebuild/tests" = { name = "team-tests", untrusted = "team-tests-forks" } }
    }
    # Strangers get no build at all, and its pipeline's source action names its own object.
    "infra/site" = {
      strangers = "refuse"
      jobs      = { "codepipeline/site" = {} }
    }
  }
  pipeline_sources = ["example-team-sources/site.zip"]

  functions = {
    trigger_zip = "${var.functions}/trigger-x86_64.zip"
    report_zip  = "${var.functions}/report-x86_64.zip"
  }
  trigger_settings = { CHELA_MAX_UNPACKED_MIB = "1024" }

  log_retention_days   = 90
  sources_days         = 60
  maximum_concurrency  = 4
  alarm_topic_arn      = aws_sns_topic.operators.arn
  create_kms_key       = true
  vpc                  = var.vpc
  sample               = true
  force_destroy        = var.force_destroy
  secret_recovery_days = var.force_destroy ? 0 : 30
  tags                 = { team = "ci" }
}

output "chela" {
  description = "All that there is to know."
  value       = module.chela
}
