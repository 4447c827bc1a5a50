// What two people say into their microphones at once, read by a third while it is said, and found in the transcript: real
// voices, real browsers, the real engine.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openBrowser } from '../support/browser.mjs';
import { control, enter, inside, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { align, split, wrongOf } from '../support/words.mjs';
import { world } from '../support/world.mjs';

const CLIPS = new URL('../../../speech/testwav/', import.meta.url);
const SENTENCE = 'espeak04.wav';
/** What each says over and over: clips of voices that the model was not trained on, then the sentence whose every word has a known time. */
const SAY = {
  Ada: ['clean0000.wav', 'clean0003.wav', 'clean0004.wav', 'clean0001.wav', 'new0000.wav'],
  Cleo: ['clean0002.wav', 'clean0005.wav', 'clean0006.wav', 'clean0007.wav', 'clean0008.wav', 'clean0009.wav', 'new0001.wav'],
};
const SENTENCE_ON_PAGE = /press \w+ for sales press \w+ for support/;
const HEADER = 44;
/** Bytes of a second of sound. */
const SECOND = 2 * 16_000;
/** After each clip: a pause that ends what is said. */
const PAUSE = 0.8 * SECOND;
/** So many times each is heard to the end. */
const ROUNDS = 2;
/** Of a hundred words of voices that are new to the model, so many may be wrong, over all that was heard. */
const WRONG = 10;
/** How far a word's time may be off. */
const WORD_MS = 150;

const here = world();
const browsers = [];
after(() => Promise.all(browsers.map((browser) => browser.close())));
const folder = await mkdtemp(join(tmpdir(), 'calls-captions-'));
after(() => rm(folder, { recursive: true, force: true }));
let adaId;

const table = async (name) => (await readFile(new URL(name, CLIPS), 'utf8')).trim().split('\n').map((row) => row.split('\t'));

/** One round of what somebody says, as a microphone plays it again and again. */
async function script(name) {
  const texts = new Map((await table('heldout/text.tsv')).map(([clip, , text]) => [clip, text]));
  const sentence = (await table('words.tsv')).filter(([clip]) => clip === SENTENCE);
  const heldOut = SAY[name].flatMap((clip) => split(texts.get(clip)));
  const clips = [...SAY[name].map((clip) => `heldout/${clip}`), SENTENCE];
  const files = await Promise.all(clips.map((clip) => readFile(new URL(clip, CLIPS))));
  const sound = files.flatMap((file) => [file.subarray(HEADER), Buffer.alloc(PAUSE)]);
  const wav = Buffer.concat([files[0].subarray(0, HEADER), ...sound]);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.writeUInt32LE(wav.length - HEADER, HEADER - 4);
  const path = join(folder, `${name}.wav`);
  await writeFile(path, wav);
  return {
    name,
    path,
    lastsMs: (1000 * (wav.length - HEADER)) / SECOND,
    heldOut: heldOut.length,
    words: [...heldOut, ...sentence.map(([, word]) => word)],
    times: sentence.map(([, , start, end]) => ({ start: Number(start), end: Number(end) })),
  };
}

/** When the sentence was said in each round that has it whole: how far its words are from where they should be, and where it begins. */
function sentences({ heldOut, times, words }, steps, heard) {
  const rounds = new Map();
  for (const step of steps.filter(({ place, wrong }) => place >= heldOut && !wrong)) {
    const round = Math.floor(step.said / words.length);
    rounds.set(round, [...(rounds.get(round) ?? []), step]);
  }
  const whole = [...rounds].filter(([, steps]) => steps.length === times.length);
  return whole.map(([round, steps]) => {
    const off = steps.flatMap((step) => {
      const [heardAt, saidAt] = [heard[step.heard], times[step.place - heldOut]];
      return [heardAt.start_ms - saidAt.start, heardAt.end_ms - saidAt.end];
    });
    const begin = off.toSorted((a, b) => a - b)[Math.floor(off.length / 2)];
    return { round, begin, worst: Math.max(...off.map((ms) => Math.abs(ms - begin))) };
  });
}

test('what was heard is compared with what is said over and over, wherever it begins', () => {
  const wanted = split('one two three four');
  const compared = (heard) => wrongOf(align(wanted, split(heard)));
  assert.deepEqual(compared('three four one two three four one'), { wrong: 0, words: 7 });
  assert.equal(compared('three four five two three one').wrong, 2);
  assert.deepEqual(compared('one two two three four'), { wrong: 1, words: 4 });
});

test('what two say at once into their microphones is read on another page and stands in the transcript, each word at its time and few of them wrong', async () => {
  const room = await here.room();
  const bob = await here.join('Bob', room);
  const { data } = await api(here.url, 'GET', `/history?room_id=${room}`);
  const call = data[0].call_id;
  await api(here.url, 'POST', `/${call}/transcribe`);
  await bob.page.locator('.badge', { hasText: 'Transcribing' }).waitFor();
  await control(bob, 'Captions').click();
  const scripts = await Promise.all(Object.keys(SAY).map(script));
  for (const { name, path } of scripts) {
    const browser = await openBrowser({ sound: path });
    browsers.push(browser);
    const person = await browser.open(name, `${here.url}/meet/${room}`);
    await enter(person);
    await inside(person);
  }
  await api(here.url, 'POST', `/${call}/record/start`, { mode: 'audio' });
  await bob.page.locator('.badge', { hasText: 'Recording voices' }).waitFor();
  await bob.page.getByRole('region', { name: 'Captions' }).getByText(SENTENCE_ON_PAGE).first().waitFor({ timeout: 60_000 });

  const { participants } = await api(here.url, 'GET', `/${call}`);
  const idOf = (name) => participants.find(({ display_name }) => display_name === name).participant_id;
  adaId = idOf('Ada');
  const heardOf = async ({ name }) => {
    const { utterances } = await api(here.url, 'GET', `/${call}/transcript`);
    return utterances.filter(({ participant_id }) => participant_id === idOf(name)).flatMap(({ words }) => words);
  };
  const longest = Math.max(...scripts.map(({ lastsMs }) => lastsMs));
  const total = { wrong: 0, words: 0 };
  for (const spoken of scripts) {
    const { name, words, heldOut, lastsMs } = spoken;
    const heard = await until(`${ROUNDS} rounds of ${name} in the transcript`, async () => {
      const heard = await heardOf(spoken);
      return heard.length >= ROUNDS * words.length && heard;
    }, (ROUNDS + 2) * longest);
    const texts = heard.map(({ word }) => word);
    const steps = align(words, texts);
    const compared = wrongOf(steps, (place) => place < heldOut);
    total.wrong += compared.wrong;
    total.words += compared.words;
    const whole = sentences(spoken, steps, heard);
    const worst = Math.max(...whole.map(({ worst }) => worst));
    console.log(`${name}: ${compared.wrong} of ${compared.words} words of held-out voices wrong, ${whole.length} sentences with words off by ${worst} ms at most`);
    assert.ok(whole.length > 0, `no sentence of ${name} is whole: ${texts.join(' ')}`);
    assert.ok(worst <= WORD_MS, `words of ${name} are off by ${worst} ms`);
    for (const { round, begin } of whole) {
      const drift = begin - whole[0].begin - (round - whole[0].round) * lastsMs;
      assert.ok(Math.abs(drift) <= WORD_MS, `${name} says it again ${drift} ms off`);
    }
  }
  console.log(`together ${total.wrong} of ${total.words} words wrong (${((100 * total.wrong) / total.words).toFixed(1)} %)`);
  assert.ok(100 * total.wrong < WRONG * total.words, `${total.wrong} of ${total.words} words wrong`);

  const found = await api(here.url, 'GET', '/transcripts/search?q=sales');
  assert.ok(found.data.some(({ call_id }) => call_id === call));
  await api(here.url, 'POST', `/${call}/record/stop`);
  await Promise.all(browsers.splice(0).map((browser) => browser.close()));
  await bob.close();
});

test('in the console the transcript is searched and goes along with the recording', async () => {
  const { data } = await api(here.url, 'GET', '/transcripts/search?q=sales%20support');
  const { call_id, start_ms } = data.find(({ participant_id }) => participant_id === adaId);
  const { page } = await here.open('Operator', `/console/calls/${call_id}`, { viewport: { width: 1280, height: 900 } });
  const timeline = page.getByRole('region', { name: 'Timeline' });
  for (const text of ['Ada joined', 'Bob joined', 'Recording started', 'Transcription started']) {
    await timeline.getByText(text).first().waitFor();
  }
  const player = page.getByLabel(/\.m4a$/);
  await player.waitFor({ timeout: 60_000 }); // once it is made
  await page.getByLabel('Search the transcript').fill('aardvark');
  await page.getByText('Nothing matches.').waitFor();
  await page.getByLabel('Search the transcript').fill('SALES ada');
  const line = page.locator('.transcript__line', { hasText: SENTENCE_ON_PAGE }).last();
  await line.getByRole('button').click();
  await page.locator('.transcript__line[aria-current]', { hasText: SENTENCE_ON_PAGE }).waitFor();
  const { at, begins } = await player.evaluate(({ currentTime, dataset }) => ({ at: currentTime, begins: JSON.parse(dataset.place).begins }));
  assert.ok(Math.abs(at - (start_ms - begins) / 1000) < 3, `plays ${at} s, and the sentence is ${start_ms} ms into the call (from ${begins})`);
  await page.close();
});

test('nobody’s page logged an error of its own', () => here.assertNoErrors());
