// A subscriber whose network becomes narrow and wide again, or loses packets: real Chromium behind `tc`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser } from '../support/browser.mjs';
import { enter, inside, seesAndHears, until } from '../support/meeting.mjs';
import { OUTSIDE, openNamespace, whyNoNamespace } from '../support/namespace.mjs';
import { home } from '../support/recording.mjs';
import { createRoom, startMortalServer } from '../support/server.mjs';

const WIDE = '3mbit';
const NARROW = '300kbit';
const NARROW_FOR_MS = 20_000;

/** In which a tile is worth the largest picture. */
const WINDOW = { width: 1280, height: 800 };

/** From the moment when the network changes. */
const SMALLER_WITHIN_MS = 3_000;
const LARGE_AGAIN_WITHIN_MS = 15_000;
const LONGEST_FREEZE_MS = 1_000;

const LOSS = 0.05;
const LOSES_FOR_MS = 10_000;
const VISIBLE_FREEZE_MS = 500;

const noNamespace = whyNoNamespace();

/** Lets Ada in, and then Grace, whose Chromium may be one of its own; comes back when Grace sees and hears Ada. */
async function meet(t, url, executable) {
  const room = await createRoom(url);
  let somebody;
  for (const [person, options] of [{}, { executable }].entries()) {
    const browser = await openBrowser({ person, ...options });
    t.after(() => browser.close());
    somebody = await browser.open(['Ada', 'Grace'][person], `${url}/meet/${room}`, { viewport: WINDOW });
    await enter(somebody);
    await inside(somebody);
  }
  await seesAndHears(somebody, 1);
  return somebody;
}

/** Notes what is decoded from now on, twenty times a second, in the page itself. */
const watch = ({ page }) =>
  page.evaluate(() => {
    globalThis.__seen = [];
    const look = async () => {
      const stats = await globalThis.__connections.at(-1).getStats();
      const picture = [...stats.values()].find(({ type, kind, framesDecoded }) =>
        type === 'inbound-rtp' && kind === 'video' && framesDecoded > 0);
      if (picture) globalThis.__seen.push({ at: performance.now(), frames: picture.framesDecoded, width: picture.frameWidth });
      setTimeout(look, 50);
    };
    look();
  });

/** What was seen since it was asked last: how wide the picture is now, and how long it stood still at the longest. */
const seen = ({ page }) =>
  page.evaluate(() => {
    const all = globalThis.__seen.splice(0, globalThis.__seen.length - 1);
    let longestMs = 0;
    let moved = all[0];
    for (const one of all) {
      if (one.frames > moved.frames) {
        longestMs = Math.max(longestMs, one.at - moved.at);
        moved = one;
      }
    }
    longestMs = Math.max(longestMs, (all.at(-1)?.at ?? 0) - (moved?.at ?? 0));
    return { width: globalThis.__seen.at(-1)?.width, longestMs };
  });

/** How long, from now on, until the picture is as wide as wanted; the longest freeze meanwhile. */
async function untilWidth(person, what, wanted, withinMs) {
  const begun = Date.now();
  let longestMs = 0;
  await until(what, async () => {
    const now = await seen(person);
    longestMs = Math.max(longestMs, now.longestMs);
    return wanted(now.width);
  }, withinMs);
  return { tookMs: Date.now() - begun, longestMs };
}

test('a network that narrows brings a smaller picture at once, no freeze, and the large one when it widens', { skip: noNamespace ?? false }, async (t) => {
  const network = openNamespace();
  t.after(() => network.close());
  const server = await startMortalServer({ settings: { CALLS__MEDIA__BIND: OUTSIDE } });
  t.after(() => server.stop());
  await network.reach(Number(new URL(server.url).port));
  const grace = await meet(t, server.url, network.browser);
  network.narrow(WIDE);
  await watch(grace);
  const { page } = grace;
  let large = 0;
  await until('the largest picture', async () => {
    const { width } = await seen(grace);
    large = Math.max(large, width ?? 0);
    return large >= 640;
  }, 30_000);
  await page.waitForTimeout(3_000);
  await seen(grace);

  network.narrow(NARROW);
  const smaller = await untilWidth(grace, 'a smaller picture', (width) => width < large, SMALLER_WITHIN_MS);
  t.diagnostic(`smaller after ${smaller.tookMs} ms, longest freeze ${Math.round(smaller.longestMs)} ms`);
  await page.waitForTimeout(NARROW_FOR_MS - smaller.tookMs);
  const narrow = await seen(grace);
  t.diagnostic(`while narrow: ${narrow.width} pixels wide, longest freeze ${Math.round(narrow.longestMs)} ms`);

  network.narrow(WIDE);
  const again = await untilWidth(grace, 'the largest picture again', (width) => width === large, LARGE_AGAIN_WITHIN_MS);
  t.diagnostic(`large again after ${again.tookMs} ms, longest freeze ${Math.round(again.longestMs)} ms`);
  for (const { longestMs } of [smaller, narrow, again]) {
    assert.ok(longestMs < LONGEST_FREEZE_MS, `the picture stood still for ${longestMs} ms`);
  }
});

test('one packet in twenty that is lost is not seen', async (t) => {
  const place = await home({ loss: LOSS });
  const server = await place.serve();
  t.after(async () => {
    await server.kill('SIGTERM');
    await place.clear();
  });
  const grace = await meet(t, place.url);
  await watch(grace);
  await grace.page.waitForTimeout(LOSES_FOR_MS);
  const { longestMs } = await seen(grace);
  t.diagnostic(`${place.network.counts.lost} packets lost, longest freeze ${Math.round(longestMs)} ms`);
  assert.ok(longestMs < VISIBLE_FREEZE_MS, `the picture stood still for ${longestMs} ms`);
});
