// What is wrong with the properties, in sentences that say what to do. Pure: nothing is made yet.

import { SecretValue, Stack, Token } from 'aws-cdk-lib';
import { isFile } from './config';
import { leads, targets, userName, type Lead } from './jobs';
import { tooLong } from './lengths';
import { DEFAULT_PREFIX, Naming, type Place } from './naming';
import type { PagureCiProps, Project } from './props';

// AWS Lambda Developer Guide, "Creating and managing Lambda function URLs", as of November 2026.
export const REGIONS_WITHOUT_FUNCTION_URLS: readonly string[] = [
  'ap-south-2',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ap-east-2',
  'ca-west-1',
  'eu-south-2',
  'eu-central-2',
  'il-central-1',
  'me-central-1',
];

const PAGURE = /^https?:\/\/[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(\/[^?#@\s]*)?$/;
const GIT = /^https?:\/\/[^,@?#\s]+$/;
const PREFIX = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/;
const PROJECT = /^(forks\/[\w.+@-]+\/)?([\w.+@-]+\/)?[\w.+@-]+$/;
const NO_PROJECT = /(^|\/)(\.{1,2}|[^/]*\.git)(\/|$)/;
const JOB = /^([^/]*\/)?[A-Za-z0-9._-]{1,40}$/;
const BUILD = /^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$/;
const PIPELINE = /^(?!\.{1,2}$)[A-Za-z0-9.@_-]{1,100}$/;
const CALLER = /^arn:aws(-cn|-us-gov)?:iam::([0-9]{12}):user\/([!-~]{1,509}\/)?[\w+=,.@-]{1,64}$/;
const OBJECT = /^[a-z0-9.-]{3,63}\/[^*?\s]+$/;
const NETWORK = /^[0-9a-f.:]+\/[0-9]{1,3}$/;
const SETTING =
  /^CHELA_(MAX_(RECEIVED_MIB|UNPACKED_MIB|FILE_MIB|FILES|SECONDS)|ALLOW_(HOSTS|NETWORKS|PORTS|HTTP)|LIMIT_HOSTS)$/;
const IAM_NAME_LENGTH = 64;
// For names that are of no place.
const NOWHERE: Place = { partition: '', region: '', account: '', urlSuffix: '' };

/** The account in the ARN of a user. */
export function accountOf(caller: string): string | undefined {
  return CALLER.exec(caller)?.[2];
}

/** All that is wrong; nothing is, if it is empty. */
export function sentences(props: PagureCiProps, stack: Stack): string[] {
  const wrong = [
    ...addresses(props),
    ...names(props),
    ...Object.entries(props.projects).flatMap(([name, project]) => ofProject(name, project)),
    ...callers(props, stack),
    ...numbers(props),
    ...options(props),
    ...samples(props),
    ...region(props, stack),
  ];
  // What a wrong name leads to needs no measuring.
  return wrong.length > 0 ? wrong : tooLong(props, stack);
}

function when(isWrong: boolean, sentence: string): string[] {
  return isWrong ? [sentence] : [];
}

function addresses(props: PagureCiProps): string[] {
  return [
    ...when(
      !PAGURE.test(props.pagureUrl),
      `pagureUrl is no address of a Pagure: "${props.pagureUrl}". Write https:// and its name, such as https://pagure.example.org, without a user, a query or a fragment.`,
    ),
    ...(props.pagureGit ?? [])
      .filter((url) => !GIT.test(url))
      .map(
        (url) =>
          `pagureGit has something that is no address: "${url}". Write it as https://git.example.org, without a user, a query or a fragment.`,
      ),
  ];
}

function names(props: PagureCiProps): string[] {
  const prefix = props.namePrefix ?? DEFAULT_PREFIX;
  return [
    ...when(
      !PREFIX.test(prefix),
      `namePrefix is no start of a name: "${prefix}". Write 1 to 20 small letters, digits and "-", the first a letter and the last none of "-".`,
    ),
    ...when(
      Object.keys(props.projects).length === 0,
      'projects is empty. Write at least one, such as { "demo/hello": { jobs: { "codebuild/hello": {} } } }.',
    ),
  ];
}

function ofProject(name: string, project: Project): string[] {
  const found = leads(project);
  const strangers: string = project.strangers ?? 'hold';
  return [
    ...when(
      !PROJECT.test(name) || NO_PROJECT.test(name),
      `"${name}" in projects is no project. Write its full name as Pagure does, such as demo/hello or forks/ada/demo/hello.`,
    ),
    ...when(
      found.length === 0,
      `The project ${name} has no jobs, so that nothing could be built. Write at least one, such as jobs: { "codebuild/hello": {} }.`,
    ),
    ...when(!['hold', 'refuse'].includes(strangers), `strangers of ${name} is "${strangers}". Write hold or refuse.`),
    ...twice(name, found),
    ...found.flatMap((lead) => ofJob(name, lead)),
  ];
}

function twice(project: string, found: readonly Lead[]): string[] {
  const jobs = found.map((one) => `${one.engine}/${one.job.split('/').at(-1)}`);
  return when(
    new Set(jobs).size < jobs.length,
    `The project ${project} has the same job twice, with and without codebuild/ before it. Write both into one.`,
  );
}

function ofJob(project: string, lead: Lead): string[] {
  const where = `The job ${lead.job} of ${project}`;
  if (lead.engine !== 'codebuild' && lead.engine !== 'codepipeline') {
    return [`${where} is of an engine that is not known here. Write codebuild/ or codepipeline/ before its name.`];
  }
  return [
    ...when(
      !JOB.test(lead.job),
      `${where} is called by something that is no name. Write codebuild/ or codepipeline/, and up to 40 letters, digits, ".", "_" and "-", such as codebuild/hello.`,
    ),
    ...when(
      lead.engine === 'codebuild' && !BUILD.test(lead.target),
      `${where} leads to no CodeBuild project: "${lead.target}". Write as its name 2 to 150 letters, digits, "-" and "_", the first a letter or digit.`,
    ),
    ...when(
      lead.engine === 'codepipeline' && !PIPELINE.test(lead.target),
      `${where} leads to no pipeline: "${lead.target}". Write as its name 1 to 100 letters, digits, ".", "@", "-" and "_".`,
    ),
    ...untrusted(where, lead),
  ];
}

function untrusted(where: string, lead: Lead): string[] {
  if (lead.untrusted === undefined) return [];
  return [
    ...when(
      !BUILD.test(lead.untrusted),
      `untrusted of the job ${lead.job} is no name of a CodeBuild project: "${lead.untrusted}". Write 2 to 150 letters, digits, "-" and "_", the first a letter or digit.`,
    ),
    ...when(
      lead.engine === 'codebuild' && lead.untrusted === lead.target,
      `${where} has as untrusted the project that committers' builds run in. Name another one, whose role has no secrets.`,
    ),
  ];
}

function callers(props: PagureCiProps, stack: Stack): string[] {
  const all = Object.entries(props.projects);
  const made = all.filter(([, project]) => project.caller === undefined).map(([name]) => name);
  const users = made.map((name) => userName(props.namePrefix ?? DEFAULT_PREFIX, name));
  return [
    ...users
      .filter((user) => user.length > IAM_NAME_LENGTH)
      .map(
        (user) => `The user ${user} has a name too long for IAM (it ends at 64 characters). Give its project a caller.`,
      ),
    ...when(
      // IAM takes no two that differ in case alone.
      new Set(users.map((user) => user.toLowerCase())).size < users.length,
      'Two projects would get users of the same name, since "/" becomes "-" in it. Give one of them a caller.',
    ),
    ...all.flatMap(([name, project]) =>
      project.caller === undefined ? [] : ofCaller(name, project.caller, props, stack),
    ),
    ...when(
      isFile(props, stack) && (Token.isUnresolved(stack.account) || Token.isUnresolved(stack.region)),
      'The map of callers outgrows a variable and becomes a file, in which the account is written out. Give the stack env: { account, region }.',
    ),
  ];
}

function ofCaller(name: string, caller: string, props: PagureCiProps, stack: Stack): string[] {
  const account = accountOf(caller);
  if (account === undefined) {
    return [
      `caller of ${name} is no IAM user: "${caller}". Write the ARN of the user whose access key Pagure has, such as arn:aws:iam::123456789012:user/pagure-demo-hello.`,
    ];
  }
  if (Token.isUnresolved(stack.account)) {
    return [
      `caller of ${name} needs a stack whose account is known, since a user of another account gets other rights. Give the stack env: { account, region }.`,
    ];
  }
  return when(
    account !== stack.account && props.frontDoor === 'http-api',
    `caller of ${name} is of another account, and an HTTP API takes this account's users only. Leave caller out, so that a user is made.`,
  );
}

function numbers(props: PagureCiProps): string[] {
  const { maximumConcurrency: most = 2, triggerReservedConcurrency: kept = 1 } = props;
  const days = props.sourcesExpiration?.toDays({ integral: false }) ?? 30;
  return [
    ...when(!isWithin(most, 2, 1000), `maximumConcurrency is ${most}, which Lambda does not offer. Write 2 to 1000.`),
    ...when(
      !isWithin(kept, 1, 1000),
      `triggerReservedConcurrency is ${kept}, with which no request would be taken or none could be kept. Write 1 to 1000, or leave it out.`,
    ),
    ...when(!isWithin(days, 1, 3650), `sourcesExpiration is ${days} days. Write 1 to 3650 whole days.`),
  ];
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function options(props: PagureCiProps): string[] {
  const { vpc, token } = props;
  return [
    ...(props.pipelineSources ?? [])
      .filter((place) => !OBJECT.test(place))
      .map(
        (place) =>
          `pipelineSources has something that is no object: "${place}". Write it as bucket/key, such as team-sources/release.zip.`,
      ),
    ...(props.allowNetworks ?? [])
      .filter((network) => !NETWORK.test(network))
      .map((network) => `allowNetworks has something that is no network: "${network}". Write it as 10.20.0.0/16.`),
    ...Object.keys(props.triggerSettings ?? {})
      .filter((name) => !SETTING.test(name))
      .map(
        (name) =>
          `triggerSettings has ${name}, which trigger does not read. Write one of its limits (CHELA_MAX_...), CHELA_ALLOW_... or CHELA_LIMIT_HOSTS.`,
      ),
    ...when(
      props.allowNetworks !== undefined && props.triggerSettings?.['CHELA_ALLOW_NETWORKS'] !== undefined,
      'allowNetworks and CHELA_ALLOW_NETWORKS of triggerSettings say the same. Leave one of them out.',
    ),
    ...when(
      vpc !== undefined && vpc.securityGroups.length === 0,
      'vpc has no security group. Write at least one, or leave vpc out.',
    ),
    ...when(
      token !== undefined && token !== 'new' && !SecretValue.isSecretValue(token) && token.secretFullArn === undefined,
      'token is a secret that is not known by its whole ARN. Take Secret.fromSecretCompleteArn, so that the policy can name this secret alone.',
    ),
  ];
}

function samples(props: PagureCiProps): string[] {
  const { sampleProject, samplePipeline } = new Naming(NOWHERE, props.namePrefix);
  const leadsThere =
    targets(props, 'codebuild').includes(sampleProject) || targets(props, 'codepipeline').includes(samplePipeline);
  return when(
    props.samples === true && !leadsThere,
    `samples makes the CodeBuild project ${sampleProject} and the pipeline ${samplePipeline}, and no job leads to either. Write codebuild/${sampleProject} or codepipeline/${samplePipeline} into jobs.`,
  );
}

function region(props: PagureCiProps, stack: Stack): string[] {
  return when(
    props.frontDoor !== 'http-api' && REGIONS_WITHOUT_FUNCTION_URLS.includes(stack.region),
    `The region ${stack.region} has no function URLs. Write frontDoor: 'http-api', or choose another region.`,
  );
}
