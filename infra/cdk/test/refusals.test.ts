import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Duration, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { PagureCi, WrongPropertiesError, type Job, type PagureCiProps, type Project } from '../lib';
import { ACCOUNT, least } from './kit';
import { app, stack, type Account } from './wishes';

const HELLO: Record<string, Job> = { 'codebuild/hello': {} };

function jobs(given: Record<string, Job>): Partial<PagureCiProps> {
  return { projects: { 'demo/hello': { jobs: given } } };
}

function project(given: Partial<Project>): Partial<PagureCiProps> {
  return { projects: { 'demo/hello': { jobs: HELLO, ...given } } };
}

function named(...names: string[]): Partial<PagureCiProps> {
  return { projects: Object.fromEntries(names.map((name) => [name, { jobs: HELLO }])) };
}

function many(engine: string, count: number): Record<string, Job> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`${engine}/${n}-${'x'.repeat(30)}`, {}]));
}

function someVpc(scope: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(scope, 'Vpc', { vpcId: 'vpc-0123abcd', availabilityZones: ['eu-west-1a'] });
}

const ELSEWHERE = 'arn:aws:iam::999999999999:user/pagure';

// What is given, and a part of the sentence that has to come of it.
const WRONG: Record<string, [Partial<PagureCiProps> | ((scope: Stack) => Partial<PagureCiProps>), RegExp]> = {
  'Pagure without a scheme': [{ pagureUrl: 'pagure.example.org' }, /^pagureUrl is no address of a Pagure: "pagure/],
  'Pagure with a user': [{ pagureUrl: 'https://me@pagure.example.org' }, /^pagureUrl/],
  'Pagure with a query': [{ pagureUrl: 'https://pagure.example.org/?a' }, /without a user, a query or a fragment/],
  'Pagure over ssh': [{ pagureUrl: 'ssh://pagure.example.org' }, /^pagureUrl/],
  'a git address with a comma': [{ pagureGit: ['https://a.example.org,https://b'] }, /^pagureGit/],
  'no project': [{ projects: {} }, /^projects is empty/],
  'a project with a slash before it': [named('/demo/hello'), /"\/demo\/hello" in projects is no project/],
  'a repository instead of a project': [named('demo/hello.git'), /is no project/],
  'no job': [jobs({}), /^The project demo\/hello has no jobs/],
  'an engine that is not known': [jobs({ 'jenkins/hello': {} }), /^The job jenkins\/hello .*Write codebuild\//],
  'a job with a space': [jobs({ 'codebuild/say hello': {} }), /called by something that is no name/],
  'a job that is too long': [jobs({ [`codebuild/${'x'.repeat(41)}`]: {} }), /up to 40 letters/],
  'a CodeBuild project with a dot': [jobs({ 'codebuild/a.b': {} }), /leads to no CodeBuild project: "a.b"/],
  'all CodeBuild projects': [jobs({ 'codebuild/a': { name: '*' } }), /leads to no CodeBuild project/],
  'all pipelines': [jobs({ 'codepipeline/a': { name: '*' } }), /leads to no pipeline: "\*"/],
  'an untrusted project that is none': [jobs({ 'codebuild/ab': { untrusted: 'a/b' } }), /^untrusted of the job/],
  'the same project for strangers': [
    jobs({ 'codebuild/ab': { untrusted: 'ab' } }),
    /Name another one, whose role has no secrets/,
  ],
  'the same job twice': [jobs({ hello: {}, 'codebuild/hello': {} }), /has the same job twice/],
  'strangers that are welcome': [project({ strangers: 'welcome' as 'hold' }), /strangers of demo\/hello is "welcome"/],
  'a role as caller': [project({ caller: 'arn:aws:iam::123456789012:role/pagure' }), /caller of .* is no IAM user/],
  'a caller of another account at an HTTP API': [
    { ...project({ caller: ELSEWHERE }), frontDoor: 'http-api' },
    /an HTTP API takes this account's users only/,
  ],
  'two users of one name': [named('demo/hello', 'demo-hello'), /users of the same name/],
  'two users that differ in case': [named('demo/hello', 'demo/Hello'), /users of the same name/],
  'a user with a long name': [named('x'.repeat(60)), /too long for IAM/],
  'a prefix with capitals': [{ namePrefix: 'Chela' }, /^namePrefix is no start of a name: "Chela"/],
  'a prefix that is too long': [{ namePrefix: 'x'.repeat(21) }, /1 to 20 small letters/],
  'too little concurrency': [{ maximumConcurrency: 1 }, /^maximumConcurrency is 1/],
  'half a concurrency': [{ maximumConcurrency: 2.5 }, /^maximumConcurrency/],
  'no concurrency': [{ triggerReservedConcurrency: 0 }, /^triggerReservedConcurrency is 0/],
  'sources for an hour': [{ sourcesExpiration: Duration.hours(1) }, /^sourcesExpiration/],
  'a source with a wildcard': [{ pipelineSources: ['team-sources/*'] }, /^pipelineSources/],
  'a source by its ARN': [{ pipelineSources: ['arn:aws:s3:::team/a.zip'] }, /Write it as bucket\/key/],
  'a host as a network': [{ allowNetworks: ['git.example.org'] }, /^allowNetworks/],
  'networks twice': [
    { allowNetworks: ['10.0.0.0/8'], triggerSettings: { CHELA_ALLOW_NETWORKS: '10.0.0.0/8' } },
    /Leave one of them out/,
  ],
  'a setting that is none': [{ triggerSettings: { CHELA_CONFIG: '{}' } }, /^triggerSettings has CHELA_CONFIG/],
  'samples that no job leads to': [{ samples: true }, /^samples makes .* no job leads to either/],
  'a VPC without a group': [
    (scope) => ({ vpc: { vpc: someVpc(scope), securityGroups: [] } }),
    /^vpc has no security group/,
  ],
  'half a secret': [
    (scope) => ({ token: secretsmanager.Secret.fromSecretNameV2(scope, 'Half', 'team/token') }),
    /^token is a secret that is not known by its whole ARN/,
  ],
  'a policy that is too long': [jobs(many('codebuild', 50)), /^The policy of trigger would have \d+ characters/m],
  'a pattern that is too long': [
    jobs(many('codebuild', 56)),
    /^The event pattern of codebuild .* EventBridge takes 2048/m,
  ],
};

function refused(given: (typeof WRONG)[string][0], account: Account | undefined): readonly string[] {
  const own = stack(app(), account);
  const props = { ...least(own), ...(typeof given === 'function' ? given(own) : given) };
  try {
    new PagureCi(own, 'Chela', props);
  } catch (problem) {
    assert.ok(problem instanceof WrongPropertiesError, String(problem));
    assert.deepEqual(own.node.findChild('Chela').node.children, [], 'something was made nevertheless');
    return problem.sentences;
  }
  return [];
}

for (const [what, [given, sentence]] of Object.entries(WRONG)) {
  test(`${what} is refused with a sentence`, () => {
    assert.match(refused(given, ACCOUNT).join('\n'), sentence);
  });
}

test('the least is not refused', () => {
  assert.deepEqual(refused({}, ACCOUNT), []);
});

test('all that is wrong is told at once', () => {
  const all = refused({ pagureUrl: 'pagure', ...jobs({ 'jenkins/hello': {} }), maximumConcurrency: 1 }, ACCOUNT);
  assert.deepEqual(
    all.map((sentence) => sentence.split(' ')[0]),
    ['pagureUrl', 'The', 'maximumConcurrency'],
  );
  assert.ok(all.every((sentence) => /^[A-Za-z"].*\.$/.test(sentence)));
});

test('a region without function URLs is refused, and takes an HTTP API', () => {
  const zurich = { ...ACCOUNT, region: 'eu-central-2' };
  assert.deepEqual(refused({}, zurich), [
    "The region eu-central-2 has no function URLs. Write frontDoor: 'http-api', or choose another region.",
  ]);
  assert.deepEqual(refused({ frontDoor: 'http-api' }, zurich), []);
});

test('a stack of no account is refused what only an account can decide', () => {
  const long = Object.fromEntries(Object.keys(many('codebuild', 20)).map((job) => [job, { name: 'x'.repeat(90) }]));
  assert.match(refused(project({ caller: ELSEWHERE }), undefined).join(), /Give the stack env/);
  assert.match(refused(jobs(long), undefined).join(), /becomes a file.*Give the stack env/);
  assert.deepEqual(refused({}, undefined), []);
});
