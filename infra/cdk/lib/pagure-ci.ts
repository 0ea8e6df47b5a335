// The whole stack as one construct.

import { CfnOutput, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { sentences } from './checks';
import { callerOf, makeConfig, type Config } from './config';
import { policy, type Names } from './documents';
import { makeAlarms, makeRules, makeSweep } from './events';
import { feed, makeReport, makeTrigger } from './functions';
import { makeCallers, makeDoor } from './front';
import { leads } from './jobs';
import { longest } from './lengths';
import { DEFAULT_PREFIX, Naming, namesOf, SOURCES_PREFIX } from './naming';
import type { Job, PagureCiProps } from './props';
import { makeSamples } from './samples';
import { makeBuckets, makeKey, makeReports, makeRequests, makeToken, statements, type TokenPlace } from './storage';

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

  private readonly names: Names;

  public constructor(scope: Construct, id: string, props: PagureCiProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const wrong = sentences(props, stack);
    if (wrong.length > 0) throw new WrongPropertiesError(wrong);

    const naming = new Naming(stack, props.namePrefix);
    const config = makeConfig(this, props, naming, new Naming(longest(stack), props.namePrefix));
    const known = namesOf(naming, props, { key: [], tokenSecret: [], configObject: config.objects });
    this.key = makeKey(this, props, naming, known);
    const token = makeToken(this, props, naming, this.key);
    this.tokenSecret = token.secret;
    this.names = namesOf(naming, props, {
      key: this.key ? [this.key.keyArn] : [],
      tokenSecret: token.secret ? [token.secret.secretArn] : [],
      configObject: config.objects,
    });

    const requests = makeRequests(this, naming, this.key);
    const reports = makeReports(this, naming, this.key, this.names);
    this.requestsQueue = requests.queue;
    this.reportsQueue = reports.queue;
    this.deadLetterQueues = [requests.deadLetters, reports.deadLetters];
    const buckets = makeBuckets(this, props, naming, this.key, this.names);
    this.sourcesBucket = buckets.sources;
    this.ledgerBucket = buckets.ledger;

    this.triggerFunction = makeTrigger(this, props, naming, this.names, this.triggerVariables(props, config));
    this.reportFunction = makeReport(this, props, naming, this.names, {
      ...this.commonVariables(props),
      ...token.variables,
    });
    feed(this, 'RequestsMapping', requests.queue, this.triggerFunction, 1, props);
    feed(this, 'ReportsMapping', reports.queue, this.reportFunction, 10, props);
    makeRules(this, naming, this.names, reports.queue);
    makeSweep(this, naming, this.names, this.reportFunction);

    const door = makeDoor(this, props, naming, this.names, this.triggerFunction);
    this.url = door.url;
    const users = makeCallers(this, props, naming, door, this.triggerFunction);
    this.callers = Object.fromEntries(
      Object.keys(props.projects).map((project) => [project, callerOf(props, naming, project)]),
    );
    this.alarms = makeAlarms(this, props, naming, {
      requests,
      reports,
      trigger: this.triggerFunction,
      report: this.reportFunction,
    });
    if (props.samples) makeSamples(this, props, naming, this.names, buckets.sources, this.key);
    this.tell(props, token, users);
  }

  /** The jobs of the samples, as `projects` takes them. */
  public static sampleJobs(namePrefix: string = DEFAULT_PREFIX): Record<string, Job> {
    return { [`codebuild/${namePrefix}-hello`]: {}, [`codepipeline/${namePrefix}-release`]: {} };
  }

  /** Let the role of a CodeBuild project of yours read the sources and write its log. */
  public grantBuild(role: iam.IRole, project: string): void {
    const logs = `${Stack.of(this).partition}:logs:${Stack.of(this).region}:${Stack.of(this).account}`;
    const names = { ...this.names, BuildLogGroup: `arn:${logs}:log-group:/aws/codebuild/${project}` };
    for (const statement of statements(policy('build', names))) role.addToPrincipalPolicy(statement);
  }

  private commonVariables(props: PagureCiProps): Record<string, string> {
    return {
      CHELA_PAGURE_URL: props.pagureUrl,
      CHELA_LEDGER_BUCKET: this.ledgerBucket.bucketName,
      CHELA_REPORTS_QUEUE: this.reportsQueue.queueUrl,
    };
  }

  private triggerVariables(props: PagureCiProps, config: Config): Record<string, string> {
    return {
      ...this.commonVariables(props),
      CHELA_CONFIG: config.variable,
      CHELA_REQUESTS_QUEUE: this.requestsQueue.queueUrl,
      CHELA_SOURCES_BUCKET: this.sourcesBucket.bucketName,
      CHELA_SOURCES_PREFIX: SOURCES_PREFIX,
    };
  }

  private tell(props: PagureCiProps, token: TokenPlace, users: Readonly<Record<string, iam.User>>): void {
    this.output('PagureForm', 'What to type into Pagure as "URL to the project on the CI service"', this.url);
    const jobs = new Set(Object.values(props.projects).flatMap((project) => leads(project).map((one) => one.job)));
    this.output('Jobs', 'What to type as "Name of the job", one of these', [...jobs].join(' '));
    for (const [project, user] of Object.entries(users)) {
      this.output(
        `MakeTheKey-${project.replaceAll('/', '|')}`,
        `Makes the key of ${project}: type what it prints into Pagure as user name and password`,
        `aws iam create-access-key --user-name ${user.userName} --query "AccessKey.[AccessKeyId,SecretAccessKey]" --output text`,
      );
    }
    if (token.made) {
      this.output(
        'FillInTheSecret',
        'Asks for the CI token that Pagure shows, and writes it into the secret',
        `read -rs token && printf %s "$token" | aws secretsmanager put-secret-value --region ${Stack.of(this).region} --secret-id ${token.made.ref} --secret-string file:///dev/stdin`,
      );
    }
    this.output('SourcesBucketName', 'What builds read their source from', this.sourcesBucket.bucketName);
    this.output('LedgerBucketName', 'What is known of builds', this.ledgerBucket.bucketName);
    if (this.key) this.tellOfKey(this.key);
  }

  private tellOfKey(key: kms.IKey): void {
    this.output('KeyArn', 'What the roles of your CodeBuild projects must be allowed kms:Decrypt on', key.keyArn);
    const statement = policy('key', this.names).Statement.find((each) => each['Sid'] === 'EventsGoIntoTheQueue');
    this.output('KeyStatement', 'What the policy of this key must have', Stack.of(this).toJsonString(statement));
  }

  private output(id: string, description: string, value: string): void {
    new CfnOutput(this, id, { description, value });
  }
}
