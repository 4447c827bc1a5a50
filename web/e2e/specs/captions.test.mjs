// What somebody says into a microphone, read by somebody else while it is said, and found in the transcript: a real voice,
// a real browser, the real engine.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openBrowser } from '../support/browser.mjs';
import { control, enter, inside, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const CLIP = new URL('../../../speech/testwav/flite04.wav', import.meta.url);
const SAID = 'press one for sales press two for support';
const HEADER = 44;
/** After each sentence, in samples: a pause that ends it. */
const PAUSE = 1.5 * 16_000;

const here = world();
const folder = await mkdtemp(join(tmpdir(), 'calls-captions-'));
after(() => rm(folder, { recursive: true, force: true }));

/** The clip with a pause behind it, which a microphone plays again and again. */
async function sentence() {
  const clip = await readFile(CLIP);
  const wav = Buffer.concat([clip, Buffer.alloc(2 * PAUSE)]);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.writeUInt32LE(wav.length - HEADER, HEADER - 4);
  const path = join(folder, 'said.wav');
  await writeFile(path, wav);
  return path;
}

test('a sentence said into a microphone is read on another page and stands in the transcript', async () => {
  const room = await here.room();
  const browser = await openBrowser({ sound: await sentence() });
  const ada = await browser.open('Ada', `${here.url}/meet/${room}`);
  await enter(ada);
  await inside(ada);
  const bob = await here.join('Bob', room);
  const { data } = await api(here.url, 'GET', `/history?room_id=${room}`);
  const call = data[0].call_id;
  await api(here.url, 'POST', `/${call}/record/start`, { mode: 'audio' });
  await api(here.url, 'POST', `/${call}/transcribe`);
  await bob.page.locator('.badge', { hasText: 'Transcribing' }).waitFor();
  await control(bob, 'Captions').click();
  await bob.page.getByRole('region', { name: 'Captions' }).getByText(SAID).waitFor({ timeout: 30_000 });

  const whole = await until('two whole sentences in the transcript', async () => {
    const { utterances } = await api(here.url, 'GET', `/${call}/transcript`);
    const hers = utterances.filter(({ text }) => text === SAID);
    return hers.length >= 2 && hers;
  }, 40_000);
  const [first, second] = whole;
  assert.equal(first.participant_id, second.participant_id);
  assert.equal(first.words.length, SAID.split(' ').length);
  const found = await api(here.url, 'GET', '/transcripts/search?q=sales');
  assert.equal(found.data[0].call_id, call);
  await api(here.url, 'POST', `/${call}/record/stop`);
  await browser.close();
  await bob.close();
});

test('in the console the transcript is searched and goes along with the recording', async () => {
  const { data } = await api(here.url, 'GET', '/transcripts/search?q=sales');
  const { call_id, start_ms } = data[0];
  const { page } = await here.open('Operator', `/console/calls/${call_id}`, { viewport: { width: 1280, height: 900 } });
  const timeline = page.getByRole('region', { name: 'Timeline' });
  for (const text of ['Ada came in', 'Bob came in', 'It is recorded', 'What is said is written down']) {
    await timeline.getByText(text).first().waitFor();
  }
  const player = page.getByLabel(/\.m4a$/);
  await player.waitFor({ timeout: 60_000 }); // once it is made
  await page.getByLabel('Search the transcript').fill('weather');
  await page.getByText('Nothing matches.').waitFor();
  await page.getByLabel('Search the transcript').fill('SALES ada');
  const line = page.locator('.transcript__line', { hasText: SAID }).last();
  await line.getByRole('button').click();
  await page.locator('.transcript__line[aria-current]', { hasText: SAID }).waitFor();
  const { at, offset } = await player.evaluate(({ currentTime, dataset }) => ({ at: currentTime, offset: Number(dataset.offset) }));
  assert.ok(Math.abs(at - (start_ms - offset) / 1000) < 3, `plays ${at} s, and the sentence is ${start_ms} ms into the call (from ${offset})`);
  await page.close();
});

test('nobody’s page logged an error of its own', () => here.assertNoErrors());
