// The map of callers, projects and jobs: a variable of `trigger` while it is short, an object in S3
// when it outgrows that.

import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { callersJson, userName } from './jobs';
import { Naming } from './naming';
import type { PagureCiProps } from './props';

// All variables of a function together may have 4 KB.
const MOST_INLINE = 2_048;

/** What `CHELA_CONFIG` says, and the object that it names, if it does. */
export interface Config {
  readonly variable: string;
  readonly objects: readonly string[];
}

/** Who signs for a project: an existing user, or the one that is made. */
export function callerOf(props: PagureCiProps, naming: Naming, project: string): string {
  const known = props.projects[project]?.caller;
  return known ?? naming.iam(`user/${userName(naming.prefix, project)}`);
}

/** Whether the map is too long for a variable. */
export function outgrowsVariable(props: PagureCiProps, naming: Naming): boolean {
  return textOf(props, naming).length > MOST_INLINE;
}

/** Put the map where `trigger` reads it. */
export function makeConfig(scope: Construct, props: PagureCiProps, naming: Naming, longest: Naming): Config {
  const text = textOf(props, naming);
  if (!outgrowsVariable(props, longest)) return { variable: text, objects: [] };
  // Its hash is its name, so that the function notices a change.
  const asset = new Asset(scope, 'Config', { path: written(text) });
  return {
    variable: asset.s3ObjectUrl,
    objects: [naming.s3(`${asset.s3BucketName}/${asset.s3ObjectKey}`)],
  };
}

function textOf(props: PagureCiProps, naming: Naming): string {
  return callersJson(props, (project) => callerOf(props, naming, project));
}

function written(text: string): string {
  const name = `callers-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.json`;
  const path = join(mkdtempSync(join(tmpdir(), 'chela-')), name);
  writeFileSync(path, text);
  return path;
}
