// Fails when what a page loads first grows past its budget: the page and everything that it names, compressed.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const BUDGETS_KB = { 'index.html': 70, 'console.html': 90 };
const DIST = new URL('../dist/', import.meta.url);

for (const [page, budget] of Object.entries(BUDGETS_KB)) {
  const text = await readFile(new URL(page, DIST), 'utf8');
  const named = [...text.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path);
  const files = await Promise.all([page, ...named].map((path) => readFile(new URL(path, DIST))));
  const kilobytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0) / 1000;
  console.log(`${page}: first load ${kilobytes.toFixed(1)} kB compressed, of ${budget}`);
  if (kilobytes > budget) process.exitCode = 1;
}
