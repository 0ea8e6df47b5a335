import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, SecretValue, Stack, Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { PagureCi, type Job, type PagureCiProps } from '../lib';
import { policy, type Names } from '../lib/documents';
import { ACCOUNT, everything, least, resources, synthesised, templateOf, type Resource } from './kit';
import { app, stack, type Template } from './wishes';

// What calls a thing in its account and region.
const NAMES = ['Name', 'AliasName', 'AlarmName', 'BucketName', 'QueueName', 'LogGroupName', 'RoleName', 'UserName'];

// Names for whatever a policy asks for.
const ANYTHING: Names = new Proxy({}, { get: () => 'something' });

type Sentence = Readonly<Record<string, unknown>>;

function properties(template: Template, path: string): Record<string, unknown> {
  const found = resources(template)[path];
  assert.ok(found, `there is no ${path}, but ${Object.keys(resources(template)).join(' ')}`);
  return found.Properties as Record<string, unknown>;
}

function variables(template: Template, path: string): Record<string, unknown> {
  return (properties(template, path)['Environment'] as { Variables: Record<string, unknown> }).Variables;
}

function sentencesOf(template: Template, path: string): Sentence[] {
  return (properties(template, path)['PolicyDocument'] as { Statement: Sentence[] }).Statement;
}

function saying(template: Template, path: string, sid: string): Sentence | undefined {
  return sentencesOf(template, path).find((each) => each['Sid'] === sid);
}

function withMore(more: Partial<PagureCiProps>): Template {
  return synthesised((scope) => ({ ...least(scope), ...more }));
}

function manyJobs(): Record<string, Job> {
  return Object.fromEntries(
    Array.from({ length: 19 }, (_, n) => [`codebuild/job-${n}`, { name: `x${n}`.padEnd(90, 'y') }]),
  );
}

test('nothing is made but what CloudFormation itself makes', () => {
  const kinds = Object.values(resources(synthesised(everything))).map((one) => one.Type);
  const strange = kinds.filter((kind) => !kind.startsWith('AWS::') || kind === 'AWS::CloudFormation::CustomResource');
  assert.deepEqual(strange, []);
  assert.equal(kinds.filter((kind) => kind === 'AWS::Lambda::Function').length, 2);
});

test('two with different prefixes live in one stack', () => {
  const own = stack(app(), ACCOUNT);
  new PagureCi(own, 'Chela', { ...everything(own), projects: { 'demo/hello': { jobs: PagureCi.sampleJobs() } } });
  const jobs = PagureCi.sampleJobs('team');
  new PagureCi(own, 'Team', {
    ...least(own),
    namePrefix: 'team',
    key: 'new',
    samples: true,
    projects: { 'demo/hello': { jobs } },
  });
  const found = Object.values(templateOf(own)['Resources'] as Record<string, Resource>);
  const names = found.flatMap((one) =>
    NAMES.flatMap((key) => one.Properties[key] ?? []).map((name) => `${one.Type} ${JSON.stringify(name)}`),
  );
  assert.ok(names.length > 40, 'things are called otherwise now');
  assert.deepEqual(
    names.filter((name, place) => names.indexOf(name) !== place),
    [],
  );
});

test('two of them may stand in two stacks of one application', () => {
  const whole = app();
  const [first, second] = ['one', 'two'].map((id) => stack(whole, ACCOUNT, id));
  assert.ok(first && second);
  new PagureCi(first, 'Chela', least(first));
  new PagureCi(second, 'Chela', { ...least(second), namePrefix: 'team' });
  assert.equal(whole.synth().stacks.length, 2);
});

test('a token that is a value becomes a variable, and no secret is made', () => {
  const template = withMore({ token: SecretValue.secretsManager('pagure') });
  assert.equal(
    variables(template, 'ReportFunction')['CHELA_TOKEN'],
    '{{resolve:secretsmanager:pagure:SecretString:::}}',
  );
  assert.equal(variables(template, 'ReportFunction')['CHELA_TOKEN_SECRET'], undefined);
  assert.equal(resources(template)['NewTokenSecret'], undefined);
  assert.equal(saying(template, 'ReportPolicy', 'ReadTheCiToken'), undefined);
});

