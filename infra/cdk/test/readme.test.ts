import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertKept, PACKAGE } from './kit';

const BEGIN = '<!-- properties -->';
const END = '<!-- end -->';

interface Property {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly otherwise: string;
}

/** The properties of an interface, with what is said above each. */
function properties(source: string, of: string): Property[] {
  const body = new RegExp(`export interface ${of} \\{\\n(.*?)\\n\\}`, 's').exec(source)?.[1];
  assert.ok(body, `there is no interface ${of}`);
  const each = /\/\*\*(?<said>.*?)\*\/\s+readonly (?<name>\w+)(?<optional>\??): (?<type>.*?);\n/gs;
  return [...`${body}\n`.matchAll(each)].map(({ groups = {} }) => {
    const said = (groups['said'] ?? '')
      .replace(/\n\s*\* ?/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
    const [text = '', otherwise] = said.split(' @default ');
    assert.equal(otherwise === undefined, groups['optional'] === '', `${groups['name']} has to say its default`);
    return { name: groups['name'] ?? '', type: groups['type'] ?? '', text, otherwise: otherwise ?? '' };
  });
}

function table(source: string): string {
  return ['PagureCiProps', 'Project', 'Job', 'Network']
    .map((of) => {
      const rows = properties(source, of).map(
        ({ name, type, text, otherwise }) =>
          `| \`${name}\` | \`${type.replaceAll('|', '\\|')}\` | ${text} | ${defaulted(otherwise)} |`,
      );
      return [`**\`${of}\`**`, '', '| property | type | | otherwise |', '| --- | --- | --- | --- |', ...rows].join(
        '\n',
      );
    })
    .join('\n\n');
}

function defaulted(otherwise: string): string {
  if (otherwise === '') return 'required';
  return otherwise.startsWith('- ') ? otherwise.slice(2) : `\`${otherwise}\``;
}

test('the table of properties in the README is what the code says', () => {
  const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const source = readFileSync(join(PACKAGE, 'lib', 'props.ts'), 'utf8');
  const [before, after] = [readme.split(BEGIN)[0], readme.split(END)[1]];
  assert.ok(before && after, `README.md has no ${BEGIN} and ${END}`);
  assertKept('README.md', `${before}${BEGIN}\n${table(source)}\n${END}${after}`);
});

test('the README names all that the example file may say', () => {
  const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const source =
    readFileSync(join(PACKAGE, 'example', 'stack.ts'), 'utf8').split('/** The stack of a file. */')[0] ?? '';
  const names = [...source.matchAll(/^ {2}(?:\| '(\w+)'|readonly (\w+)\??:)/gm)].map((found) => found[1] ?? found[2]);
  assert.ok(names.length > 10, 'the settings are written otherwise now');
  // Where the zips are stands in the file itself.
  const missing = names.filter(
    (name) => name !== 'zips' && !readme.includes(`\`${name}\``) && !readme.includes(`"${name}"`),
  );
  assert.deepEqual(missing, []);
});
