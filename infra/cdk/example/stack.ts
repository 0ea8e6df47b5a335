// One stack with one `PagureCi` in it; the zips lie on this machine.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, Tags } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { PagureCi, WrongPropertiesError, type PagureCiProps } from '../lib';

/** What the file may say: what needs no TypeScript. */
export interface Settings extends Pick<
  PagureCiProps,
  | 'pagureUrl'
  | 'pagureGit'
  | 'projects'
  | 'frontDoor'
  | 'namePrefix'
  | 'samples'
  | 'pipelineSources'
  | 'maximumConcurrency'
  | 'allowNetworks'
  | 'triggerSettings'
  | 'triggerReservedConcurrency'
  | 'logLevel'
> {
  /** The folder with the two zips, from the file's own. */
  readonly zips: string;
  /** What the stack is called. */
  readonly stack?: string;
  /** The account and region; those of the AWS CLI without it. */
  readonly env?: { readonly account: string; readonly region: string };
  /** What the zips were compiled for. */
  readonly architecture?: 'x86_64' | 'arm64';
  /** The ARN of a secret that there is already. */
  readonly tokenSecretArn?: string;
  /** `new`, or the ARN of a key that there is already. */
  readonly key?: string;
  /** The ARN of the topic that alarms are told to. */
  readonly alarmTopicArn?: string;
  /** Tags of everything. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** The stack of a file. */
export class ChelaStack extends Stack {
  public constructor(scope: Construct, id: string, settings: Settings, folder: string) {
    super(scope, id, {
      description: "A Pagure's pull requests, built by AWS CodeBuild and AWS CodePipeline",
      env: settings.env ?? {
        account: process.env['CDK_DEFAULT_ACCOUNT'],
        region: process.env['CDK_DEFAULT_REGION'],
      },
    });
    const { zips, architecture = 'x86_64', tokenSecretArn, key, alarmTopicArn, tags = {}, ...plain } = settings;
    const zip = (name: string) => zipOf(join(folder, zips, `${name}-${architecture}.zip`));
    new PagureCi(this, 'Chela', {
      ...plain,
      functions: { trigger: zip('trigger'), report: zip('report') },
      architecture: architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      token: tokenSecretArn ? secretsmanager.Secret.fromSecretCompleteArn(this, 'Token', tokenSecretArn) : 'new',
      key: key === undefined || key === 'new' ? key : kms.Key.fromKeyArn(this, 'Key', key),
      alarmTopic: alarmTopicArn ? sns.Topic.fromTopicArn(this, 'Topic', alarmTopicArn) : undefined,
    });
    for (const [name, value] of Object.entries(tags)) Tags.of(this).add(name, value);
  }
}

function zipOf(path: string): lambda.Code {
  if (existsSync(path)) return lambda.Code.fromAsset(path);
  throw new WrongPropertiesError([`There is no ${path}. Make both zips with "cargo xtask lambda", or correct zips.`]);
}
