// The policies and event patterns of `policies/` and `rules/`, with a stack's names filled in. They
// are copies of the ones that every dialect of the stack is held against, so none is written twice.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the placeholders stand for. */
export type Names = Readonly<Record<string, string | readonly string[]>>;

/** A statement of a policy, as IAM's JSON has it. */
export type Statement = Readonly<Record<string, unknown>>;

/** A policy, as IAM's JSON has it. */
export interface PolicyJson {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const PACKAGE = join(__dirname, '..', '..');
// IAM's own variables have a colon, as in ${aws:username}.
const PLACEHOLDER = /\$\{([A-Za-z]+)\}/g;
const ONE_PLACEHOLDER = /^\$\{([A-Za-z]+)\}$/;

/** One of the policies. A statement about nothing falls away: IAM takes no empty list. */
export function policy(name: string, names: Names): PolicyJson {
  const filled = fill(read('policies', name), names) as unknown as PolicyJson;
  return { ...filled, Statement: filled.Statement.filter(isAboutSomething) };
}

/** The event pattern of a rule. */
export function pattern(name: string, names: Names): Record<string, unknown> {
  return fill(read('rules', name), names) as Record<string, unknown>;
}

function isAboutSomething(statement: Statement): boolean {
  const resource = statement['Resource'];
  return !Array.isArray(resource) || resource.length > 0;
}

function read(folder: string, name: string): Json {
  return JSON.parse(readFileSync(join(PACKAGE, folder, `${name}.json`), 'utf8')) as Json;
}

function fill(value: Json, names: Names): Json {
  if (typeof value === 'string') return fillText(value, names);
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map((each) => fill(each, names));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fill(member, names)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** A text that is one placeholder may become a list. */
function fillText(text: string, names: Names): Json {
  const whole = ONE_PLACEHOLDER.exec(text);
  if (whole?.[1]) return named(whole[1], names);
  return text.replace(PLACEHOLDER, (_, name: string) => String(named(name, names)));
}

function named(name: string, names: Names): string | readonly string[] {
  const value = names[name];
  if (value === undefined) throw new Error(`a policy names \${${name}}, which the stack does not know`);
  return value;
}
