// What `cdk deploy` prints: what to type into Pagure, and which commands come next.

import { CfnOutput, Stack } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { accountOf } from './checks';
import type { Door } from './front';
import { leads } from './jobs';
import type { Site } from './site';
import { eventsStatement, type Buckets } from './storage';

/** What was made that somebody has to do something about. */
export interface Told {
  readonly door: Door;
  readonly buckets: Buckets;
  readonly users: Readonly<Record<string, iam.User>>;
  readonly secret: secretsmanager.CfnSecret | undefined;
}

/** Say it. */
export function tell(site: Site, told: Told): void {
  const { scope, props, naming } = site;
  say(site, 'PagureForm', 'What to type into Pagure as "URL to the project on the CI service"', told.door.url);
  const jobs = Object.values(props.projects).flatMap((project) => leads(project).map((one) => one.job));
  say(site, 'Jobs', 'What to type as "Name of the job", one of these', [...new Set(jobs)].join(' '));
  for (const [project, user] of Object.entries(told.users)) tellOfUser(site, project, user.userName);
  if (Object.values(props.projects).some(({ caller }) => caller && accountOf(caller) !== naming.place.account)) {
    const rights = Stack.of(scope).toJsonString(told.door.policy);
    say(site, 'PolicyElsewhere', 'What a caller of another account needs as a policy there', rights);
  }
  if (told.secret) {
    say(
      site,
      'FillInTheSecret',
      'Asks for the CI token that Pagure shows, and writes it into the secret',
      `read -rs token && printf %s "$token" | aws secretsmanager put-secret-value --region ${naming.place.region} --secret-id ${told.secret.ref} --secret-string file:///dev/stdin`,
    );
  }
  say(site, 'SourcesBucketName', 'What builds read their source from', told.buckets.sources.bucketName);
  say(site, 'LedgerBucketName', 'What is known of builds', told.buckets.ledger.bucketName);
  if (site.key === undefined) return;
  say(site, 'KeyArn', 'What the roles of your CodeBuild projects must be allowed kms:Decrypt on', site.key.keyArn);
  const statement = Stack.of(scope).toJsonString(eventsStatement(site.names));
  say(site, 'KeyStatement', 'What the policy of this key must have', statement);
}

function tellOfUser(site: Site, project: string, user: string): void {
  say(
    site,
    `MakeTheKey-${project.replaceAll('/', '|')}`,
    `Makes the key of ${project}: type what it prints into Pagure as user name and password`,
    `aws iam create-access-key --user-name ${user} --query "AccessKey.[AccessKeyId,SecretAccessKey]" --output text`,
  );
}

function say({ scope }: Site, id: string, description: string, value: string): void {
  new CfnOutput(scope, id, { description, value });
}
