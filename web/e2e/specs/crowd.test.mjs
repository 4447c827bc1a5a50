// More people than a page of tiles holds, and a window of any shape.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { dismiss, hears, sees, tile, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));
const LARGE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const OTHERS = ['Grace Hopper', 'Emmy Noether', 'Alan Turing', 'Kurt Gödel', 'Rosa Luxemburg', 'Marie Curie',
  'Niels Bohr', 'Lise Meitner', 'Mary Shelley'];

let room;
let ada;

const here = world(async () => {
  await mkdir(RESULTS, { recursive: true });
  room = await here.room();
  ada = await here.join('Ada Lovelace', room, { viewport: LARGE });
});

/** Comes in with a socket and nothing else, as somebody whose camera and microphone are off. */
async function come(name) {
  const { connection } = await api(here.url, 'POST', `/rooms/${room}/join`, { user_id: name, display_name: name });
  await ada.page.evaluate(async ({ token, ws_url }) => {
    const socket = new WebSocket(ws_url, 'calls.v1');
    globalThis.__sockets.pop(); // not the page's own
    (globalThis.__crowd ??= []).push(socket);
    await new Promise((done) => (socket.onopen = done));
    socket.send(JSON.stringify({ t: 'hello', d: { token } }));
  }, connection);
}

async function picture(name, viewport) {
  await ada.page.setViewportSize(viewport);
  await dismiss(ada);
  await ada.page.waitForTimeout(500);
  await ada.page.screenshot({ path: `${RESULTS}${name}.png` });
}

/** All tiles: their shapes, and whether they are inside the window. */
async function assertTidy(people) {
  const tiles = await ada.page.locator('article.tile').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
  const { width, height } = ada.page.viewportSize();
  for (const { left, right, top, bottom, width: wide, height: high } of tiles) {
    const narrowest = height > width ? 0.74 : 1.31;
    assert.ok(wide / high > narrowest && wide / high < 1.8, `${people} people: a tile of ${wide} × ${high}`);
    assert.ok(left >= 0 && top >= 0 && right <= width && bottom <= height, `${people} people: a tile out of sight`);
  }
}

test('from one to nine people, tiles keep their shape in a wide window and on a phone', async () => {
  await ada.page.locator('.video--shown').waitFor();
  await picture('alone', LARGE);
  await picture('alone-phone', PHONE);
  for (const [index, name] of OTHERS.slice(0, 8).entries()) {
    await come(name);
    await sees(ada, index + 2);
    for (const viewport of [LARGE, PHONE]) {
      await ada.page.setViewportSize(viewport);
      await ada.page.waitForTimeout(150);
      await assertTidy(index + 2);
    }
    if (index === 3) await picture('five-phone', PHONE);
  }
  await picture('nine', LARGE);
});

/** How light the points of a picture are, from the corner inwards. */
const lightness = (page, png) =>
  page.evaluate(async (bytes) => {
    const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
    canvas.drawImage(picture, 0, 0);
    return Array.from({ length: picture.height }, (_, at) => {
      const [red, green, blue] = canvas.getImageData(at, at, 1, 1).data;
      return Math.round(0.21 * red + 0.72 * green + 0.07 * blue);
    });
  }, [...png]);

test('the ring around who speaks has no dark rim', async () => {
  const { page } = ada;
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(LARGE);
  await page.locator('.tile--speaking').first().waitFor();
  const { x, y } = await page.locator('.tile--speaking').first().boundingBox();
  await until('the ring is light on its outside, and then dark', async () => {
    const [outside, ...inwards] = await lightness(page, await page.screenshot({ clip: { x: x - 1, y: y - 1, width: 13, height: 13 } }));
    const ring = inwards.slice(0, inwards.findLastIndex((light) => light > 150) + 1);
    return outside > 230 && ring.length >= 6 && Math.min(...ring) > 150;
  }, 5_000);
});

test('a tenth is on a second page', async () => {
  await come(OTHERS[8]);
  await ada.page.getByText('Page 1 of 2').waitFor();
  await sees(ada, 9);
  await picture('ten', LARGE);
  await picture('ten-phone', PHONE);
  await ada.page.getByRole('button', { name: 'Next page of people' }).click();
  await sees(ada, 1);
  await tile(ada, OTHERS[8]).waitFor();
});

/** Pretends that the camera of everybody on this page of tiles is on; returns who they are. */
async function turnCamerasOn() {
  const tiles = await ada.page.locator('article.tile:not([aria-label*="(you)"])').evaluateAll((all) =>
    all.map((one) => ({ participant_id: one.dataset.participant, display_name: one.ariaLabel })));
  for (const one of tiles) {
    const participant = { ...one, user_id: one.display_name, role: 'participant', audio: false, video: true,
      joined_at: '2026-01-01T00:00:00Z', screen: false, hand: false, reconnecting: false };
    await hears(ada, 'participant', { event: 'updated', participant });
  }
  return tiles.map(({ participant_id }) => participant_id).sort();
}

/** Whose pictures the page asked for last. */
const asked = () => ada.page.evaluate(() => (globalThis.__view ?? []).map(({ participant_id }) => participant_id).sort());

test('pictures that are on another page of tiles are not asked for', async () => {
  await ada.page.setViewportSize(LARGE);
  await ada.page.evaluate(() => {
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (text) {
      const { t, d } = JSON.parse(text);
      if (t === 'view') globalThis.__view = d.slots;
      return send.call(this, text);
    };
  });
  const [tenth] = await turnCamerasOn();
  await until('the tenth alone is asked for', async () => (await asked()).join() === tenth);
  await ada.page.getByRole('button', { name: 'Previous page of people' }).click();
  await sees(ada, 9);
  const eight = await turnCamerasOn();
  assert.equal(eight.length, 8);
  await until('the eight of the first page are asked for', async () => (await asked()).join() === eight.join());
});

test('nobody’s page logged an error', () => here.assertNoErrors());
