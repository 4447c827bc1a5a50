// The library as others get it. Plain JavaScript: it is about files, and the sources are compiled without Node's types.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../', import.meta.url);
const json = (path) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));
const paths = readdirSync(new URL('src', ROOT), { recursive: true }).filter((path) => path.endsWith('.ts'));
const sources = paths.map((path) => readFileSync(new URL(`src/${path}`, ROOT), 'utf8'));

test('what is packed is the whole library with its generated types, and nothing else', () => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'];
  const [{ files }] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }));
  const packed = files.map(({ path }) => path).sort();
  expect(packed).toEqual([...paths.map((path) => `src/${path}`), 'README.md', 'package.json'].sort());
  expect(packed).toContain('src/schema.d.ts');
});

test('the package names what its sources import, in the versions that are tested here', () => {
  const own = json('package.json');
  const web = json('../package.json');
  const imported = sources.flatMap((code) => [...code.matchAll(/(?:from|import\() ?'(@[\w-]+\/[\w-]+|[\w-]+)/g)].map(([, name]) => name));
  for (const name of new Set(imported)) expect(own.dependencies).toHaveProperty([name], web.dependencies[name]);
  expect(Object.keys(own.dependencies).filter((name) => !imported.includes(name))).toEqual([]);
  expect(own.version).toBe(web.version);
});
