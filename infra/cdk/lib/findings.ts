// What cdk-nag's AwsSolutions finds here, and why it is so. Whoever runs cdk-nag over an application
// with a `PagureCi` sees none of these, and everything else.

import { CfnResource, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { PolicyJson, Statement } from './documents';

/** Why a statement names resources with a `*`, by its `Sid`. */
export const WILDCARDS: Readonly<Record<string, string>> = {
  KeepTheLedger: 'A key in the ledger is the id of a build, which nobody knows before it is asked for.',
  LinkExecutionsToBuilds: 'The key is the id that CodeBuild or CodePipeline gives.',
  ReadTheLedger: 'A key in the ledger is the id of a build or an execution.',
  CloseBuilds: 'A key in the ledger is the id of a build.',
  StoreSources: 'The key of a source ends with the id of a build, which nobody knows before it is asked for.',
  FetchSources: 'The key of a source ends with the id of a build, which nobody knows before it is asked for.',
  TakeArtifacts: 'CodePipeline chooses the keys of artifacts below the name of the pipeline.',
  KeepArtifacts: 'CodePipeline chooses the keys of artifacts below the name of the pipeline.',
  Log: 'A stream of the log group is made for each instance of a function and for each build.',
  AskThroughTheApi: 'What comes after the method in such an ARN is the path; the API has one route.',
  LambdaMakesInterfaces:
    'The two that describe know no resource, and AWS says nowhere that Lambda is content with less for the others than AWSLambdaVPCAccessExecutionRole has; TheFunctionDoesNot takes them from what runs in the function.',
  TheFunctionDoesNot: 'It refuses, and is to refuse everywhere.',
};

/** Why a resource is not as AwsSolutions wants it, by the path of its construct. */
export const SETTINGS: Readonly<Record<string, { readonly id: string; readonly reason: string }>> = {
  NewTokenSecret: {
    id: 'AwsSolutions-SMG4',
    reason: 'Pagure makes the token and cannot make another by itself; README.md says how it is changed by hand.',
  },
  'RequestsQueue/Resource': queue('requests'),
  'RequestsDeadLetters/Resource': queue('requests that were given up'),
  'ReportsQueue/Resource': queue('reports'),
  'ReportsDeadLetters/Resource': queue('reports that were given up'),
  'SourcesBucket/Resource': bucket('every source can be fetched again'),
  'LedgerBucket/Resource': bucket('the ledger is of use to the functions alone'),
  TriggerApiStage: {
    id: 'AwsSolutions-APIG1',
    reason: 'The log of trigger has a line for each request; an access log would say the same again.',
  },
  SampleProject: project('writes no artifacts'),
  PipelineBuildProject: project('takes the key of the pipeline that runs it'),
};

function queue(what: string): { id: string; reason: string } {
  return {
    id: 'AwsSolutions-SQS4',
    reason: `Nobody but the two functions and EventBridge may use the queue of ${what}, and all of them call SQS by its HTTPS address.`,
  };
}

function bucket(why: string): { id: string; reason: string } {
  return {
    id: 'AwsSolutions-S1',
    reason: `Nobody but the functions and the builds may read it, and ${why}; server access logs would need a third bucket. CloudTrail's data events can be switched on for it.`,
  };
}

function project(why: string): { id: string; reason: string } {
  return { id: 'AwsSolutions-CB4', reason: `It ${why}, so that there is nothing that a key of its own would encrypt.` };
}

/** Say the reasons where cdk-nag looks for them. */
export function acknowledgeFindings(scope: Construct): void {
  for (const child of scope.node.findAll()) {
    const setting = SETTINGS[child.node.path.slice(scope.node.path.length + 1)];
    if (setting) Validations.of(child).acknowledge(setting);
    if (iam.CfnPolicy.isCfnPolicy(child)) acknowledgeWildcards(child);
  }
}

function acknowledgeWildcards(rights: iam.CfnPolicy): void {
  // A policy that the library has made is no JSON, and none of ours.
  const { Statement: said = [] } = rights.policyDocument as Partial<PolicyJson>;
  for (const statement of said) {
    const reason = WILDCARDS[String(statement['Sid'])];
    if (reason === undefined) continue;
    for (const resource of resourcesOf(rights, statement)) {
      if (resource.includes('*')) {
        Validations.of(rights).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
      }
    }
  }
}

/** As cdk-nag writes them: a reference in angle brackets. */
function resourcesOf(rights: CfnResource, statement: Statement): string[] {
  const found: unknown = Stack.of(rights).resolve(statement['Resource']);
  return (Array.isArray(found) ? found : [found]).map(flat);
}

function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: reference, 'Fn::Join': joined } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  if (joined) return joined[1].map(flat).join(joined[0]);
  return `<${reference ?? JSON.stringify(value)}>`;
}
