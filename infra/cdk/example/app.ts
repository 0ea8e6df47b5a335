// A stack out of a small file: `cdk deploy`, or `cdk deploy -c config=<another file>`.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { WrongPropertiesError } from '../lib';
import { ChelaStack, type Settings } from './stack';

const app = new App();
const file = resolve(String(app.node.getContext('config')));
const settings = JSON.parse(readFileSync(file, 'utf8')) as Settings;
try {
  new ChelaStack(app, settings.stack ?? 'chela', settings, dirname(file));
} catch (problem) {
  if (!(problem instanceof WrongPropertiesError)) throw problem;
  // Where in the code it was noticed is of no use to whoever wrote the file.
  process.stderr.write(`${file} cannot become a stack:\n${problem.message}\n`);
  process.exit(1);
}
