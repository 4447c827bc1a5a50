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
/** From the first picture that is no thumbnail until the largest is there for certain. */
const GROWS_FOR_MS = 8_000;

/** In which a tile is worth the largest picture. */
const WINDOW = { width: 1280, height: 800 };

/** From the moment when the network changes. */
const SMALLER_WITHIN_MS = 3_000;
const LARGE_AGAIN_WITHIN_MS = 15_000;
const LONGEST_FREEZE_MS = 1_000;
/** The rest of the time it is tried whether more gets through. */
const SMALLER_FOR = 0.7;

const LOSS = 0.05;
const LOSES_FOR_MS = 10_000;
const VISIBLE_FREEZE_MS = 500;

const noNamespace = whyNoNamespace();

/** In the page: a camera whose picture changes all over all the time, so that each of its encodings takes all that it may. */
function restless() {
  const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
  const draw = canvas.getContext('2d');
  const dots = Array.from({ length: 300 }, () => [Math.random() * 800 - 400, Math.random() * 800 - 400, 5 + Math.random() * 20, Math.random() * 360]);
  setInterval(() => {
    draw.setTransform(2, 0, 0, 2, 640, 360);
    draw.rotate(Date.now() / 2_000);
    draw.fillStyle = '#555';
    draw.fillRect(-400, -400, 800, 800);
    for (const [x, y, radius, hue] of dots) {
      draw.fillStyle = `hsl(${hue} 40% 50%)`;
      draw.beginPath();
      draw.arc(x, y, radius, 0, 7);
      draw.fill();
    }
  }, 33);
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    const tracks = audio ? (await native({ audio })).getTracks() : [];
    return new MediaStream(video ? [...tracks, ...canvas.captureStream(30).getVideoTracks()] : tracks);
  };
}

/** Lets Ada in, and then Grace, whose Chromium may be one of its own, both with this camera; comes back when Grace sees and hears Ada. */
async function meet(t, url, { executable, camera } = {}) {
  const room = await createRoom(url);
  let somebody;
  const prepare = camera && ((context) => context.addInitScript(camera));
  for (const [person, options] of [{}, { executable }].entries()) {
    const browser = await openBrowser({ person, ...options });
    t.after(() => browser.close());
    somebody = await browser.open(['Ada', 'Grace'][person], `${url}/meet/${room}`, { viewport: WINDOW, prepare });
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

/** What was seen since it was asked last: how wide the picture is now and was, and how long it stood still at the longest. */
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
    return { width: globalThis.__seen.at(-1)?.width, widths: all.map(({ width }) => width), longestMs };
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
  const grace = await meet(t, server.url, { executable: network.browser, camera: restless });
  network.narrow(WIDE);
  await watch(grace);
  const { page } = grace;
  await until('a large picture', async () => (await seen(grace)).width >= 640, 30_000);
  await page.waitForTimeout(GROWS_FOR_MS);
  const { width: large } = await seen(grace);

  network.narrow(NARROW);
  const smaller = await untilWidth(grace, 'a smaller picture', (width) => width < large, SMALLER_WITHIN_MS);
  t.diagnostic(`${large} pixels wide; smaller after ${smaller.tookMs} ms, longest freeze ${Math.round(smaller.longestMs)} ms`);
  await page.waitForTimeout(NARROW_FOR_MS - smaller.tookMs);
  const narrow = await seen(grace);
  const share = narrow.widths.filter((width) => width < large).length / narrow.widths.length;
  t.diagnostic(`while narrow: smaller for ${Math.round(100 * share)} % of the time, longest freeze ${Math.round(narrow.longestMs)} ms`);
  assert.ok(share > SMALLER_FOR, `a picture ${large} pixels wide came through ${NARROW}`);

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
