// Stacks from wishes: what somebody wants in the words of no dialect, as the test bed has them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, DefaultStackSynthesizer, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { PagureCi, WrongPropertiesError, type Job, type Network, type PagureCiProps } from '../lib';

/** `chela_bed.aws.dialects.Wish`. */
export interface Wish {
  readonly pagure_url: string;
  readonly pagure_git: readonly string[];
  readonly project: string;
  readonly jobs: Readonly<Record<string, Job>>;
  readonly caller: string;
  readonly samples: boolean;
  readonly pipeline_sources: readonly string[];
  readonly key: string;
  readonly http_api: boolean;
  readonly secret: string;
  readonly subnets: readonly string[];
  readonly security_groups: readonly string[];
  readonly topic: string;
  readonly prefix: string;
  readonly bucket: string;
  readonly trigger_key: string;
  readonly report_key: string;
}

/** `chela_bed.aws.account.Account`. */
export interface Account {
  readonly number: string;
  readonly region: string;
}

export type Template = Readonly<Record<string, unknown>>;

const FOLDER = mkdtempSync(join(tmpdir(), 'chela-cdk-'));
// The library writes there as well; nothing is to stay behind.
process.env['TMPDIR'] = FOLDER;
// To validate a template takes longer than to make it; validated.test.ts does it.
process.env['CDK_VALIDATION'] = 'false';
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

/** An application that says in its templates where each resource comes from, and writes them aside. */
export function app(context: Readonly<Record<string, unknown>> = {}): App {
  return new App({
    analyticsReporting: false,
    context: { 'aws:cdk:enable-path-metadata': true, ...context },
    outdir: mkdtempSync(join(FOLDER, 'out-')),
  });
}

/** A stack that needs no bootstrapped account, unless it has assets. */
export function stack(of: App, account?: Account, id = 'chela'): Stack {
  return new Stack(of, id, {
    ...(account ? { env: { account: account.number, region: account.region } } : {}),
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
}

/** What comes of a wish: a template and the folder with its files, or why there is none. */
export type Answer = { readonly template: Template; readonly folder: string } | { readonly refused: readonly string[] };

/** The template of a wish, or the sentences that refuse it. */
export function answer(wish: Wish, account: Account): Answer {
  const made = app();
  const own = stack(made, account);
  try {
    new PagureCi(own, 'Chela', props(own, wish));
  } catch (problem) {
    if (problem instanceof WrongPropertiesError) return { refused: problem.sentences };
    throw problem;
  }
  const built = made.synth();
  return { template: built.getStackArtifact(own.artifactId).template as Template, folder: built.directory };
}

function props(scope: Construct, wish: Wish): PagureCiProps {
  const zips = s3.Bucket.fromBucketName(scope, 'Zips', wish.bucket);
  return {
    pagureUrl: wish.pagure_url,
    pagureGit: wish.pagure_git,
    projects: { [wish.project]: { jobs: wish.jobs, ...(wish.caller ? { caller: wish.caller } : {}) } },
    functions: {
      trigger: lambda.Code.fromBucket(zips, wish.trigger_key),
      report: lambda.Code.fromBucket(zips, wish.report_key),
    },
    frontDoor: wish.http_api ? 'http-api' : 'function-url',
    namePrefix: wish.prefix,
    samples: wish.samples,
    pipelineSources: wish.pipeline_sources,
    ...optional(scope, wish),
  };
}

function optional(scope: Construct, wish: Wish): Partial<PagureCiProps> {
  const key = wish.key === 'new' ? 'new' : wish.key && kms.Key.fromKeyArn(scope, 'TheirKey', wish.key);
  return {
    ...(key ? { key } : {}),
    ...(wish.secret ? { token: secretsmanager.Secret.fromSecretCompleteArn(scope, 'TheirSecret', wish.secret) } : {}),
    ...(wish.topic ? { alarmTopic: sns.Topic.fromTopicArn(scope, 'TheirTopic', wish.topic) } : {}),
    ...(wish.subnets.length > 0 ? { vpc: network(scope, wish) } : {}),
  };
}

function network(scope: Construct, wish: Wish): Network {
  const vpc = ec2.Vpc.fromVpcAttributes(scope, 'TheirVpc', {
    vpcId: 'vpc-0123abcd',
    availabilityZones: wish.subnets.map((_, place) => `zone-${place}`),
    privateSubnetIds: [...wish.subnets],
  });
  const groups = wish.security_groups.map((id) => ec2.SecurityGroup.fromSecurityGroupId(scope, id, id));
  return { vpc, securityGroups: groups };
}
