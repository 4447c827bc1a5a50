// People see and hear each other.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { hearsVoices } from '../support/ears.mjs';
import { control, dismiss, enter, inside, sees, seesAndHears, tile, until } from '../support/meeting.mjs';
import { createRoom, startServer } from '../support/server.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));
const LARGE = { width: 1280, height: 800 };
const SMALL = { width: 640, height: 480 };

/** A larger picture has come for a larger window once none has grown for so long. */
const SETTLED_MS = 800;

/** Five browsers draw twenty pictures on the two cores of a CI machine. */
const FIVE_FPS = 4;

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Emmy Noether', 'Alan Turing', 'Kurt Gödel'];

let server;
let room;
const browsers = [];
const people = [];

/** Everybody has a browser of their own, and so a face and a voice of their own. */
async function come(name) {
  const browser = await openBrowser({ person: browsers.length });
  browsers.push(browser);
  const person = await browser.open(name, `${server.url}/meet/${room}`);
  return person;
}

async function join(name) {
  const person = await come(name);
  await enter(person);
  await inside(person);
  people.push(person);
  return person;
}

/** How wide the pictures are that come. */
const widths = ({ page }) => page.locator('.tile video').evaluateAll((all) => all.map(({ videoWidth }) => videoWidth).join());

async function settled(person) {
  let [before, since] = ['', 0];
  await until('the pictures keep their size', async () => {
    const now = await widths(person);
    if (now !== before) [before, since] = [now, Date.now()];
    return Date.now() - since >= SETTLED_MS;
  });
}

/** A screenshot of a window as people have it; the tests themselves make do with a smaller one. */
async function picture({ page }, name) {
  await page.setViewportSize(LARGE);
  await settled({ page });
  // A machine that is busy elsewhere looks like a slow network for a while; whether pictures come is others' promise.
  await until('no picture is paused', async () => (await page.locator('.tile__note').count()) === 0).catch(() => undefined);
  await page.screenshot({ path: `${RESULTS}${name}.png` });
  await page.setViewportSize(SMALL);
}

before(async () => {
  await mkdir(RESULTS, { recursive: true });
  server = await startServer();
  room = await createRoom(server.url);
});

after(async () => {
  for (const browser of browsers) await browser.close();
  await server?.stop();
});

test('the lobby shows the own picture before anybody else sees it', async () => {
  const person = await come(NAMES[0]);
  people.push(person);
  await person.page.locator('.video--shown').waitFor();
  await person.page.getByLabel('Your name').fill(person.name);
  await person.page.getByText('Nobody is here yet').waitFor();
  await picture(person, 'lobby');
  await enter(person);
  await inside(person);
});

test('two people see and hear each other', async () => {
  await join(NAMES[1]);
  for (const person of people) await sees(person, 2);
  await Promise.all(people.map((person) => seesAndHears(person, 1)));
  await picture(people[0], 'two');
});

test('four people see and hear each other', async () => {
  await join(NAMES[2]);
  await join(NAMES[3]);
  for (const person of people) await sees(person, 4);
  await Promise.all(people.map((person) => seesAndHears(person, 3)));
});

test('a meeting of four looks like one', async () => {
  const [ada, , emmy, alan] = people;
  for (const person of [ada, emmy]) await control(person, 'Microphone').click();
  await control(alan, 'Raise hand').click();
  await tile(ada, alan.name).getByText('Hand raised').waitFor({ state: 'attached' });
  // Her microphone goes on sounding while it is off, which the page tells her again and again.
  await dismiss(ada, 'your microphone is off');
  await picture(ada, 'meeting');
  for (const person of [ada, emmy]) await control(person, 'Microphone').click();
});

test('each voice of four comes in a slot of its own', async () => {
  const everybody = people.map((_, index) => index);
  await Promise.all(people.map((one, index) => hearsVoices(one, everybody.filter((other) => other !== index))));
});

test('when one of four speaks alone, all others hear them and nobody else', async () => {
  for (const person of people) await control(person, 'Microphone').click();
  for (const [speaker, person] of people.entries()) {
    await control(person, 'Microphone').click();
    await Promise.all(people.map((one, index) => hearsVoices(one, index === speaker ? [] : [speaker])));
    await control(person, 'Microphone').click();
  }
  for (const person of people) await control(person, 'Microphone').click();
});

test('a fifth comes, and all five see each other', async () => {
  await join(NAMES[4]);
  for (const person of people) await sees(person, 5);
  await Promise.all([people[4], people[0]].map((person) => seesAndHears(person, 4, FIVE_FPS)));
  await dismiss(people[0]);
  await picture(people[0], 'five');
});

test('one of five loads the tab again, and is back without being asked anything', async () => {
  const [first, second] = people;
  await second.page.reload();
  await inside(second);
  await seesAndHears(second, 4, FIVE_FPS);
  await sees(first, 5);
  await seesAndHears(first, 4, FIVE_FPS);
});

test('one of five leaves, and the others are told and go on', async () => {
  const leaving = people.pop();
  await control(leaving, 'Leave').click();
  await leaving.page.getByText('You left the meeting').waitFor();
  await people[0].page.getByRole('status').getByText(`${leaving.name} left`).waitFor();
  for (const one of people) await sees(one, 4);
  await seesAndHears(people[0], 3);
});

test('nobody’s page logged an error', () => {
  assert.deepEqual(browsers.flatMap(({ errors }) => errors), []);
});
