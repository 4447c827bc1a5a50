// Rooms that are encrypted end to end: who has the link's key sees and hears, nobody else does, the server least of all.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { control, enter, inside, menu, receiving, seesAndHears, tile, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));
const KEY = '#key=a-secret-of-this-link-only';
const OTHER = '#key=a-secret-of-another-link';

/** Three pages of one browser draw each other on two cores. */
const FPS = 5;

const here = world();
const encrypted = () => here.room({ encryption: 'e2ee' });

/** Takes what is forwarded to this page as it comes from the server: what a capture there holds. */
const bypass = ({ page }) =>
  page.evaluate(() => Object.defineProperty(RTCRtpReceiver.prototype, 'transform', { set() {} }));

const video = ({ page }) =>
  page.evaluate(async () => {
    let frames = { received: 0, decoded: 0 };
    (await globalThis.__connections.at(-1).getStats()).forEach((stats) => {
      if (stats.type !== 'inbound-rtp' || stats.kind !== 'video') return;
      const { framesReceived = 0, framesDecoded = 0 } = stats;
      frames = { received: frames.received + framesReceived, decoded: frames.decoded + framesDecoded };
    });
    return frames;
  });

async function lookIn(name, room, wiretap) {
  const person = await here.lobby(name, room);
  await wiretap(person);
  await enter(person);
  await inside(person);
  return person;
}

test('with the key of the link everybody sees and hears everybody, also who comes late', async () => {
  const room = (await encrypted()) + KEY;
  const ada = await here.join('Ada', room);
  const bob = await here.join('Bob', room);
  await seesAndHears(ada, 1, FPS);
  await seesAndHears(bob, 1, FPS);
  const eve = await here.join('Eve', room);
  await seesAndHears(eve, 2, FPS);
  await ada.page.getByText('End-to-end encrypted').first().waitFor();
  await mkdir(RESULTS, { recursive: true });
  await ada.page.screenshot({ path: `${RESULTS}encrypted.png` });
  assert.equal(await (await menu(ada, 'Start recording')).count(), 0, 'nobody is offered what the server cannot do');
  await ada.page.keyboard.press('Escape');

  // Whoever stays makes new keys, and goes on without a gap that anybody sees.
  await control(bob, 'Leave').click();
  await until('Bob is gone', async () => (await tile(ada, 'Bob').count()) === 0);
  await new Promise((done) => setTimeout(done, 1_500));
  await seesAndHears(eve, 1, FPS);
  await Promise.all([ada, bob, eve].map((person) => person.close()));
});

test('with another key nothing is seen or heard, and both sides are told why', async () => {
  const room = await encrypted();
  const ada = await here.join('Ada', room + KEY);
  const mallory = await here.join('Mallory', room + OTHER);
  await tile(mallory, 'Ada').getByText('Their link has another key').waitFor();
  await tile(ada, 'Mallory').getByText('Their link has another key').waitFor();
  const heard = await receiving(mallory);
  assert.deepEqual(heard, { pictures: [], voices: 0 });
  await Promise.all([ada, mallory].map((person) => person.close()));
});

test('what the server forwards does not decode, though the same without encryption does', async () => {
  const room = (await encrypted()) + KEY;
  const ada = await here.join('Ada', room);
  const tap = await lookIn('Tap', room, bypass);
  const sealed = await until('frames arrive', async () => {
    const frames = await video(tap);
    return frames.received > 20 && frames;
  });
  assert.equal(sealed.decoded, 0);
  await Promise.all([ada, tap].map((person) => person.close()));

  const open = await here.room();
  const bob = await here.join('Bob', open);
  const listener = await lookIn('Listener', open, bypass);
  await until('frames decode', async () => (await video(listener)).decoded > 5);
  await Promise.all([bob, listener].map((person) => person.close()));
});

test('a link without the key does not lead in, and the server says that it cannot record', async () => {
  const room = await encrypted();
  const ada = await here.join('Ada', room + KEY);
  const bob = await here.lobby('Bob', room);
  await bob.page.getByText('this link lacks the key').waitFor();
  assert.ok(await bob.page.getByRole('button', { name: 'Join now' }).isDisabled());
  const { data } = await api(here.url, 'GET', '/history');
  const call = data.find(({ room_id }) => room_id === room).call_id;
  await assert.rejects(api(here.url, 'POST', `/${call}/record/start`, { mode: 'tracks' }), /409/);
  await Promise.all([ada, bob].map((person) => person.close()));
});

test('a meeting that is started encrypted carries its key behind the # of its link', async () => {
  const ada = await here.open('Ada', '/');
  await ada.page.getByText('Options').click();
  await ada.page.getByLabel('Encrypt voices and pictures end to end').check();
  await ada.page.getByRole('button', { name: 'Start a meeting' }).click();
  await ada.page.waitForURL(/\/meet\/room_[a-z0-9]+#key=[\w-]{32}$/);
  await ada.page.getByText('this server can neither see nor hear them').waitFor();
  await ada.close();
});
