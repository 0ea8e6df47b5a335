// The two functions: what they run as, what they are told, and what feeds them.

import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { policy } from './documents';
import type { PagureCiProps } from './props';
import type { Site } from './site';

/** What a function reads from its environment. */
export type Variables = Readonly<Record<string, string>>;

/** What differs between the two. */
interface Kind {
  /** How its constructs are called. */
  readonly id: 'Trigger' | 'Report';
  readonly name: string;
  readonly code: lambda.Code;
  readonly description: string;
  readonly timeout: Duration;
  readonly memorySize: number;
  readonly environment: Variables;
  readonly more?: Pick<lambda.FunctionOptions, 'ephemeralStorageSize' | 'reservedConcurrentExecutions'>;
}

/** `trigger` takes requests and starts builds. */
export function makeTrigger(site: Site, environment: Variables): lambda.Function {
  const { props } = site;
  return makeFunction(site, {
    id: 'Trigger',
    name: 'trigger',
    code: props.functions.trigger,
    description: "Takes Pagure's requests and starts builds",
    timeout: Duration.seconds(300),
    memorySize: 512,
    environment: { ...environment, ...triggerSettings(props) },
    more: {
      // As large as an unpacked repository may be.
      ephemeralStorageSize: Size.mebibytes(2048),
      reservedConcurrentExecutions: props.triggerReservedConcurrency,
    },
  });
}

function triggerSettings(props: PagureCiProps): Record<string, string> {
  const { allowNetworks = [], pagureGit = [] } = props;
  return {
    ...(pagureGit.length > 0 ? { CHELA_PAGURE_GIT: pagureGit.join(',') } : {}),
    ...(allowNetworks.length > 0 ? { CHELA_ALLOW_NETWORKS: allowNetworks.join(',') } : {}),
    ...props.triggerSettings,
  };
}

/** `report` tells Pagure what becomes of builds. */
export function makeReport(site: Site, environment: Variables): lambda.Function {
  return makeFunction(site, {
    id: 'Report',
    name: 'report',
    code: site.props.functions.report,
    description: 'Tells Pagure what becomes of builds',
    timeout: Duration.seconds(120),
    memorySize: 256,
    environment,
  });
}

function makeFunction(site: Site, kind: Kind): lambda.Function {
  const { scope, props, naming } = site;
  const functionName = `${naming.prefix}-${kind.name}`;
  const { role, rights } = makeRole(site, { id: kind.id, name: kind.name, trust: 'trust-function' });
  const made = new lambda.Function(scope, `${kind.id}Function`, {
    functionName,
    description: kind.description,
    runtime: lambda.Runtime.PROVIDED_AL2023,
    handler: 'bootstrap',
    architecture: props.architecture ?? lambda.Architecture.X86_64,
    code: kind.code,
    role,
    timeout: kind.timeout,
    memorySize: kind.memorySize,
    environment: { ...kind.environment, ...(props.logLevel ? { CHELA_LOG: props.logLevel } : {}) },
    // The functions write JSON themselves.
    loggingFormat: lambda.LoggingFormat.TEXT,
    logGroup: makeLogGroup(site, `${kind.id}LogGroup`, naming.functionLogs(functionName)),
    ...kind.more,
    ...network(props),
  });
  // Lambda looks whether the role may make interfaces.
  made.node.addDependency(rights);
  return made;
}

function network(props: PagureCiProps): Pick<lambda.FunctionOptions, 'vpc' | 'vpcSubnets' | 'securityGroups'> {
  if (props.vpc === undefined) return {};
  const { vpc, subnets: vpcSubnets, securityGroups } = props.vpc;
  return { vpc, vpcSubnets, securityGroups: [...securityGroups] };
}

/** Logs go with the stack: what they say is of no use without it. */
export function makeLogGroup({ scope, props }: Site, id: string, logGroupName: string): logs.LogGroup {
  return new logs.LogGroup(scope, id, {
    logGroupName,
    retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

/** Who may become a role, and how its policy and constructs are called. */
export interface RoleKind {
  readonly id: string;
  readonly name: string;
  readonly trust: string;
}

/** A role that may do what its policy says and nothing else. */
export function makeRole(
  { scope, naming, names }: Site,
  kind: RoleKind,
): { readonly role: iam.Role; readonly rights: iam.CfnPolicy } {
  const trust = policy(kind.trust, names);
  const role = new iam.Role(scope, `${kind.id}Role`, {
    roleName: naming.role(kind.name),
    // Only until the next line: an L2 role has no place for a whole document.
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  (role.node.defaultChild as iam.CfnRole).assumeRolePolicyDocument = trust;
  const rights = new iam.CfnPolicy(scope, `${kind.id}Policy`, {
    policyName: kind.name,
    roles: [role.roleName],
    policyDocument: policy(kind.name, names),
  });
  return { role, rights };
}

/** Let Lambda hand a queue's messages to a function. */
export function feed(
  { scope, props }: Site,
  id: string,
  queue: sqs.Queue,
  to: lambda.Function,
  batchSize: number,
): void {
  new lambda.CfnEventSourceMapping(scope, id, {
    eventSourceArn: queue.queueArn,
    functionName: to.functionName,
    batchSize,
    functionResponseTypes: ['ReportBatchItemFailures'],
    scalingConfig: { maximumConcurrency: props.maximumConcurrency ?? 2 },
  });
}
