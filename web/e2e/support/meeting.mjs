// What people do in a meeting, and what can be seen from outside of it.
import assert from 'node:assert/strict';
import { everybody } from './browser.mjs';
import { api } from './server.mjs';

const SETTLE_MS = 20_000;
const SAMPLE_MS = 1_000;

/** A picture that moves. */
export const LEAST_FPS = 10;

/** Energy of a moment that is more than comfort noise. */
const AUDIBLE = 1e-6;

/** Asks until the answer is true, or fails with what was wanted. */
export async function until(what, ask, withinMs = SETTLE_MS) {
  const end = Date.now() + withinMs;
  let answer;
  do {
    answer = await ask();
    if (answer) return answer;
    await new Promise((done) => setTimeout(done, 100));
  } while (Date.now() < end);
  assert.fail(`not within ${withinMs} ms: ${what}`);
}

/** From the lobby into the meeting. */
export async function enter({ page, name }, { password } = {}) {
  await page.getByLabel('Your name').fill(name);
  if (password !== undefined) await page.getByLabel('Meeting password').fill(password);
  await page.getByRole('button', { name: 'Join now' }).click();
}

export const inside = ({ page }) => page.getByRole('toolbar').waitFor({ timeout: SETTLE_MS });

export const control = ({ page }, name) => page.getByRole('toolbar').getByRole('button', { name });

/** Opens the menu and gives what is in it. */
export async function menu(person, name) {
  await control(person, 'More').click();
  return person.page.getByRole('group', { name: 'More' }).getByRole('button', { name });
}

export const tile = ({ page }, name) => page.locator(`article[aria-label^="${name}"]`);

/** Waits until somebody sees this many tiles. */
export const sees = ({ page, name }, tiles) =>
  until(`${name} sees ${tiles} tiles`, async () => (await page.locator('article.tile').count()) === tiles);

/** The inbound streams of the newest connection, as counters. */
function inbound({ page }) {
  return page.evaluate(async () => {
    const streams = [];
    const connection = globalThis.__connections.at(-1);
    if (!connection) return streams;
    (await connection.getStats()).forEach((stats) => {
      if (stats.type !== 'inbound-rtp') return;
      const { kind, mid, framesDecoded = 0, totalAudioEnergy = 0, frameWidth } = stats;
      streams.push({ kind, mid, framesDecoded, totalAudioEnergy, frameWidth });
    });
    return streams;
  });
}

/** What arrives over a moment: frames a second of each moving picture, and how many voices are heard. */
export async function receiving(person, sampleMs = SAMPLE_MS) {
  const before = new Map((await inbound(person)).map((stream) => [stream.kind + stream.mid, stream]));
  const begun = Date.now();
  await new Promise((done) => setTimeout(done, sampleMs));
  const after = await inbound(person);
  const seconds = (Date.now() - begun) / 1000;
  const growth = (kind, key) =>
    after
      .filter((stream) => stream.kind === kind)
      .map((stream) => stream[key] - (before.get(stream.kind + stream.mid)?.[key] ?? 0));
  return {
    pictures: growth('video', 'framesDecoded').filter((frames) => frames > 0).map((frames) => frames / seconds),
    voices: growth('audio', 'totalAudioEnergy').filter((energy) => energy > AUDIBLE).length,
  };
}

