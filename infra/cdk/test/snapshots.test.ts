import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import * as recommended from 'aws-cdk-lib/cx-api';
import { assertKept, everything, least, synthesised } from './kit';

for (const [name, propsOf] of Object.entries({ least, everything })) {
  test(`the template of ${name} is the one that was looked at`, () => {
    const template = synthesised(propsOf);
    assertKept(`test/snapshots/${name}.json`, `${JSON.stringify(template, null, 2)}\n`);
  });

  test(`the template of ${name} is the same in an application with other feature flags`, () => {
    const flags: Record<string, unknown> = { ...recommended.CURRENTLY_RECOMMENDED_FLAGS };
    assert.ok(Object.keys(flags).length > 50, 'the library no longer tells its feature flags');
    // They write a partition down where the region tells it, and say nothing else.
    flags['@aws-cdk/core:enablePartitionLiterals'] = false;
    assert.deepEqual(synthesised(propsOf, flags)['Resources'], synthesised(propsOf)['Resources']);
  });
}
