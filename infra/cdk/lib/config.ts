// The map of callers, projects and jobs: a variable of `trigger` while it is short, an object in S3
// when it outgrows that.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Token } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import { callersJson, userName } from './jobs';
import { Naming, type Place } from './naming';
import type { PagureCiProps, Project } from './props';

// All variables of a function together may have 4 KB.
const MOST_INLINE = 2_048;

/** What `CHELA_CONFIG` says, and the object that it names, if it does. */
export interface Config {
  readonly variable: string;
  readonly objects: readonly string[];
}

/** Who signs for each project. */
export function callersOf(props: PagureCiProps, naming: Naming): Record<string, string> {
  const all = Object.entries(props.projects);
  return Object.fromEntries(all.map(([name, project]) => [name, callerOf(naming, name, project)]));
}

/** An existing user, or the one that is made. */
function callerOf(naming: Naming, name: string, project: Project): string {
  return project.caller ?? naming.iam(`user/${userName(naming.prefix, name)}`);
}

/** Whether the map becomes a file, which takes nothing that is only known when the stack is deployed. */
export function isFile(props: PagureCiProps, place: Place): boolean {
  return textOf(props, new Naming(written(place), props.namePrefix)).length > MOST_INLINE;
}

/** Put the map where `trigger` reads it. */
export function makeConfig(scope: Construct, props: PagureCiProps, naming: Naming): Config {
  if (!isFile(props, naming.place)) return { variable: textOf(props, naming), objects: [] };
  const file = join(mkdtempSync(join(tmpdir(), 'chela-')), 'callers.json');
  writeFileSync(file, textOf(props, new Naming(written(naming.place), props.namePrefix)));
  // Its hash becomes its name, so that the function notices a change.
  const asset = new Asset(scope, 'Config', { path: file });
  return {
    variable: asset.s3ObjectUrl,
    objects: [naming.s3(`${asset.s3BucketName}/${asset.s3ObjectKey}`)],
  };
}

function textOf(props: PagureCiProps, naming: Naming): string {
  return callersJson(props, (name, project) => callerOf(naming, name, project));
}

/** The place as it is written out; what is not known yet is as long as it can become. */
export function written(place: Place): Place {
  const region = known(place.region, 'ap-southeast-1');
  // A stack leaves its partition to CloudFormation even where its region tells it.
  const partition = RegionInfo.get(region).partition ?? 'aws-us-gov';
  return {
    region,
    partition: known(place.partition, Token.isUnresolved(place.region) ? 'aws-us-gov' : partition),
    account: known(place.account, '123456789012'),
    urlSuffix: known(place.urlSuffix, 'amazonaws.com.cn'),
  };
}

function known(value: string, standIn: string): string {
  return Token.isUnresolved(value) ? standIn : value;
}
