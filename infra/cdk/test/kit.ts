// What the tests of this package have in common.

import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { PagureCi, type PagureCiProps } from '../lib';
import { app, stack, type Account, type Template } from './wishes';

export const ACCOUNT: Account = { number: '123456789012', region: 'eu-west-1' };
export const PACKAGE = join(__dirname, '..', '..');

/** A resource of a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Metadata: Readonly<Record<string, string>>;
}

/** Zips in a bucket of somebody's. */
export function functions(scope: Stack): PagureCiProps['functions'] {
  const zips = s3.Bucket.fromBucketName(scope, `Zips${scope.node.children.length}`, 'zips');
  return {
    trigger: lambda.Code.fromBucket(zips, 'trigger-0a1b.zip'),
    report: lambda.Code.fromBucket(zips, 'report-0a1b.zip'),
  };
}

/** The least that a stack can be made of. */
export function least(scope: Stack): PagureCiProps {
  return {
    pagureUrl: 'https://pagure.example.org',
    projects: { 'demo/hello': { jobs: { 'codebuild/hello': {} } } },
    functions: functions(scope),
  };
}

/** All that can be asked for. */
export function everything(scope: Stack): PagureCiProps {
  const vpc = ec2.Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId: 'vpc-0123abcd',
    availabilityZones: ['eu-west-1a'],
    privateSubnetIds: ['subnet-0123abcd'],
  });
  return {
    ...least(scope),
    projects: {
      'demo/hello': { jobs: PagureCi.sampleJobs(), strangers: 'refuse' },
      'demo/other': {
        jobs: { 'codebuild/tests': { name: 'team-tests', untrusted: 'team-tests-forks' } },
        caller: 'arn:aws:iam::123456789012:user/pagure',
      },
      'forks/ada/demo/hello': {
        jobs: { 'codepipeline/release': { name: 'line' } },
        caller: 'arn:aws:iam::999999999999:user/pagure',
      },
    },
    pagureGit: ['https://git.example.org'],
    architecture: lambda.Architecture.ARM_64,
    key: 'new',
    vpc: { vpc, securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(scope, 'Group', 'sg-0123abcd')] },
    allowNetworks: ['10.20.0.0/16'],
    triggerSettings: { CHELA_MAX_FILES: '1000' },
    logLevel: 'debug',
    pipelineSources: ['team-sources/release.zip'],
    maximumConcurrency: 5,
    triggerReservedConcurrency: 10,
    alarmTopic: sns.Topic.fromTopicArn(scope, 'Topic', 'arn:aws:sns:eu-west-1:123456789012:alarms'),
    samples: true,
  };
}

/** What a stack comes to, with one `PagureCi` in it. */
export function synthesised(
  propsOf: (scope: Stack) => PagureCiProps,
  context: Readonly<Record<string, unknown>> = {},
): Template {
  const own = stack(app(context), ACCOUNT);
  new PagureCi(own, 'Chela', propsOf(own));
  return templateOf(own);
}

/** What a stack comes to. */
export function templateOf(own: Stack): Template {
  const whole = own.node.root as App;
  return whole.synth().getStackArtifact(own.artifactId).template as Template;
}

/** The resources of a template by the paths of their constructs below their `PagureCi`. */
export function resources(template: Template): Record<string, Resource> {
  const found = Object.values(template['Resources'] as Record<string, Resource>);
  return Object.fromEntries(found.map((one) => [pathOf(one), one]));
}

function pathOf(one: Resource): string {
  const path = one.Metadata['aws:cdk:path'] ?? '';
  return path
    .split('/')
    .slice(2)
    .join('/')
    .replace(/\/Resource$/, '');
}

/** Compare with what is kept in a file; `UPDATE=1` writes the file anew. */
export function assertKept(file: string, text: string): void {
  const path = join(PACKAGE, file);
  if (process.env['UPDATE'] === '1') writeFileSync(path, text);
  assert.ok(existsSync(path), `${file} is not there; run the tests with UPDATE=1`);
  assert.equal(text, readFileSync(path, 'utf8'), `${file} says something else; if it should, run with UPDATE=1`);
}
