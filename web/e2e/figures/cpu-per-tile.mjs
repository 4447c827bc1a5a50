// What a tile costs the page: CPU of the page's process, with pictures moving, per tile that somebody else fills.
//
//   scripts/serve-for-tests node web/e2e/figures/cpu-per-tile.mjs [TILES] [SECONDS]
//
// CPU_ENCRYPTED=1 measures a room that is encrypted end to end. CPU_PAGE=DIST measures a page that was built elsewhere, of an older commit for
// instance, against the same server. Prints one line of JSON.
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { openBrowser } from '../support/browser.mjs';
import { enter, inside, receiving, sees } from '../support/meeting.mjs';
import { createRoom, startServer } from '../support/server.mjs';

const TILES = Number(process.argv[2] ?? 3);
const SECONDS = Number(process.argv[3] ?? 10);
const ENCRYPTED = process.env.CPU_ENCRYPTED === '1';
const PAGE = process.env.CPU_PAGE;
const SETTLE_MS = 6_000;

const TYPES = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };

/** The other page in the place of the server's own; what has no ending is a screen of it. */
async function otherPage(context) {
  await context.grantPermissions(['local-network-access']); // a page that comes from nowhere asks a server on this machine
  await context.route(({ pathname }) => !pathname.startsWith('/api/'), async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = extname(pathname) ? pathname : '/index.html';
    await route.fulfill({ body: await readFile(join(PAGE, file)), contentType: TYPES[extname(file)] });
  });
}

const server = await startServer();
const [watching, others] = [await openBrowser(), await openBrowser({ person: 1 })];
try {
  const room = await createRoom(server.url, ENCRYPTED ? { encryption: 'e2ee' } : {});
  const path = `${server.url}/meet/${room}${ENCRYPTED ? '#key=a-secret-of-this-link-only' : ''}`;
  const join = async (browser, name) => {
    const person = await browser.open(name, path, PAGE ? { prepare: otherPage } : {});
    await enter(person);
    await inside(person);
    return person;
  };
  const viewer = await join(watching, 'Viewer');
  // The own camera is encoded and drawn too: what is left of that is measured alone, and taken off.
  const cdp = await viewer.context.newCDPSession(viewer.page);
  await cdp.send('Performance.enable');
  const cpu = async () => {
    const read = async () => {
      const { metrics } = await cdp.send('Performance.getMetrics');
      return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
    };
    const before = await read();
    const { pictures } = await receiving(viewer, SECONDS * 1000);
    const after = await read();
    const share = (key) => (after[key] - before[key]) / (after.Timestamp - before.Timestamp);
    return { process: share('ProcessTime'), main: share('TaskDuration'), pictures };
  };
  await viewer.page.waitForTimeout(SETTLE_MS);
  const alone = await cpu();
  for (let n = 1; n <= TILES; n += 1) await join(others, `Other ${n}`);
  await sees(viewer, TILES + 1);
  await viewer.page.waitForTimeout(SETTLE_MS);
  const together = await cpu();
  const perTile = (key) => Math.round(((together[key] - alone[key]) / TILES) * 1000) / 10;
  const fps = together.pictures.reduce((sum, each) => sum + each, 0) / Math.max(1, together.pictures.length);
  const figures = {
    tiles: TILES,
    encrypted: ENCRYPTED,
    ...(PAGE && { page: PAGE }),
    fps: Math.round(fps * 10) / 10,
    process_percent_per_tile: perTile('process'),
    main_thread_percent_per_tile: perTile('main'),
  };
  console.log(JSON.stringify(figures));
} finally {
  await Promise.all([watching.close(), others.close()]);
  await server.stop();
}
