// What a stack can be asked for.

import type { Duration, RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sns from 'aws-cdk-lib/aws-sns';

/** What a job of Pagure's form leads to. */
export interface Job {
  /**
   * The CodeBuild project or pipeline.
   *
   * @default - called like the job
   */
  readonly name?: string;
  /**
   * A CodeBuild project, whose role can reach nothing worth having, for strangers' builds that a
   * committer has let through.
   *
   * @default - they run where the committers' builds run
   */
  readonly untrusted?: string;
}

/** A project of Pagure that may ask for builds. */
export interface Project {
  /** What its form may name: `codebuild/<name>` or `codepipeline/<name>`. */
  readonly jobs: Readonly<Record<string, Job>>;
  /**
   * Whether the pull requests of those who cannot push wait for a committer, or are refused.
   *
   * @default hold
   */
  readonly strangers?: 'hold' | 'refuse';
  /**
   * The ARN of the IAM user whose access key Pagure has.
   *
   * @default - a user is made
   */
  readonly caller?: string;
}

/** The compiled functions. */
export interface Functions {
  /** The zip of `trigger`. */
  readonly trigger: lambda.Code;
  /** The zip of `report`. */
  readonly report: lambda.Code;
}

/** Where the functions run if your Pagure is not public. */
export interface Network {
  /** The VPC. */
  readonly vpc: ec2.IVpc;
  /**
   * Its subnets. They need a way to Pagure, S3, SQS, CodeBuild, CodePipeline and Secrets Manager.
   *
   * @default - the private ones
   */
  readonly subnets?: ec2.SubnetSelection;
  /** The functions' security groups. */
  readonly securityGroups: readonly ec2.ISecurityGroup[];
}

/** What a stack is made of. */
export interface PagureCiProps {
  /** Your Pagure's address, such as `https://pagure.example.org`. CI tokens go there and nowhere else. */
  readonly pagureUrl: string;
  /** The projects of Pagure that may ask for builds, by their full names, such as `demo/hello`. */
  readonly projects: Readonly<Record<string, Project>>;
  /** The zips of the two functions, such as `lambda.Code.fromAsset('trigger-x86_64.zip')`. */
  readonly functions: Functions;
  /**
   * Further addresses below which your Pagure's repositories are cloned.
   *
   * @default - none
   */
  readonly pagureGit?: readonly string[];
  /**
   * What the zips were compiled for.
   *
   * @default x86_64
   */
  readonly architecture?: lambda.Architecture;
  /**
   * Where Pagure's requests come in: `function-url`, or `http-api` in a region without function URLs.
   *
   * @default function-url
   */
  readonly frontDoor?: 'function-url' | 'http-api';
  /**
   * Where Pagure's CI token lies: `new` makes an empty secret; or an existing secret by its whole ARN;
   * or a value that becomes a variable of `report`, where whoever may read its configuration can read it.
   *
   * @default new
   */
  readonly token?: 'new' | secretsmanager.ISecret | SecretValue;
  /**
   * A KMS key for queues, buckets and the new secret: `new`, or an existing one, whose policy must let
   * events.amazonaws.com use it (the output `KeyStatement`).
   *
   * @default - AWS's own keys
   */
  readonly key?: 'new' | kms.IKey;
  /**
   * Where the functions run if your Pagure is not public.
   *
   * @default - in no VPC
   */
  readonly vpc?: Network;
  /**
   * Networks that are not public and may be cloned from, such as `10.20.0.0/16`. Your Pagure's own
   * addresses need no exception.
   *
   * @default - none
   */
  readonly allowNetworks?: readonly string[];
  /**
   * Further variables of `trigger`: its limits (`CHELA_MAX_…`) and what may be cloned from
   * (`CHELA_ALLOW_…`, `CHELA_LIMIT_HOSTS`).
   *
   * @default - none
   */
  readonly triggerSettings?: Readonly<Record<string, string>>;
  /**
   * What the functions log: `error`, `warn`, `info` or `debug`.
   *
   * @default info
   */
  readonly logLevel?: 'error' | 'warn' | 'info' | 'debug';
  /**
   * How long logs are kept.
   *
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * How long sources are kept, so that a build can be started again.
   *
   * @default Duration.days(30)
   */
  readonly sourcesExpiration?: Duration;
  /**
   * The S3 objects, as `bucket/key`, of source actions without `AllowOverrideForS3ObjectKey`: `trigger`
   * writes there what such a pipeline builds.
   *
   * @default - none
   */
  readonly pipelineSources?: readonly string[];
  /**
   * How many messages of each queue are worked on at once, 2 to 1000.
   *
   * @default 2
   */
  readonly maximumConcurrency?: number;
  /**
   * Concurrency that is kept for `trigger`. New accounts can give none.
   *
   * @default - none
   */
  readonly triggerReservedConcurrency?: number;
  /**
   * Who hears of dead letters, errors, and messages that wait too long.
   *
   * @default - nobody; alarms are seen in the console
   */
  readonly alarmTopic?: sns.ITopic;
  /**
   * What every name begins with. A second one in an account and region needs another.
   *
   * @default chela
   */
  readonly namePrefix?: string;
  /**
   * What becomes of the buckets and the new key when the stack goes. A bucket with something in it
   * cannot be deleted.
   *
   * @default RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Whether a CodeBuild project and a pipeline are made to try it with; `PagureCi.sampleJobs()` has
   * their jobs.
   *
   * @default false
   */
  readonly samples?: boolean;
}
