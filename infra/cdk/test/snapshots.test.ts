import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import * as recommended from 'aws-cdk-lib/cx-api';
import { assertKept, everything, least, synthesised } from './kit';

interface Document {
  readonly Statement: readonly { readonly Sid?: string; readonly Action: string }[];
}

/** Policies and patterns in short: in whole they are held against `policies` and `rules` elsewhere. */
function shortened(key: string, value: unknown): unknown {
  if (/PolicyDocument$|^KeyPolicy$/.test(key)) return (value as Document).Statement.map((each) => each.Sid ?? each.Action);
  return key === 'EventPattern' ? (value as { detail: unknown }).detail : value;
}

for (const [name, propsOf] of Object.entries({ least, everything })) {
  test(`the template of ${name} is the one that was looked at`, () => {
    const template = synthesised(propsOf);
    assertKept(`test/snapshots/${name}.json`, `${JSON.stringify(template, shortened, 2)}\n`);
  });

  test(`the template of ${name} is the same in an application with other feature flags`, () => {
    const flags: Record<string, unknown> = { ...recommended.CURRENTLY_RECOMMENDED_FLAGS };
    assert.ok(Object.keys(flags).length > 50, 'the library no longer tells its feature flags');
    // They write a partition down where the region tells it, and say nothing else.
    flags['@aws-cdk/core:enablePartitionLiterals'] = false;
    assert.deepEqual(synthesised(propsOf, flags)['Resources'], synthesised(propsOf)['Resources']);
  });
}
