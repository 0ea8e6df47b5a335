// Whether the policies and event patterns will be short enough for AWS, before anything is made.

import { Token } from 'aws-cdk-lib';
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
  const names = namesOf(new Naming(longest(place), props.namePrefix), props, longestFound(props));
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

/** What is only known when the stack is deployed, as long as it can become. */
export function longest(place: Place): Place {
  return {
    partition: known(place.partition, 'aws-us-gov'),
    region: known(place.region, 'ap-southeast-1'),
    account: known(place.account, '123456789012'),
    urlSuffix: known(place.urlSuffix, 'amazonaws.com.cn'),
  };
}

function longestFound(props: PagureCiProps): Found {
  const key = props.key === undefined ? [] : [SOMETHING];
  return { key, tokenSecret: [SOMETHING], configObject: [SOMETHING] };
}

function known(value: string, standIn: string): string {
  return Token.isUnresolved(value) ? standIn : value;
}