test('the key of a secret of theirs may be used by report alone', () => {
  const encryptionKey = 'arn:aws:kms:eu-west-1:123456789012:key/of-the-secret';
  const template = synthesised((scope) => ({
    ...least(scope),
    token: secretsmanager.Secret.fromSecretAttributes(scope, 'Theirs', {
      secretCompleteArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf',
      encryptionKey: kms.Key.fromKeyArn(scope, 'TheirKey', encryptionKey),
    }),
  }));
  assert.deepEqual(saying(template, 'ReportPolicy', 'UseTheKey')?.['Resource'], [encryptionKey]);
  assert.equal(saying(template, 'TriggerPolicy', 'UseTheKey'), undefined);
});

test('a key of the same application learns that EventBridge may use it', () => {
  const own = stack(app(), ACCOUNT);
  const key = new kms.Key(own, 'Theirs');
  new PagureCi(own, 'Chela', { ...least(own), key });
  new PagureCi(own, 'Team', { ...least(own), key, namePrefix: 'team' });
  const found = Object.values(templateOf(own)['Resources'] as Record<string, Resource>).find(
    (one) => one.Type === 'AWS::KMS::Key',
  );
  const said = (found?.Properties['KeyPolicy'] as { Statement: Sentence[] }).Statement;
  const services = said.map((each) => (each['Principal'] as { Service?: string }).Service);
  assert.deepEqual(services.filter(Boolean), ['events.amazonaws.com', 'events.amazonaws.com']);
  assert.ok(said.every((each) => each['Sid'] === undefined));
});

test('a short map of callers is a variable', () => {
  const template = withMore({});
  assert.match(JSON.stringify(variables(template, 'TriggerFunction')['CHELA_CONFIG']), /codebuild\/hello/);
  assert.equal(saying(template, 'TriggerPolicy', 'ReadItsConfiguration'), undefined);
});

test('a map of callers that outgrows a variable is a file that trigger alone may read', () => {
  const own = stack(app(), ACCOUNT);
  new PagureCi(own, 'Chela', { ...least(own), projects: { 'demo/hello': { jobs: manyJobs() } } });
  const template = templateOf(own);
  const place = String(variables(template, 'TriggerFunction')['CHELA_CONFIG']);
  assert.match(place, /^s3:\/\/cdk-hnb659fds-assets-123456789012-eu-west-1\/[0-9a-f]{64}\.json$/);
  const readable = saying(template, 'TriggerPolicy', 'ReadItsConfiguration')?.['Resource'];
  assert.match(JSON.stringify(readable), new RegExp(place.slice('s3://'.length)));
  assert.equal(saying(template, 'ReportPolicy', 'ReadItsConfiguration'), undefined);
  const hash = place.slice(-'.json'.length - 64, -'.json'.length);
  const folder = (own.node.root as App).outdir;
  const map = JSON.parse(readFileSync(join(folder, `asset.${hash}.json`), 'utf8')) as { callers: object };
  assert.deepEqual(Object.keys(map.callers), ['arn:aws:iam::123456789012:user/chela-pagure-demo-hello']);
});

test('a changed map of callers has another name, so that the function notices', () => {
  const place = (count: number): unknown => {
    const jobs = Object.fromEntries(Object.entries(manyJobs()).slice(0, count));
    return variables(withMore({ projects: { 'a/b': { jobs } } }), 'TriggerFunction')['CHELA_CONFIG'];
  };
  assert.match(String(place(18)), /^s3:/);
  assert.match(String(place(19)), /^s3:/);
  assert.notEqual(place(19), place(18));
  assert.equal(place(19), place(19));
});

test('a stack of no region asks CloudFormation whether function URLs exist there', () => {
  const own = stack(app());
  new PagureCi(own, 'Chela', least(own));
  const [rule] = Object.values(templateOf(own)['Rules'] as Record<string, unknown>);
  assert.match(JSON.stringify(rule), /eu-central-2.*AWS::Region.*no function URLs/);
  assert.equal(withMore({})['Rules'], undefined);
});

