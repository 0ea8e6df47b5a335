import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Validations, type Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { PagureCi, type PagureCiProps } from '../lib';
import { ACCOUNT, everything, least } from './kit';
import { app, stack } from './wishes';

process.env['CDK_VALIDATION'] = 'true';
const STRICT = { '@aws-cdk/core:validateAgainstDefaultRules': true };

/** Whether an application with all checks is synthesised: those of the library, and cdk-nag's. */
function isTaken(propsOf: (scope: Stack) => PagureCiProps, change: (own: Stack) => void = () => {}): boolean {
  const whole = app(STRICT);
  const own = stack(whole, ACCOUNT);
  new PagureCi(own, 'Chela', propsOf(own));
  change(own);
  Validations.of(whole).addPlugins(new AwsSolutionsChecks(whole));
  const before = process.exitCode;
  try {
    whole.synth();
    return process.exitCode === before;
  } catch {
    return false;
  } finally {
    process.exitCode = before;
  }
}

function trigger(own: Stack): lambda.CfnFunction {
  return own.node.findChild('Chela').node.findChild('TriggerFunction').node.defaultChild as lambda.CfnFunction;
}

for (const [name, propsOf] of Object.entries({ least, everything })) {
  test(`the template of ${name} passes CloudFormation's own rules and cdk-nag's`, () => {
    assert.ok(isTaken(propsOf));
  });
}

test('a template that CloudFormation would refuse is not taken', () => {
  assert.ok(!isTaken(least, (own) => (trigger(own).memorySize = 1)));
});

test('a runtime that cdk-nag does not like is not taken', () => {
  assert.ok(!isTaken(least, (own) => (trigger(own).runtime = 'nodejs18.x')));
});
