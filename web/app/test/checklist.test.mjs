// docs/UX.md names tests: those that it names are there.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');

const FOLDERS = ['web/app/test/', 'web/sdk/test/'];

/** Where the tests of a name such as `e2e/doors` or `unit/words` are. */
function files(kind, name) {
  if (kind === 'e2e') return [`web/e2e/specs/${name}.test.mjs`];
  return FOLDERS.map((folder) => `${folder}${name}.test.ts`).filter((path) => existsSync(new URL(path, ROOT)));
}

/** The rows of the tables of points: number, point, where. */
const rows = read('docs/UX.md')
  .split('\n')
  .flatMap((line) => /^\| (\d+) \| .* \| (.*) \|$/.exec(line)?.slice(1) ?? [])
  .reduce((pairs, cell, at, all) => (at % 2 ? pairs : [...pairs, [cell, all[at + 1]]]), []);

test('the checklist has 62 points, each with a test or a reason', () => {
  expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: 62 }, (_, n) => n + 1));
  for (const [number, where] of rows) expect(where.trim(), number).not.toBe('');
});

test('each test that the checklist names is there, by its file and by its words', () => {
  const everything = [...readdirSync(new URL('web/e2e/specs', ROOT)).map((name) => `web/e2e/specs/${name}`), ...FOLDERS.flatMap((folder) => readdirSync(new URL(folder, ROOT)).map((name) => folder + name))];
  const texts = everything.filter((path) => !path.includes('checklist') && /\.test\.(ts|mjs)$/.test(path)).map(read).join('\n');
  for (const [number, where] of rows) {
    for (const [, kind, name] of where.matchAll(/`(e2e|unit)\/([\w-]+)`/g)) {
      const there = files(kind, name).filter((path) => existsSync(new URL(path, ROOT)));
      expect(there, `${number}: ${kind}/${name}`).not.toEqual([]);
    }
    for (const [, title] of where.matchAll(/"([^"]+)"/g)) {
      for (const words of title.split(' … ')) expect(texts.includes(words), `${number}: “${words}”`).toBe(true);
    }
  }
});
