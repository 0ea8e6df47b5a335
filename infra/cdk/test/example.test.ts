import { strict as assert } from 'node:assert';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ChelaStack, type Settings } from '../example/stack';
import { PagureCi } from '../lib';
import { resources, templateOf, type Resource } from './kit';
import { app } from './wishes';

const LEAST = {
  pagureUrl: 'https://pagure.example.org',
  zips: '.',
  projects: { 'demo/hello': { jobs: PagureCi.sampleJobs() } },
  env: { account: '123456789012', region: 'eu-west-1' },
};

function made(settings: Settings): Record<string, Resource> {
  const folder = mkdtempSync(join(tmpdir(), 'zips-'));
  for (const name of ['trigger-x86_64', 'report-x86_64', 'trigger-arm64', 'report-arm64']) {
    writeFileSync(join(folder, `${name}.zip`), name);
  }
  return resources(templateOf(new ChelaStack(app(), 'chela', settings, folder)));
}

test('a file with the least becomes a stack', () => {
  const found = made(LEAST);
  assert.ok(found['TriggerFunction']);
  assert.equal(found['SampleProject'], undefined);
});

test('what a file says reaches the construct', () => {
  const key = 'arn:aws:kms:eu-west-1:123456789012:key/theirs';
  const topic = 'arn:aws:sns:eu-west-1:123456789012:alarms';
  const found = made({
    ...LEAST,
    architecture: 'arm64',
    samples: true,
    key,
    alarmTopicArn: topic,
    tokenSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf',
    tags: { team: 'ci' },
  });
  const { Architectures, Tags } = found['ReportFunction']?.Properties ?? {};
  assert.deepEqual(Architectures, ['arm64']);
  assert.deepEqual(Tags, [{ Key: 'team', Value: 'ci' }]);
  assert.equal(found['RequestsQueue']?.Properties['KmsMasterKeyId'], key);
  assert.deepEqual(found['ReportsAgeAlarm']?.Properties['AlarmActions'], [topic]);
  assert.equal(found['NewTokenSecret'], undefined);
  assert.match(JSON.stringify(found['SampleProject']?.Properties), /ARM_CONTAINER/);
});

test('a file whose zips are not there is refused with a sentence', () => {
  assert.throws(
    () => new ChelaStack(app(), 'chela', { ...LEAST, zips: 'nowhere' }, tmpdir()),
    /There is no .*nowhere\/trigger-x86_64\.zip\. Make both zips with "cargo xtask lambda", or correct zips\.$/,
  );
});
