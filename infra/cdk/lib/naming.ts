// How everything is called. Names are fixed, so that a policy can name what does not exist yet.

import type { Names } from './documents';
import { targets } from './jobs';
import type { PagureCiProps } from './props';

/** What every name begins with, unless something else is asked for. */
export const DEFAULT_PREFIX = 'chela';
/** What the key of every source begins with. */
export const SOURCES_PREFIX = 'sources/';

/** Where a stack is; a `Stack` is one. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly urlSuffix: string;
}

/** The names of one stack's things, and their ARNs. */
export class Naming {
  public readonly prefix: string;
  public readonly requestsQueue: string;
  public readonly reportsQueue: string;
  public readonly sourcesBucket: string;
  public readonly ledgerBucket: string;
  public readonly trigger: string;
  public readonly report: string;
  public readonly codeBuildRule: string;
  public readonly codePipelineRule: string;
  public readonly sampleProject: string;
  public readonly samplePipeline: string;
  public readonly pipelineBuildProject: string;

  public constructor(
    public readonly place: Place,
    prefix: string = DEFAULT_PREFIX,
  ) {
    this.prefix = prefix;
    this.requestsQueue = `${prefix}-requests`;
    this.reportsQueue = `${prefix}-reports`;
    // Names of buckets are the world's.
    this.sourcesBucket = `${prefix}-sources-${place.account}-${place.region}`;
    this.ledgerBucket = `${prefix}-ledger-${place.account}-${place.region}`;
    this.trigger = `${prefix}-trigger`;
    this.report = `${prefix}-report`;
    this.codeBuildRule = `${prefix}-codebuild`;
    this.codePipelineRule = `${prefix}-codepipeline`;
    this.sampleProject = `${prefix}-hello`;
    this.samplePipeline = `${prefix}-release`;
    this.pipelineBuildProject = `${prefix}-release-build`;
  }

  /** The name of a role: they are the account's, not the region's. */
  public role(what: string): string {
    return `${this.prefix}-${what}-${this.place.region}`;
  }

  /** The log group of a function. */
  public functionLogs(name: string): string {
    return `/aws/lambda/${name}`;
  }

  /** The log group of a CodeBuild project. */
  public buildLogs(project: string): string {
    return `/aws/codebuild/${project}`;
  }

  /** What the keys of the sources of a CodeBuild project, or of a pipeline, begin with. */
  public sources(service: 'codebuild' | 'codepipeline', name: string): string {
    return `${SOURCES_PREFIX}${service}/${name}/`;
  }

  /** An ARN in this region and account. */
  public arn(service: string, resource: string): string {
    const { partition, region, account } = this.place;
    return `arn:${partition}:${service}:${region}:${account}:${resource}`;
  }

  /** The ARN of something that is the account's. */
  public iam(resource: string): string {
    return `arn:${this.place.partition}:iam::${this.place.account}:${resource}`;
  }

  /** The ARN of a bucket, or of `bucket/key`. */
  public s3(place: string): string {
    return `arn:${this.place.partition}:s3:::${place}`;
  }

  /** The ARN of a CodeBuild project. */
  public build(project: string): string {
    return this.arn('codebuild', `project/${project}`);
  }

  /** The ARN of a pipeline. */
  public pipeline(name: string): string {
    return this.arn('codepipeline', name);
  }

  /** The ARN of a function. */
  public fn(name: string): string {
    return this.arn('lambda', `function:${name}`);
  }

  /** The ARN of a log group, without the `:*` for its streams. */
  public logGroup(name: string): string {
    return this.arn('logs', `log-group:${name}`);
  }
}

/** What has no name before it is there; each is a list, for it may be missing. */
export interface Found {
  readonly key: readonly string[];
  readonly tokenSecret: readonly string[];
  readonly configObject: readonly string[];
}

/** What the placeholders in the policies and event patterns stand for. */
export function namesOf(naming: Naming, props: PagureCiProps, found: Found): Names {
  const builds = targets(props, 'codebuild');
  const pipelines = targets(props, 'codepipeline');
  return {
    Account: naming.place.account,
    Region: naming.place.region,
    UrlSuffix: naming.place.urlSuffix,
    Root: naming.iam('root'),
    TriggerFunction: naming.fn(naming.trigger),
    ReportFunction: naming.fn(naming.report),
    TriggerLogGroup: naming.logGroup(naming.functionLogs(naming.trigger)),
    ReportLogGroup: naming.logGroup(naming.functionLogs(naming.report)),
    RequestsQueue: naming.arn('sqs', naming.requestsQueue),
    ReportsQueue: naming.arn('sqs', naming.reportsQueue),
    SourcesBucket: naming.s3(naming.sourcesBucket),
    SourcesBucketName: naming.sourcesBucket,
    SourcesPrefix: SOURCES_PREFIX,
    LedgerBucket: naming.s3(naming.ledgerBucket),
    CodeBuildProjectNames: builds,
    CodeBuildProjects: builds.map((name) => naming.build(name)),
    PipelineNames: pipelines,
    Pipelines: pipelines.map((name) => naming.pipeline(name)),
    PipelineSources: (props.pipelineSources ?? []).map((place) => naming.s3(place)),
    Rules: [
      ...(builds.length > 0 ? [naming.arn('events', `rule/${naming.codeBuildRule}`)] : []),
      ...(pipelines.length > 0 ? [naming.arn('events', `rule/${naming.codePipelineRule}`)] : []),
    ],
    ScheduleGroup: naming.arn('scheduler', 'schedule-group/default'),
    // As in AWSLambdaVPCAccessExecutionRole; whether Lambda is content with less is not known.
    AnyInterface: props.vpc === undefined ? [] : '*',
    Key: found.key,
    TokenSecret: found.tokenSecret,
    ConfigObject: found.configObject,
    ...sampleNames(naming),
  };
}

function sampleNames(naming: Naming): Names {
  return {
    BuildProject: naming.build(naming.sampleProject),
    BuildLogGroup: naming.logGroup(naming.buildLogs(naming.sampleProject)),
    BuildSourcesPrefix: naming.sources('codebuild', naming.sampleProject),
    PipelineBuildProject: naming.build(naming.pipelineBuildProject),
    PipelineBuildLogGroup: naming.logGroup(naming.buildLogs(naming.pipelineBuildProject)),
    SamplePipeline: naming.pipeline(naming.samplePipeline),
    PipelineSourcesPrefix: naming.sources('codepipeline', naming.samplePipeline),
    // CodePipeline cuts names in the keys of artifacts.
    ArtifactsPrefix: `${naming.samplePipeline.slice(0, 20)}/`,
  };
}
