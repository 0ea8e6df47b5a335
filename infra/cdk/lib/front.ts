// Where Pagure's requests come in, and who may send them.

import { Aws, CfnRule, Fn, Stack, Token } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { accountOf, REGIONS_WITHOUT_FUNCTION_URLS } from './checks';
import { policy, type PolicyJson } from './documents';
import { userName } from './jobs';
import type { Naming } from './naming';
import type { Site } from './site';

/** The front door: its address for Pagure's form, and the policy of those who may come in. */
export interface Door {
  readonly url: string;
  readonly policy: PolicyJson;
}

/** Make the one that is asked for. */
export function makeDoor(site: Site, trigger: lambda.Function): Door {
  return site.props.frontDoor === 'http-api' ? makeApi(site, trigger) : makeUrl(site, trigger);
}

function makeUrl({ scope, names }: Site, trigger: lambda.Function): Door {
  const url = new lambda.CfnUrl(scope, 'TriggerUrl', {
    targetFunctionArn: trigger.functionArn,
    authType: lambda.FunctionUrlAuthType.AWS_IAM,
  });
  if (Token.isUnresolved(Stack.of(scope).region)) refuseRegions(scope);
  const host = Fn.select(1, Fn.split('//', url.attrFunctionUrl));
  return { url: `https+sigv4://${host}`, policy: policy('caller', names) };
}

/** The region is only known when the stack is deployed. */
function refuseRegions(scope: Construct): void {
  new CfnRule(scope, 'FunctionUrlsExistHere', {
    assertions: [
      {
        assert: Fn.conditionNot(Fn.conditionContains([...REGIONS_WITHOUT_FUNCTION_URLS], Aws.REGION)),
        assertDescription: "This region has no function URLs. Write frontDoor: 'http-api'.",
      },
    ],
  });
}

function makeApi({ scope, naming, names }: Site, trigger: lambda.Function): Door {
  const api = new apigateway.CfnApi(scope, 'TriggerApi', { name: naming.prefix, protocolType: 'HTTP' });
  const integration = new apigateway.CfnIntegration(scope, 'TriggerApiIntegration', {
    apiId: api.ref,
    integrationType: 'AWS_PROXY',
    integrationUri: trigger.functionArn,
    payloadFormatVersion: '2.0',
  });
  new apigateway.CfnRoute(scope, 'TriggerApiRoute', {
    apiId: api.ref,
    routeKey: 'POST /',
    authorizationType: 'AWS_IAM',
    target: `integrations/${integration.ref}`,
  });
  new apigateway.CfnStage(scope, 'TriggerApiStage', { apiId: api.ref, stageName: '$default', autoDeploy: true });
  const arn = naming.arn('execute-api', api.ref);
  new lambda.CfnPermission(scope, 'TriggerApiPermission', {
    functionName: trigger.functionArn,
    action: 'lambda:InvokeFunction',
    principal: 'apigateway.amazonaws.com',
    sourceArn: `${arn}/$default/POST/*`,
  });
  const { region, urlSuffix } = naming.place;
  return {
    url: `https+sigv4://${api.ref}.execute-api.${region}.${urlSuffix}/`,
    policy: policy('caller-http-api', { ...names, TriggerApi: arn }),
  };
}

/** A caller for each project; returns the users that were made. */
export function makeCallers(site: Site, door: Door, trigger: lambda.Function): Record<string, iam.User> {
  const { scope, props, naming } = site;
  const users = new Construct(scope, 'Caller');
  const rights = new Construct(scope, 'CallerPolicy');
  const made: Record<string, iam.User> = {};
  for (const [project, { caller }] of Object.entries(props.projects)) {
    if (caller !== undefined) continue;
    const user = new iam.User(users, idOf(project), { userName: userName(naming.prefix, project) });
    letIn(rights, idOf(project), naming, door, user.userName);
    made[project] = user;
  }
  letOthersIn(site, rights, door, trigger);
  return made;
}

/** Users that there are already; each once, whatever the number of its projects. */
function letOthersIn({ scope, props, naming }: Site, rights: Construct, door: Door, trigger: lambda.Function): void {
  const callers = new Set(Object.values(props.projects).flatMap((project) => project.caller ?? []));
  for (const caller of callers) {
    if (accountOf(caller) === Stack.of(scope).account) {
      letIn(rights, idOf(caller), naming, door, caller.slice(caller.lastIndexOf('/') + 1));
    } else {
      letElsewhereIn(scope, caller, trigger);
    }
  }
}

function letIn(rights: Construct, id: string, naming: Naming, door: Door, user: string): void {
  new iam.CfnPolicy(rights, id, {
    policyName: `${naming.prefix}-caller`,
    users: [user],
    policyDocument: door.policy,
  });
}

/** A user of another account needs the function's word as well as that account's. */
function letElsewhereIn(scope: Construct, caller: string, trigger: lambda.Function): void {
  const common = { functionName: trigger.functionArn, principal: caller };
  new lambda.CfnPermission(childOf(scope, 'ElsewhereMayAskTheUrl'), idOf(caller), {
    ...common,
    action: 'lambda:InvokeFunctionUrl',
    functionUrlAuthType: lambda.FunctionUrlAuthType.AWS_IAM,
  });
  new lambda.CfnPermission(childOf(scope, 'ElsewhereMayInvokeThroughIt'), idOf(caller), {
    ...common,
    action: 'lambda:InvokeFunction',
    invokedViaFunctionUrl: true,
  });
}

function childOf(scope: Construct, id: string): Construct {
  return (scope.node.tryFindChild(id) as Construct | undefined) ?? new Construct(scope, id);
}

/** A path of constructs has slashes of its own. */
function idOf(name: string): string {
  return name.replaceAll('/', '|');
}
