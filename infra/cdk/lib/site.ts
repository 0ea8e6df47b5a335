// Where a stack is built: what every part of it is made from.

import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Names } from './documents';
import type { Naming } from './naming';
import type { PagureCiProps } from './props';

/** The construct that all parts belong to, and what is wanted of them. */
export interface Site {
  readonly scope: Construct;
  readonly props: PagureCiProps;
  readonly naming: Naming;
  /** What the placeholders in policies and event patterns stand for. */
  readonly names: Names;
  /** What encrypts, unless AWS's own keys do. */
  readonly key?: kms.IKey;
}
