// The whole stack as one construct.

import { Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { sentences } from './checks';
import { callersOf, type Config } from './config';
import { policy } from './documents';
import { makeAlarms, makeRules, makeSweep } from './events';
import { acknowledgeFindings } from './findings';
import { makeCallers, makeDoor } from './front';
import { feed, makeReport, makeTrigger, type Variables } from './functions';
import { DEFAULT_PREFIX, SOURCES_PREFIX } from './naming';
import { tell } from './outputs';
import { ofReport, prepare } from './prepared';
import type { Job, PagureCiProps } from './props';
import { makeSamples } from './samples';
import type { Site } from './site';
import { makeBuckets, makeReports, makeRequests, statements } from './storage';

/** The properties of a `PagureCi` are wrong. */
export class WrongPropertiesError extends Error {
  /** What is wrong, and what to do. */
  public readonly sentences: readonly string[];

  public constructor(wrong: readonly string[]) {
    super(wrong.join('\n'));
    this.name = 'WrongPropertiesError';
    this.sentences = wrong;
  }
}

/**
 * Pull requests of a Pagure, built by AWS CodeBuild and AWS CodePipeline, and flagged.
 *
 * Every grant that is needed is here, and nothing else: its policies are those of the folder `policies`.
 */
export class PagureCi extends Construct {
  /** What to type into Pagure as "URL to the project on the CI service". */
  public readonly url: string;
  /** The ARN of the user that signs for each project. */
  public readonly callers: Readonly<Record<string, string>>;
  /** What `trigger` reads. */
  public readonly requestsQueue: sqs.Queue;
  /** What `report` reads; events go here. */
  public readonly reportsQueue: sqs.Queue;
  /** Requests and reports that nobody could work on. */
  public readonly deadLetterQueues: readonly sqs.Queue[];
  /** What builds read their source from. */
  public readonly sourcesBucket: s3.Bucket;
  /** What is known of builds. */
  public readonly ledgerBucket: s3.Bucket;
  /** Takes Pagure's requests and starts builds. */
  public readonly triggerFunction: lambda.Function;
  /** Tells Pagure what becomes of builds. */
  public readonly reportFunction: lambda.Function;
  /** Dead letters, errors, and messages that wait too long. */
  public readonly alarms: readonly cloudwatch.Alarm[];
  /** Where the CI token lies, unless it is a variable. */
  public readonly tokenSecret: secretsmanager.ISecret | undefined;
  /** What encrypts queues, buckets and the secret, unless AWS's own keys do. */
  public readonly key: kms.IKey | undefined;

  private readonly site: Site;

  public constructor(scope: Construct, id: string, props: PagureCiProps) {
    super(scope, id);
    const wrong = sentences(props, Stack.of(this));
    if (wrong.length > 0) throw new WrongPropertiesError(wrong);

    const prepared = prepare(this, props);
    const { site, token, config } = prepared;
    this.site = site;
    this.key = site.key;
    this.tokenSecret = token.secret;

    const requests = makeRequests(site);
    const reports = makeReports(site);
    this.requestsQueue = requests.queue;
    this.reportsQueue = reports.queue;
    this.deadLetterQueues = [requests.deadLetters, reports.deadLetters];
    const buckets = makeBuckets(site);
    this.sourcesBucket = buckets.sources;
    this.ledgerBucket = buckets.ledger;

    const trigger = makeTrigger(site, this.triggerVariables(props, config));
    const report = makeReport(ofReport(prepared), { ...this.commonVariables(props), ...token.variables });
    this.triggerFunction = trigger;
    this.reportFunction = report;
    feed(site, 'RequestsMapping', requests.queue, trigger, 1);
    feed(site, 'ReportsMapping', reports.queue, report, 10);
    makeRules(site, reports.queue);
    makeSweep(site, report);
    this.alarms = makeAlarms(site, { requests, reports, trigger, report });

    const door = makeDoor(site, trigger);
    this.url = door.url;
    this.callers = callersOf(props, site.naming);
    const users = makeCallers(site, door, trigger);
    if (props.samples) makeSamples(site, buckets.sources);
    tell(site, { door, buckets, users, secret: token.made });
    acknowledgeFindings(this);
  }

  /** The jobs of the samples, as `projects` takes them. */
  public static sampleJobs(namePrefix: string = DEFAULT_PREFIX): Record<string, Job> {
    return { [`codebuild/${namePrefix}-hello`]: {}, [`codepipeline/${namePrefix}-release`]: {} };
  }

  /** Let the role of a CodeBuild project of yours read that project's sources and write its log. */
  public grantBuild(role: iam.IRole, project: string): void {
    const { naming, names } = this.site;
    const its = {
      BuildLogGroup: naming.logGroup(naming.buildLogs(project)),
      BuildSourcesPrefix: naming.sources('codebuild', project),
    };
    const granted = policy('build', { ...names, ...its });
    for (const statement of statements(granted)) role.addToPrincipalPolicy(statement);
  }

  private commonVariables(props: PagureCiProps): Variables {
    return {
      CHELA_PAGURE_URL: props.pagureUrl,
      CHELA_LEDGER_BUCKET: this.ledgerBucket.bucketName,
      CHELA_REPORTS_QUEUE: this.reportsQueue.queueUrl,
    };
  }

  private triggerVariables(props: PagureCiProps, config: Config): Variables {
    return {
      ...this.commonVariables(props),
      CHELA_CONFIG: config.variable,
      CHELA_REQUESTS_QUEUE: this.requestsQueue.queueUrl,
      CHELA_SOURCES_BUCKET: this.sourcesBucket.bucketName,
      CHELA_SOURCES_PREFIX: SOURCES_PREFIX,
    };
  }
}