/** What tells why a picture stands still: of each that comes, of each encoding that goes, and of the camera before that. */
function pictureCounts({ page }) {
  return page.evaluate(async () => {
    const wanted = {
      'inbound-rtp': ['mid', 'ssrc', 'frameWidth', 'framesPerSecond', 'framesReceived', 'framesDecoded', 'framesDropped', 'keyFramesDecoded',
        'packetsReceived', 'packetsLost', 'nackCount', 'pliCount', 'firCount', 'freezeCount'],
      'outbound-rtp': ['mid', 'rid', 'active', 'frameWidth', 'framesPerSecond', 'targetBitrate', 'framesEncoded', 'framesSent', 'hugeFramesSent',
        'keyFramesEncoded', 'packetsSent', 'nackCount', 'pliCount', 'qualityLimitationReason', 'totalEncodeTime'],
      'media-source': ['width', 'framesPerSecond', 'frames'],
      'candidate-pair': ['availableOutgoingBitrate', 'currentRoundTripTime'],
    };
    const lines = [];
    const stats = (await globalThis.__connections.at(-1)?.getStats()) ?? new Map();
    stats.forEach((one) => {
      const keys = wanted[one.type]?.filter((key) => key in one);
      if (!keys || (one.type === 'candidate-pair' ? !one.nominated : one.kind !== 'video')) return;
      lines.push(`${one.type} ${keys.map((key) => `${key}=${one[key]}`).join(' ')}`);
    });
    return lines.join('\n    ');
  });
}

/** What stands over tiles whose picture does not come. */
const notes = async ({ page }) => (await page.locator('.tile__note').allTextContents()).join(', ') || 'nothing';

/** What the server knows of each connection of the call that somebody is in, latest first: what it found the path to carry, and what it withheld. */
async function samples({ page }) {
  const { origin, pathname } = new URL(page.url());
  const { data: [call] } = await api(origin, 'GET', `/history?room_id=${pathname.split('/').at(-1)}`);
  const names = new Map(call.participants.map(({ participant_id, display_name }) => [participant_id, display_name]));
  const { data } = await api(origin, 'GET', `/${call.call_id}/quality?limit=25`);
  return data.map(({ participant_id, ...sample }) => `\n    ${names.get(participant_id)} ${JSON.stringify(sample)}`).join('');
}

/** The counts of somebody, and of all others who are in the same meeting: where a picture stands still one looks at who sends it too. */
async function countsAround({ page }) {
  const there = everybody.filter((one) => !one.page.isClosed() && one.page.url().split('#')[0] === page.url().split('#')[0]);
  there.sort((a, b) => Number(b.page === page) - Number(a.page === page));
  const told = there.map(async (one) => `\n  ${one.name}, over tiles ${await notes(one)}:\n    ${await pictureCounts(one)}`);
  const server = samples({ page }).then((lines) => `\n  the server:${lines}`);
  return (await Promise.all([...told, server].map((lines) => lines.catch((error) => `\n  ${error.message}`)))).join('');
}

/** Somebody sees this many moving pictures and hears somebody. */
export async function seesAndHears(person, pictures, leastFps = LEAST_FPS) {
  let last;
  try {
    await until('media', async () => {
      last = await receiving(person);
      return last.pictures.filter((fps) => fps > leastFps).length >= pictures && last.voices > 0;
    }, 30_000);
  } catch {
    const fps = last.pictures.map((n) => n.toFixed(1)).join(', ');
    assert.fail(`${person.name} should see ${pictures} pictures at more than ${leastFps} fps and hear a voice, ` +
      `but has [${fps}] fps and ${last.voices} voices: ${await countsAround(person)}`);
  }
  return last;
}

/** How long, from now on, until this many pictures move. */
export async function timeUntilMoving(person, pictures, withinMs) {
  const begun = Date.now();
  await until(`${person.name} sees ${pictures} moving pictures`, async () => {
    return (await receiving(person, 200)).pictures.length >= pictures;
  }, withinMs);
  return Date.now() - begun;
}

/** Closes what the page tells in passing, but for what it would tell again at once. */
export async function dismiss({ page }, but = 'nothing') {
  const notes = page.locator('.toast').filter({ hasNotText: but });
  while ((await notes.count()) > 0) {
    await notes.first().getByRole('button', { name: 'Close' }).click({ timeout: 1_000 }).catch(() => undefined); // it may go by itself meanwhile
  }
}

/** The id under which somebody is in the meeting, as somebody sees it. */
export const participantId = async (viewer, name) => tile(viewer, name).getAttribute('data-participant');

/** Lets a page hear an event as if the server had said it. */
export const hears = ({ page }, t, d) =>
  page.evaluate((frame) => {
    globalThis.__sockets.at(-1).dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }));
  }, { t, d });
