import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { PagureCi, type PagureCiProps } from '../lib';
import { SETTINGS, WILDCARDS } from '../lib/findings';
import { ACCOUNT, everything, least } from './kit';
import { app, stack } from './wishes';

const VARIANTS: Record<string, (scope: Stack) => PagureCiProps> = {
  least,
  everything,
  'an HTTP API': (scope) => ({ ...least(scope), frontDoor: 'http-api' }),
  'a prefix of its own': (scope) => ({
    ...least(scope),
    namePrefix: 'team',
    projects: { 'demo/hello': { jobs: PagureCi.sampleJobs('team') } },
    samples: true,
  }),
};

function findings(propsOf: (scope: Stack) => PagureCiProps, after: (own: Stack) => void = () => {}): string[] {
  const own = stack(app(), ACCOUNT);
  new PagureCi(own, 'Chela', propsOf(own));
  after(own);
  const report = new AwsSolutionsChecks(own).validateScope(own);
  return report.violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map((each) => `${ruleName} ${each.constructPath ?? ''}`),
  );
}

for (const [name, propsOf] of Object.entries(VARIANTS)) {
  test(`cdk-nag finds nothing in ${name} that has no reason`, () => {
    assert.deepEqual(findings(propsOf), []);
  });
}

test('a finding without a reason is told', () => {
  const told = findings(least, (own) => {
    const rights = new iam.CfnPolicy(own.node.findChild('Chela'), 'More', {
      policyName: 'more',
      roles: ['chela-trigger'],
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
      },
    });
    assert.ok(rights);
  });
  assert.deepEqual(told, ['AwsSolutions-IAM5[Resource::*] chela/Chela/More']);
});

test('each reason is a sentence about something that there is', () => {
  const own = stack(app(), ACCOUNT);
  new PagureCi(own, 'Chela', everything(own));
  const api = stack(app(), ACCOUNT);
  new PagureCi(api, 'Chela', { ...least(api), frontDoor: 'http-api' });
  const all = [own, api].flatMap((each) => each.node.findChild('Chela').node.findAll());
  const paths = new Set(all.map((each) => each.node.path.slice('chela/Chela/'.length)));
  assert.deepEqual(
    Object.keys(SETTINGS).filter((path) => !paths.has(path)),
    [],
  );
  const said = JSON.stringify(all.flatMap((each) => (each instanceof iam.CfnPolicy ? [each.policyDocument] : [])));
  assert.deepEqual(
    Object.keys(WILDCARDS).filter((sid) => !said.includes(`"${sid}"`)),
    [],
  );
  const reasons = [...Object.values(WILDCARDS), ...Object.values(SETTINGS).map((each) => each.reason)];
  assert.ok(reasons.every((reason) => /^[A-Z].{20,}\.$/.test(reason)));
});
