variable "pagure_url" {
  description = "Your Pagure's address, such as `https://pagure.example.org`. CI tokens go there and nowhere else."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[^?#@[:space:]]*)?$", var.pagure_url))
    error_message = "pagure_url is no address of a Pagure; write https:// and its name, such as https://pagure.example.org, without a user, a query or a fragment."
  }
}

variable "projects" {
  description = "The projects of Pagure that may ask for builds, by their full names (`demo/hello`, `forks/ada/demo/hello`). `jobs`: those that its form may name, `codebuild/<name>` or `codepipeline/<name>`; `name` is the CodeBuild project or pipeline where it is called otherwise than the job, `untrusted` a CodeBuild project for strangers' builds that a committer has let through. `strangers`: `hold` or `refuse`. `caller_arn`: the IAM user whose access key Pagure has, written out; without it a user is made."
  type = map(object({
    strangers  = optional(string, "hold")
    caller_arn = optional(string)
    jobs = map(object({
      name      = optional(string)
      untrusted = optional(string)
    }))
  }))
  nullable = false

  validation {
    condition     = length(var.projects) > 0
    error_message = "projects is empty; write at least one, such as { \"demo/hello\" = { jobs = { \"codebuild/hello\" = {} } } }."
  }

  validation {
    condition = alltrue([
      for project in keys(var.projects) :
      can(regex("^(forks/[A-Za-z0-9._+@-]+/)?([A-Za-z0-9._+@-]+/)?[A-Za-z0-9._+@-]+$", project)) && !can(regex("(^|/)(\\.{1,2}|[^/]*\\.git)(/|$)", project))
    ])
    error_message = "A key of projects is no project; write its full name as Pagure does, such as demo/hello or forks/ada/demo/hello."
  }

  validation {
    condition     = alltrue([for project in values(var.projects) : length(project.jobs) > 0])
    error_message = "A project has no jobs, so that nothing could be built; write at least one, such as jobs = { \"codebuild/hello\" = {} }."
  }

  validation {
    condition     = alltrue([for project in values(var.projects) : contains(["hold", "refuse"], project.strangers)])
    error_message = "strangers of a project is neither \"hold\" nor \"refuse\"; write one of them."
  }

  validation {
    condition = alltrue(flatten([
      for project in values(var.projects) : [for job in keys(project.jobs) : !can(regex("/", job)) || can(regex("^(codebuild|codepipeline)/", job))]
    ]))
    error_message = "A job is of an engine that is not known here; write codebuild/ or codepipeline/ before its name."
  }

  validation {
    condition = alltrue(flatten([
      for project in values(var.projects) : [for job in keys(project.jobs) : can(regex("^([^/]*/)?[A-Za-z0-9._-]{1,40}$", job))]
    ]))
    error_message = "A job is called by something that is no name; write codebuild/ or codepipeline/, and up to 40 letters, digits, \".\", \"_\" and \"-\", such as codebuild/hello."
  }

  validation {
    condition = alltrue([
      for project in values(var.projects) :
      length(project.jobs) == length(distinct([for job in keys(project.jobs) : can(regex("/", job)) ? job : "codebuild/${job}"]))
    ])
    error_message = "A project has the same job twice, with and without codebuild/ before it; write both into one."
  }

  validation {
    condition = alltrue(flatten([
      for project in values(var.projects) : [
        for job, it in project.jobs :
        can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$", coalesce(it.name, reverse(split("/", job))[0]))) || startswith(job, "codepipeline/")
      ]
    ]))
    error_message = "A job leads to no CodeBuild project; write as its name the CodeBuild project's: 2 to 150 letters, digits, \"-\" and \"_\", the first a letter or digit."
  }

  validation {
    condition = alltrue(flatten([
      for project in values(var.projects) : [
        for job, it in project.jobs :
        can(regex("^[A-Za-z0-9.@_-]{1,100}$", coalesce(it.name, reverse(split("/", job))[0]))) && !can(regex("^\\.{1,2}$", coalesce(it.name, reverse(split("/", job))[0]))) || !startswith(job, "codepipeline/")
      ]
    ]))
    error_message = "A job leads to no pipeline; write as its name the pipeline's: 1 to 100 letters, digits, \".\", \"@\", \"-\" and \"_\"."
  }

  validation {
    condition = alltrue(flatten([
      for project in values(var.projects) : [
        for it in values(project.jobs) : can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$", coalesce(it.untrusted, "none")))
      ]
    ]))
    error_message = "untrusted of a job is no name of a CodeBuild project; write 2 to 150 letters, digits, \"-\" and \"_\", the first a letter or digit."
  }

  validation {
    condition = alltrue(flatten([
      for project in values(var.projects) : [
        for job, it in project.jobs :
        it.untrusted == null || startswith(job, "codepipeline/") || it.untrusted != coalesce(it.name, reverse(split("/", job))[0])
      ]
    ]))
    error_message = "untrusted of a job is the project that committers' builds run in; name another one, whose role has no secrets."
  }

  validation {
    condition = alltrue([
      for project in values(var.projects) :
      project.caller_arn == null || can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:user/([!-~]{1,509}/)?[A-Za-z0-9_+=,.@-]{1,64}$", project.caller_arn))
    ])
    error_message = "caller_arn of a project is no IAM user; write the ARN of the user whose access key Pagure has, such as arn:aws:iam::123456789012:user/pagure-demo-hello."
  }

  validation {
    condition = length(distinct([
      for name, project in var.projects : lower(replace(name, "/", "-")) if project.caller_arn == null
    ])) == length([for project in values(var.projects) : project if project.caller_arn == null])
    error_message = "Two projects would get users of the same name, since \"/\" becomes \"-\" in it; give one of them a caller_arn."
  }
}

