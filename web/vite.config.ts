import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where `npm run dev` finds the server. */
const SERVER = process.env.CALLS_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: here('app'),
  resolve: { alias: { '@calls/sdk': here('sdk/src/index.ts') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // `light-dark()` as it is: written out, it would not follow a dark island
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or styles
    modulePreload: { polyfill: false },
    rollupOptions: { input: [here('app/index.html'), here('app/console.html')] },
  },
  server: { proxy: { '/api': { target: SERVER, ws: true }, '/console/issuer.json': SERVER } },
  test: { root: here('.'), include: ['{sdk,app}/test/**/*.test.{ts,mjs}'] },
});
