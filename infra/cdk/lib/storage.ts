// Where requests, reports, sources, the ledger and the token lie, and the key that encrypts them.

import { Duration, RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { policy, type Names, type PolicyJson, type Statement } from './documents';
import type { Site } from './site';

/** A queue, and where its messages go that nobody could work on. */
export interface Queues {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;
}

/** The two buckets. */
export interface Buckets {
  readonly sources: s3.Bucket;
  readonly ledger: s3.Bucket;
}

/** Where the token lies: a secret, or a variable. */
export interface TokenPlace {
  readonly secret?: secretsmanager.ISecret;
  readonly made?: secretsmanager.CfnSecret;
  readonly variables: Readonly<Record<string, string>>;
}

/** The statements of a policy, for constructs that keep policies themselves. */
export function statements(document: PolicyJson): iam.PolicyStatement[] {
  return document.Statement.map((each) => iam.PolicyStatement.fromJson(each));
}

/** The key, if one is asked for. */
export function makeKey({ scope, props, naming, names }: Site): kms.IKey | undefined {
  if (props.key !== 'new') return letEventsUse(props.key, names);
  // Not an L2 key: its policy would grow with whatever is granted on it.
  const key = new kms.CfnKey(scope, 'Key', {
    description: `What ${naming.prefix} keeps in buckets and queues`,
    enableKeyRotation: true,
    keyPolicy: policy('key', names),
  });
  key.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  new kms.CfnAlias(scope, 'KeyAlias', { aliasName: `alias/${naming.prefix}`, targetKeyId: key.ref });
  return kms.Key.fromKeyArn(scope, 'NewKey', key.attrArn);
}

/** A key of this application learns what it must; one from elsewhere has to know it. */
function letEventsUse(key: kms.IKey | undefined, names: Names): kms.IKey | undefined {
  const { Sid: _name, ...statement } = eventsStatement(names);
  // Without its name: a key's policy has none twice, and may serve two stacks.
  key?.addToResourcePolicy(iam.PolicyStatement.fromJson(statement), true);
  return key;
}

/** What the policy of a key must say, so that EventBridge can put encrypted messages into the queue. */
export function eventsStatement(names: Names): Statement {
  const found = policy('key', names).Statement.find((each) => each['Sid'] === 'EventsGoIntoTheQueue');
  if (found === undefined) throw new Error('policies/key.json says nothing of EventsGoIntoTheQueue');
  return found;
}

/** What `trigger` reads. */
export function makeRequests(site: Site): Queues {
  const { requestsQueue: name } = site.naming;
  const deadLetters = makeQueue(site, 'RequestsDeadLetters', `${name}-dead`);
  const queue = makeQueue(site, 'RequestsQueue', name, {
    // More than trigger's time-out.
    visibilityTimeout: Duration.seconds(360),
    retentionPeriod: Duration.days(4),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
  });
  return { queue, deadLetters };
}

/** What `report` reads, and events go to. */
export function makeReports(site: Site): Queues {
  const { reportsQueue: name } = site.naming;
  const deadLetters = makeQueue(site, 'ReportsDeadLetters', `${name}-dead`);
  const queue = makeQueue(site, 'ReportsQueue', name, {
    // More than report's time-out.
    visibilityTimeout: Duration.seconds(180),
    // A Pagure may be down for so long.
    retentionPeriod: Duration.days(14),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: 1000 },
  });
  for (const statement of statements(policy('reports-queue', site.names))) queue.addToResourcePolicy(statement);
  return { queue, deadLetters };
}

function makeQueue(
  { scope, key }: Site,
  id: string,
  queueName: string,
  more: sqs.QueueProps = { retentionPeriod: Duration.days(14) },
): sqs.Queue {
  const encryption = key ? sqs.QueueEncryption.KMS : sqs.QueueEncryption.SQS_MANAGED;
  return new sqs.Queue(scope, id, { queueName, encryption, encryptionMasterKey: key, ...more });
}

/** One for sources, versioned; one for the ledger, unversioned. */
export function makeBuckets(site: Site): Buckets {
  const { scope, props, naming, names } = site;
  const common = bucketProps(site);
  const sources = new s3.Bucket(scope, 'SourcesBucket', {
    ...common,
    bucketName: naming.sourcesBucket,
    versioned: true,
    lifecycleRules: [
      {
        id: 'sources',
        expiration: props.sourcesExpiration ?? Duration.days(30),
        noncurrentVersionExpiration: Duration.days(7),
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
      { id: 'delete-markers', expiredObjectDeleteMarker: true },
    ],
  });
  const ledger = new s3.Bucket(scope, 'LedgerBucket', {
    ...common,
    bucketName: naming.ledgerBucket,
    // Nothing else may expire: open/ is what Pagure has not been told yet.
    lifecycleRules: ['builds', 'executions'].map((id) => ({
      id,
      prefix: `${id}/`,
      expiration: Duration.days(45),
    })),
  });
  refusePlainHttp(sources, names);
  refusePlainHttp(ledger, names);
  return { sources, ledger };
}

function bucketProps({ props, key }: Site): s3.BucketProps {
  return {
    encryption: key ? s3.BucketEncryption.KMS : s3.BucketEncryption.S3_MANAGED,
    encryptionKey: key,
    bucketKeyEnabled: key && true,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  };
}

function refusePlainHttp(bucket: s3.Bucket, names: Names): void {
  for (const statement of statements(policy('bucket', { ...names, Bucket: bucket.bucketArn }))) {
    bucket.addToResourcePolicy(statement);
  }
}

/** Where Pagure's CI token lies. A new secret is empty: whoever may read the stack must not read it. */
export function makeToken({ scope, props, naming, key }: Site): TokenPlace {
  const { token = 'new' } = props;
  if (SecretValue.isSecretValue(token)) return { variables: { CHELA_TOKEN: token.unsafeUnwrap() } };
  if (token !== 'new') return { secret: token, variables: { CHELA_TOKEN_SECRET: token.secretArn } };
  const made = new secretsmanager.CfnSecret(scope, 'NewTokenSecret', {
    name: `${naming.prefix}/ci-token`,
    description: "The CI token of Pagure's projects",
    kmsKeyId: key?.keyArn,
  });
  const secret = secretsmanager.Secret.fromSecretCompleteArn(scope, 'NewToken', made.ref);
  return { secret, made, variables: { CHELA_TOKEN_SECRET: made.ref } };
}