variable "functions" {
  description = "Where the two zips are: `trigger_zip` and `report_zip` on this machine, or `bucket` with `trigger_key` and `report_key` in S3. An object of the same key is not seen as new: have its checksum in the key."
  type = object({
    trigger_zip = optional(string)
    report_zip  = optional(string)
    bucket      = optional(string)
    trigger_key = optional(string)
    report_key  = optional(string)
  })
  nullable = false

  validation {
    condition = (
      var.functions.trigger_zip != null && var.functions.report_zip != null && var.functions.bucket == null && var.functions.trigger_key == null && var.functions.report_key == null
      ) || (
      var.functions.trigger_zip == null && var.functions.report_zip == null && var.functions.bucket != null && var.functions.trigger_key != null && var.functions.report_key != null
    )
    error_message = "functions does not say where the zips are; write either trigger_zip and report_zip, or bucket, trigger_key and report_key."
  }

  validation {
    condition     = alltrue([for zip in compact([var.functions.trigger_zip, var.functions.report_zip]) : fileexists(zip)])
    error_message = "A zip that functions names is not there; make both with \"cargo xtask lambda\", or correct the path."
  }
}

variable "name_prefix" {
  description = "What every name begins with. A second stack of the same projects in an account needs another one."
  type        = string
  default     = "chela"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", var.name_prefix))
    error_message = "name_prefix is no start of a name; write 1 to 20 small letters, digits and \"-\", the first a letter and the last none of \"-\"."
  }
}

variable "architecture" {
  description = "What the zips were compiled for: `x86_64` or `arm64`."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is neither \"x86_64\" nor \"arm64\"; write one of them."
  }
}

variable "front_door" {
  description = "Where Pagure's requests come in: `function-url`, or `http-api` in a region without function URLs."
  type        = string
  default     = "function-url"
  nullable    = false

  validation {
    condition     = contains(["function-url", "http-api"], var.front_door)
    error_message = "front_door is neither \"function-url\" nor \"http-api\"; write one of them."
  }
}

variable "regions_without_function_urls" {
  description = "Where `function-url` is refused when planning. AWS's list (AWS Lambda Developer Guide, \"Lambda function URLs\"); shorten it when AWS does."
  type        = set(string)
  default = [
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
  ]
  nullable = false
}

variable "pagure_git" {
  description = "Further addresses below which your Pagure's repositories are cloned."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for url in var.pagure_git : can(regex("^https?://[^,@?#[:space:]]+$", url))])
    error_message = "pagure_git has something that is no address; write each as https://git.example.org, without a user, a query or a fragment."
  }
}

variable "trigger_settings" {
  description = "Further variables of `trigger`: its limits (`CHELA_MAX_...`) and what may be cloned from (`CHELA_ALLOW_...`, `CHELA_LIMIT_HOSTS`)."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name in keys(var.trigger_settings) : can(regex("^CHELA_(MAX_(RECEIVED_MIB|UNPACKED_MIB|FILE_MIB|FILES|SECONDS)|ALLOW_(HOSTS|NETWORKS|PORTS|HTTP)|LIMIT_HOSTS)$", name))
    ])
    error_message = "trigger_settings has a name that is not one of CHELA_MAX_RECEIVED_MIB, CHELA_MAX_UNPACKED_MIB, CHELA_MAX_FILE_MIB, CHELA_MAX_FILES, CHELA_MAX_SECONDS, CHELA_ALLOW_HOSTS, CHELA_ALLOW_NETWORKS, CHELA_ALLOW_PORTS, CHELA_ALLOW_HTTP and CHELA_LIMIT_HOSTS; write one of these."
  }
}

