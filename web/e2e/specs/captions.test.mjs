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
import { errors } from '../support/words.mjs';
import { world } from '../support/world.mjs';

const CLIPS = new URL('../../../speech/testwav/', import.meta.url);
const SAID = 'press one for sales press two for support';
const SENTENCE = 'flite04.wav';
/** One clip of each voice that the model was not trained on. */
const HELD_OUT = ['clean0000.wav', 'clean0003.wav', 'clean0004.wav', 'clean0005.wav', 'clean0007.wav', 'clean0008.wav'];
/** The sentence, also with a word misheard. */
const isSentence = ({ text }) => errors(SAID, text) <= 1;
const SENTENCE_ON_PAGE = /press \w+ for sales press \w+ for support/;
const HEADER = 44;
/** Bytes of a second of sound. */
const SECOND = 2 * 16_000;
/** Before the first word: time enough, mostly, to come in. */
const LEAD = 4 * SECOND;
/** After each clip: a pause that ends what is said. */
const PAUSE = SECOND;
/** Of a hundred words of voices that are new to the model, so many may be wrong. */
const WRONG = 10;

const here = world();
let browser;
after(() => browser?.close());
const folder = await mkdtemp(join(tmpdir(), 'calls-captions-'));
after(() => rm(folder, { recursive: true, force: true }));

/** The held-out voices and then the sentence, which a microphone plays again and again. */
async function speech() {
  const clips = [...HELD_OUT.map((name) => `heldout/${name}`), SENTENCE];
  const files = await Promise.all(clips.map((name) => readFile(new URL(name, CLIPS))));
  const sound = files.flatMap((file) => [file.subarray(HEADER), Buffer.alloc(PAUSE)]);
  const wav = Buffer.concat([files[0].subarray(0, HEADER), Buffer.alloc(LEAD), ...sound]);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.writeUInt32LE(wav.length - HEADER, HEADER - 4);
  const path = join(folder, 'said.wav');
  await writeFile(path, wav);
  return path;
}

/** What the held-out voices say. */
async function heldOut() {
  const rows = (await readFile(new URL('heldout/text.tsv', CLIPS), 'utf8')).trim().split('\n');
  const texts = new Map(rows.map((row) => row.split('\t')).map(([name, , text]) => [name, text]));
  return HELD_OUT.map((name) => texts.get(name)).join(' ');
}

/** What was said before each time that the sentence was. */
function rounds(utterances) {
  const ends = utterances.flatMap((utterance, at) => (isSentence(utterance) ? [at] : []));
  const between = ends.map((end, n) => utterances.slice(n === 0 ? 0 : ends[n - 1] + 1, end));
  return between.map((round) => round.map(({ text }) => text).join(' '));
}

test('what is said into a microphone is read on another page and stands in the transcript, voices new to the model with few words wrong', async () => {
  const room = await here.room();
  const bob = await here.join('Bob', room);
  const { data } = await api(here.url, 'GET', `/history?room_id=${room}`);
  const call = data[0].call_id;
  await api(here.url, 'POST', `/${call}/transcribe`);
  await bob.page.locator('.badge', { hasText: 'Transcribing' }).waitFor();
  await control(bob, 'Captions').click();
  browser = await openBrowser({ sound: await speech() });
  const ada = await browser.open('Ada', `${here.url}/meet/${room}`);
  await enter(ada);
  await inside(ada);
  await api(here.url, 'POST', `/${call}/record/start`, { mode: 'audio' });
  await bob.page.getByRole('region', { name: 'Captions' }).getByText(SENTENCE_ON_PAGE).first().waitFor({ timeout: 60_000 });

  const wanted = await heldOut();
  const words = wanted.split(' ').length;
  const wrong = (heard) => (100 * errors(wanted, heard)) / words;
  // Who came in late lacks the beginning of the first round; the next one is whole.
  let all = [];
  const heard = await until('a round of the voices in the transcript, with few words wrong', async () => {
    const { utterances } = await api(here.url, 'GET', `/${call}/transcript`);
    const speaker = utterances.find(isSentence)?.participant_id;
    all = utterances.filter(({ participant_id }) => participant_id === speaker);
    return rounds(all).find((round) => wrong(round) < WRONG);
  }, 90_000).catch((error) => {
    throw new Error(`${error.message}; heard: ${JSON.stringify(rounds(all))}`);
  });
  const sentence = all.find(isSentence);
  console.log(`${errors(wanted, heard)} of ${words} words of held-out voices wrong (${wrong(heard).toFixed(1)} %)`);
  assert.equal(sentence.words.length, SAID.split(' ').length);
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
  const line = page.locator('.transcript__line', { hasText: SENTENCE_ON_PAGE }).last();
  await line.getByRole('button').click();
  await page.locator('.transcript__line[aria-current]', { hasText: SENTENCE_ON_PAGE }).waitFor();
  const { at, offset } = await player.evaluate(({ currentTime, dataset }) => ({ at: currentTime, offset: Number(dataset.offset) }));
  assert.ok(Math.abs(at - (start_ms - offset) / 1000) < 3, `plays ${at} s, and the sentence is ${start_ms} ms into the call (from ${offset})`);
  await page.close();
});

test('nobody’s page logged an error of its own', () => here.assertNoErrors());
