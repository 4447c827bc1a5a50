// Fails when what a meeting loads first grows past its budget: index.html and everything it names, compressed.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 70;
const DIST = new URL('../dist/', import.meta.url);

const page = await readFile(new URL('index.html', DIST), 'utf8');
const named = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path);
const files = await Promise.all(['index.html', ...named].map((path) => readFile(new URL(path, DIST))));
const kilobytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0) / 1000;

console.log(`first load: ${kilobytes.toFixed(1)} kB compressed, of ${BUDGET_KB}`);
if (kilobytes > BUDGET_KB) process.exit(1);