variable "log_level" {
  description = "What the functions log: `error`, `warn`, `info` or `debug`."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "log_level is none of \"error\", \"warn\", \"info\" and \"debug\"; write one of them."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is a time that CloudWatch Logs does not offer; write 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or one of its longer ones."
  }
}

variable "token_secret_arn" {
  description = "An existing secret that holds Pagure's CI token. Without it an empty one is made; fill it in afterwards, so that the token lies in no state. If a KMS key of your own encrypts it, let the role of `report` use that (`kms:Decrypt`)."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", coalesce(var.token_secret_arn, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none")))
    error_message = "token_secret_arn is no ARN of a secret; write it whole, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:pagure-AbCdEf."
  }
}

variable "secret_recovery_days" {
  description = "How long a secret that was made here can be restored after `destroy`: 7 to 30, or 0 for not at all."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days is nothing that Secrets Manager offers; write 0, or 7 to 30."
  }
}

variable "force_destroy" {
  description = "Whether `destroy` may delete the two buckets with all that is in them. Without it a bucket with something in it stays, and so does the new key that encrypts it."
  type        = bool
  default     = false
  nullable    = false
}

variable "sources_days" {
  description = "How long sources are kept, so that a build can be started again: 1 to 3650 days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.sources_days >= 1 && var.sources_days <= 3650 && floor(var.sources_days) == var.sources_days
    error_message = "sources_days is no time to keep sources for; write 1 to 3650 whole days."
  }
}

variable "pipeline_sources" {
  description = "The S3 objects, as `bucket/key`, of source actions without `AllowOverrideForS3ObjectKey`: `trigger` writes there what such a pipeline builds."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for place in var.pipeline_sources : can(regex("^[a-z0-9.-]{3,63}/[^*?[:space:]]+$", place))])
    error_message = "pipeline_sources has something that is no object; write each as bucket/key, such as team-sources/release.zip."
  }
}

variable "maximum_concurrency" {
  description = "How many messages of each queue are worked on at once, 2 to 1000."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000
    error_message = "maximum_concurrency is nothing that Lambda offers; write 2 to 1000."
  }
}

variable "trigger_reserved_concurrency" {
  description = "Concurrency that is kept for `trigger`, 1 to 1000. Without it, or with 0, none is kept: new accounts have none to give."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.trigger_reserved_concurrency, 0) >= 0 && coalesce(var.trigger_reserved_concurrency, 0) <= 1000 && floor(coalesce(var.trigger_reserved_concurrency, 0)) == coalesce(var.trigger_reserved_concurrency, 0)
    error_message = "trigger_reserved_concurrency is nothing that can be kept; write 1 to 1000, or leave it out."
  }
}

variable "alarm_topic_arn" {
  description = "An SNS topic that the alarms tell. Without it they are seen in the console only."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", coalesce(var.alarm_topic_arn, "arn:aws:sns:eu-west-1:123456789012:none")))
    error_message = "alarm_topic_arn is no ARN of an SNS topic; write it whole, such as arn:aws:sns:eu-west-1:123456789012:operators."
  }
}

variable "create_kms_key" {
  description = "Whether a KMS key is made for the queues, the buckets and the secret. Without one AWS's own keys encrypt them."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "An existing KMS key for the same. Its policy must have the statement of the output `kms_key_statement`, or no event reaches `report`."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", coalesce(var.kms_key_arn, "arn:aws:kms:eu-west-1:123456789012:key/none")))
    error_message = "kms_key_arn is no ARN of a KMS key; write the key's own, not an alias', such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab."
  }
}

variable "vpc" {
  description = "Subnets and security groups of the functions, for a Pagure that is not public. The subnets need a way to Pagure, S3, SQS, CodeBuild, CodePipeline and Secrets Manager."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(length(var.vpc.subnet_ids) > 0 && length(var.vpc.security_group_ids) > 0, false)
    error_message = "vpc lacks a subnet or a security group; write at least one of each, or leave vpc out."
  }
}

variable "sample" {
  description = "Whether a CodeBuild project and a pipeline are made to try it with; the output `sample_jobs` says how to name them as jobs."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
  nullable    = false
}
