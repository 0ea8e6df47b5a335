// What all parts of a stack have to know before the first of them is made.

import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { makeConfig, type Config } from './config';
import { Naming, namesOf } from './naming';
import type { PagureCiProps } from './props';
import type { Site } from './site';
import { makeKey, makeToken, type TokenPlace } from './storage';

/** The site, and what its names came from. */
export interface Prepared {
  readonly site: Site;
  readonly config: Config;
  readonly token: TokenPlace;
}

/** Make what has no name of its own: the key, the secret, and the file with the callers. */
export function prepare(scope: Construct, props: PagureCiProps): Prepared {
  const naming = new Naming(Stack.of(scope), props.namePrefix);
  const config = makeConfig(scope, props, naming);
  const found = { key: [], tokenSecret: [], configObject: config.objects };
  const bare: Site = { scope, props, naming, names: namesOf(naming, props, found) };
  const key = makeKey(bare);
  const token = makeToken({ ...bare, key });
  const names = namesOf(naming, props, {
    ...found,
    key: key ? [key.keyArn] : [],
    tokenSecret: token.secret ? [token.secret.secretArn] : [],
  });
  return { site: { ...bare, names, key }, config, token };
}

/** The site as `report` sees it: a secret may have a key of its own. */
export function ofReport({ site, token }: Prepared): Site {
  const keys = [site.key, token.secret?.encryptionKey].flatMap((key) => (key ? [key.keyArn] : []));
  return { ...site, names: { ...site.names, Key: keys } };
}
