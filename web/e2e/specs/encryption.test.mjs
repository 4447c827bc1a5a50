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

/** Where nothing is to come, one looks longer. */
const NOTHING_MS = 2_000;

/** Three pages of one browser draw each other on two cores. */
const FPS = 5;

const here = world();
const encrypted = () => here.room({ encryption: 'e2ee' });

/** Enough of a frame to see what is sealed: the clear bytes, and the header of SFrame behind them. */
const HEAD = 24;

/** Remembers what the page tells its worker: with which key it seals, which it opens with, as key ids. */
const overhear = {
  prepare: (context) =>
    context.addInitScript(() => {
      const { postMessage } = Worker.prototype;
      globalThis.__orders = [];
      Worker.prototype.postMessage = function (order, ...more) {
        globalThis.__orders.push({ is: order.do, kid: String(order.kid) });
        return postMessage.call(this, order, ...more);
      };
    }),
};

const kids = ({ page }, what) =>
  page.evaluate((is) => globalThis.__orders.filter((order) => order.is === is).map(({ kid }) => kid), what);

/** Puts a capture where the page would open frames: what it holds is what the server forwarded to this page. */
const wiretap = ({ page }) =>
  page.evaluate((head) => {
    const code = `onrtctransform = ({ transformer }) => {
      const look = (frame, controller) => {
        postMessage({ kind: frame.type ?? 'audio', bytes: [...new Uint8Array(frame.data).slice(0, ${head})] });
        controller.enqueue(frame);
      };
      transformer.readable.pipeThrough(new TransformStream({ transform: look })).pipeTo(transformer.writable).catch(() => {});
    }`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    globalThis.__captured = [];
    worker.onmessage = ({ data }) => globalThis.__captured.push(data);
    globalThis.__tap = (receiver, set) => set.call(receiver, new RTCRtpScriptTransform(worker));
    const { set } = Object.getOwnPropertyDescriptor(RTCRtpReceiver.prototype, 'transform');
    Object.defineProperty(RTCRtpReceiver.prototype, 'transform', {
      set() {
        globalThis.__tap(this, set);
      },
    });
    // A page that opens nothing sets no transform either: its receivers are tapped as they come.
    const add = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (...args) {
      const transceiver = add.apply(this, args);
      if (typeof args[0] === 'string') globalThis.__tap(transceiver.receiver, set);
      return transceiver;
    };
  }, HEAD);

/** The captured frames with a body, by how many bytes of theirs are clear (docs/adr/0014). */
const CLEAR = { key: 10, delta: 3, audio: 1 };

/** The key ids behind the clear bytes, as far as there are SFrame headers with ids of eight bytes (RFC 9605 §4.3). */
const keyIds = (frames) =>
  new Set(
    frames.map(({ kind, bytes }) => {
      const [config, ...rest] = bytes.slice(CLEAR[kind]);
      return (config & 0xf0) === 0xf0 ? rest.slice(0, 8).join('.') : 'not sealed';
    }),
  );

const captured = (person, kinds) =>
  until(`${kinds} frames are captured`, async () => {
    const frames = await person.page.evaluate(() => globalThis.__captured);
    const wanted = frames.filter(({ kind }) => kinds.includes(kind));
    return wanted.length > 40 && wanted;
  });

async function lookIn(name, room) {
  const person = await here.lobby(name, room, { bypassCSP: true }); // the capture's worker is no file of the server's
  await wiretap(person);
  await enter(person);
  await inside(person);
  return person;
}

test('with the key of the link everybody sees and hears everybody, also who comes late', async () => {
  const room = (await encrypted()) + KEY;
  const ada = await here.join('Ada', room, overhear);
  const bob = await here.join('Bob', room);
  await Promise.all([ada, bob].map((person) => seesAndHears(person, 1, FPS)));
  const eve = await here.join('Eve', room, overhear);
  await seesAndHears(eve, 2, FPS);
  await ada.page.getByText('End-to-end encrypted').first().waitFor();
  await mkdir(RESULTS, { recursive: true });
  await ada.page.screenshot({ path: `${RESULTS}encrypted.png` });
  const offered = await menu(ada, /^Start (recording|transcription)$/);
  assert.equal(await offered.count(), 0, 'nobody is offered what the server cannot do');
  await ada.page.keyboard.press('Escape');

  // Whoever stays makes new keys, and goes on without a gap that anybody sees.
  const [before] = await kids(ada, 'seal');
  assert.ok((await kids(eve, 'open')).includes(before));
  await control(bob, 'Leave').click();
  const fresh = await until('Ada seals with a new key', async () => (await kids(ada, 'seal')).find((kid) => kid !== before));
  await until('Eve was given it', async () => (await kids(eve, 'open')).includes(fresh));
  assert.equal(await tile(ada, 'Bob').count(), 0);
  await until('nothing opens with the old one any more', async () => (await kids(eve, 'forget')).includes(before));
  await seesAndHears(eve, 1, FPS);
  await Promise.all([ada, bob, eve].map((person) => person.close()));
});

test('with another key nothing is seen or heard, and both sides are told why', async () => {
  const room = await encrypted();
  const ada = await here.join('Ada', room + KEY);
  const mallory = await here.join('Mallory', room + OTHER);
  await tile(mallory, 'Ada').getByText('Your links differ').waitFor();
  await tile(ada, 'Mallory').getByText('Your links differ').waitFor();
  for (const person of [ada, mallory]) {
    assert.deepEqual(await person.page.locator('.badge').allTextContents(), ['Encrypted, but your links differ']);
  }
  const heard = await receiving(mallory, NOTHING_MS);
  assert.deepEqual(heard, { pictures: [], voices: 0 });
  await Promise.all([ada, mallory].map((person) => person.close()));
});

test('of what the server forwards every frame is sealed, while without encryption it decodes as it is', async () => {
  const room = (await encrypted()) + KEY;
  const ada = await here.join('Ada', room);
  const tap = await lookIn('Tap', room);
  const sealed = [...(await captured(tap, ['key', 'delta'])), ...(await captured(tap, ['audio']))];
  const ids = keyIds(sealed);
  assert.equal(ids.size, 1, 'one sender key seals all that Ada sends, voice and picture');
  assert.ok(!ids.has('not sealed'));
  // VP8 has no checksum: a decoder may take noise behind a clear header for a picture now and then, but never for a film.
  const noise = await receiving(tap, NOTHING_MS);
  assert.ok(Math.max(0, ...noise.pictures) < FPS, `the capture plays: ${JSON.stringify(noise)}`);
  await Promise.all([ada, tap].map((person) => person.close()));

  const open = await here.room();
  const bob = await here.join('Bob', open);
  const listener = await lookIn('Listener', open);
  assert.ok(keyIds(await captured(listener, ['key', 'delta'])).has('not sealed'));
  await seesAndHears(listener, 1, FPS);
  await Promise.all([bob, listener].map((person) => person.close()));
});

test('a link without the key does not lead in, and the server says that it cannot record', async () => {
  const room = await encrypted();
  const ada = await here.join('Ada', room + KEY);
  const bob = await here.lobby('Bob', room);
  await bob.page.getByText('this link lacks the key').waitFor();
  assert.ok(await bob.page.getByRole('button', { name: 'Join now' }).isDisabled());
  await bob.page.evaluate((key) => (location.hash = key), KEY); // the whole link, pasted over that
  await bob.page.getByText('this server can neither see nor hear them').waitFor();
  await until('Bob may join', () => bob.page.getByRole('button', { name: 'Join now' }).isEnabled());
  const { data } = await api(here.url, 'GET', `/history?room_id=${room}`);
  const call = data[0].call_id;
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
