// Answers wishes with templates, one line of JSON each: loading the library takes longer than a stack.
// Each names the compiled copy of this package that it means, which may have a mistake in it.

import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type * as wishes from './wishes';

interface Question {
  readonly dist: string;
  readonly wish: wishes.Wish;
  readonly account: wishes.Account;
}

function answer({ dist, wish, account }: Question): unknown {
  try {
    const copy = require(join(dist, 'test', 'wishes.js')) as typeof wishes;
    return copy.answer(wish, account);
  } catch (problem) {
    return { error: problem instanceof Error ? problem.stack : String(problem) };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line) as Question))}\n`);
});
