# One project of Pagure, one CodeBuild project that is there already.

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
  description = "The region of the stack and of the CodeBuild projects."
  type        = string
  default     = "eu-west-1"
}

variable "functions" {
  description = "The folder of the two zips."
  type        = string
  default     = "../../../../target/functions"
}

variable "force_destroy" {
  description = "Whether `destroy` may delete what the buckets hold."
  type        = bool
  default     = false
}

variable "secret_recovery_days" {
  description = "How long the secret can be restored after `destroy`; 0 for not at all."
  type        = number
  default     = 7
}

provider "aws" {
  region = var.region
}

module "chela" {
  source = "../.."

  pagure_url = "https://pagure.example.org"
  projects = {
    "demo/hello" = { jobs = { "codebuild/hello" = {} } }
  }
  functions = {
    trigger_zip = "${var.functions}/trigger-x86_64.zip"
    report_zip  = "${var.functions}/report-x86_64.zip"
  }

  force_destroy        = var.force_destroy
  secret_recovery_days = var.secret_recovery_days
}

output "ci_url" {
  description = "Pagure's form: URL to the project on the CI service."
  value       = module.chela.ci_url
}

output "create_key_commands" {
  description = "To be run: what they print is Pagure's form's user name and password."
  value       = join("\n", values(module.chela.create_key_commands))
}

output "put_token_command" {
  description = "To be run: writes Pagure's CI token into the secret."
  value       = module.chela.put_token_command
}

output "log_groups" {
  description = "Where the functions log."
  value       = module.chela.log_groups
}