test('a role of a CodeBuild project of theirs gets what builds need', () => {
  const own = stack(app(), ACCOUNT);
  const role = new iam.Role(own, 'Theirs', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
  const ci = new PagureCi(own, 'Chela', { ...least(own), key: 'new' });
  ci.grantBuild(role, 'hello');
  const granted = Object.values(templateOf(own)['Resources'] as Record<string, Resource>).find(
    (one) => one.Metadata['aws:cdk:path'] === 'chela/Theirs/DefaultPolicy/Resource',
  );
  const said = (granted?.Properties['PolicyDocument'] as { Statement: Sentence[] }).Statement;
  const wanted = policy('build', ANYTHING);
  assert.deepEqual(
    said.map((each) => [each['Sid'], each['Action']]),
    wanted.Statement.map((each) => [each['Sid'], each['Action']]),
  );
  assert.match(JSON.stringify(said), /log-group:\/aws\/codebuild\/hello:\*/);
  assert.match(JSON.stringify(said), /\/sources\/codebuild\/hello\/\*/);
});

test('a user of another account is let in by the function, and no policy is made for it', () => {
  const caller = 'arn:aws:iam::999999999999:user/pagure';
  const template = withMore({ projects: { 'demo/hello': { jobs: { 'codebuild/hello': {} }, caller } } });
  const found = resources(template);
  const permissions = Object.values(found).filter((one) => one.Type === 'AWS::Lambda::Permission');
  assert.deepEqual(
    permissions.map(({ Properties: { FunctionName: _, ...said } }) => said),
    [
      { Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'AWS_IAM', Principal: caller },
      { Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true, Principal: caller },
    ],
  );
  assert.match(JSON.stringify(template['Outputs']), /PolicyElsewhere.*lambda:InvokeFunctionUrl/);
  assert.equal(Object.keys(found).filter((path) => path.startsWith('Caller')).length, 0);
});

test('a user of two projects gets one policy, and its projects stand together in the map', () => {
  const caller = 'arn:aws:iam::123456789012:user/team/pagure';
  const jobs = { 'codebuild/hello': {} };
  const template = withMore({ projects: { 'demo/a': { jobs, caller }, 'demo/b': { jobs, caller } } });
  const policies = Object.entries(resources(template)).filter(([path]) => path.startsWith('CallerPolicy/'));
  assert.deepEqual(
    policies.map(([, one]) => one.Properties['Users']),
    [['pagure']],
  );
  const map = JSON.parse(String(variables(template, 'TriggerFunction')['CHELA_CONFIG'])) as {
    callers: Record<string, object>;
  };
  assert.deepEqual(Object.keys(map.callers[caller] ?? {}), ['demo/a', 'demo/b']);
});

test('no key, password or token lies in the template', () => {
  const template = synthesised(everything);
  const kinds = Object.values(resources(template)).map((one) => one.Type);
  assert.ok(!kinds.includes('AWS::IAM::AccessKey'));
  const secret = properties(template, 'NewTokenSecret');
  assert.deepEqual(
    Object.keys(secret).filter((key) => /String/.test(key)),
    [],
  );
});

test('tags reach everything that can have them', () => {
  const own = stack(app(), ACCOUNT);
  new PagureCi(own, 'Chela', everything(own));
  Tags.of(own).add('team', 'ci');
  // AWS has no tags for these, or CloudFormation has none.
  const without = /Policy$|Permission$|::Url$|::Alias$|::Alarm$|::Rule$|::Schedule$/;
  const bare = Object.values(resources(templateOf(own))).filter((one) => one.Properties['Tags'] === undefined);
  assert.deepEqual(
    bare.map((one) => one.Type).filter((kind) => !without.test(kind)),
    [],
  );
});

test('what users of the construct need is there', () => {
  const own = stack(app(), ACCOUNT);
  const ci = new PagureCi(own, 'Chela', { ...everything(own) });
  assert.deepEqual(Object.keys(ci.callers), ['demo/hello', 'demo/other', 'forks/ada/demo/hello']);
  assert.equal(ci.alarms.length, 6);
  assert.equal(ci.deadLetterQueues.length, 2);
  ci.sourcesBucket.grantRead(new iam.User(own, 'Auditor'));
  assert.equal(Stack.of(ci.triggerFunction), own);
  assert.doesNotThrow(() => templateOf(own));
});
