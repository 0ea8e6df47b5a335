// Whether the policies and event patterns will be short enough for AWS, before anything is made.

import { written } from './config';
import { pattern, policy } from './documents';
import { Naming, namesOf, type Found, type Place } from './naming';
import type { PagureCiProps } from './props';

// IAM User Guide, "IAM and AWS STS quotas": inline policies of a role, white space not counted.
const ROLE = 10_240;
// Amazon EventBridge User Guide, "Quotas": the pattern of a rule.
const PATTERN = 2_048;
// Longer than any ARN that AWS chooses.
const SOMETHING = 'x'.repeat(160);

/** A sentence for each that AWS would refuse. */
export function tooLong(props: PagureCiProps, place: Place): string[] {
  const names = namesOf(new Naming(written(place), props.namePrefix), props, longest(props));
  return [
    ...['trigger', 'report'].flatMap((name) => measure(`The policy of ${name}`, policy(name, names), 'IAM', ROLE)),
    ...['codebuild', 'codepipeline'].flatMap((name) =>
      measure(`The event pattern of ${name}`, pattern(name, names), 'EventBridge', PATTERN),
    ),
  ];
}

function measure(what: string, document: unknown, who: string, most: number): string[] {
  const length = JSON.stringify(document).replaceAll(/\s/g, '').length;
  if (length <= most) return [];
  return [
    `${what} would have ${length} characters, and ${who} takes ${most}. Name fewer CodeBuild projects and pipelines, or give some to a second PagureCi with another namePrefix.`,
  ];
}

function longest(props: PagureCiProps): Found {
  return { key: props.key ? [SOMETHING] : [], tokenSecret: [SOMETHING], configObject: [SOMETHING] };
}
