// People see and hear each other.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { control, enter, inside, sees, seesAndHears, tile, until } from '../support/meeting.mjs';
import { createRoom, startServer } from '../support/server.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));
const LARGE = { width: 1280, height: 800 };
const SMALL = { width: 640, height: 480 };

/** Until a larger picture has come for a larger window. */
const SETTLED_MS = 5_000;

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Emmy Noether', 'Alan Turing'];

let server;
let room;
const browsers = [];
const people = [];

/** Everybody has a browser of their own, and so a face of their own. */
async function come(name) {
  const browser = await openBrowser({ face: browsers.length % NAMES.length });
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

/** A screenshot of a window as people have it; the tests themselves make do with a smaller one. */
async function picture({ page }, name) {
  await page.setViewportSize(LARGE);
  await page.waitForTimeout(SETTLED_MS);
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
  for (const person of people) await seesAndHears(person, 1);
});

test('four people see and hear each other', async () => {
  await join(NAMES[2]);
  await join(NAMES[3]);
  for (const person of people) await sees(person, 4);
  for (const person of people) await seesAndHears(person, 3);
});

test('a meeting of four looks like one', async () => {
  const [ada, , emmy, alan] = people;
  for (const person of [ada, emmy]) await control(person, 'Microphone').click();
  await control(alan, 'Raise hand').click();
  await tile(ada, alan.name).getByText('Hand raised').waitFor({ state: 'attached' });
  await until('the notes are gone', async () => (await ada.page.locator('.toast').count()) === 0);
  await picture(ada, 'meeting');
  for (const person of [ada, emmy]) await control(person, 'Microphone').click();
});

test('a fifth comes and goes, and the others go on', async () => {
  const fifth = await people[3].page.context().browser().newContext({ viewport: SMALL });
  const page = await fifth.newPage();
  await page.goto(`${server.url}/meet/${room}`);
  const person = { page, name: 'Kurt Gödel' };
  await enter(person);
  await inside(person);
  await sees(people[0], 5);
  await control(person, 'Leave').click();
  await page.getByText('You left the meeting').waitFor();
  await fifth.close();
  for (const one of people) await sees(one, 4);
  await seesAndHears(people[0], 3);
});

test('a tab that is loaded again is back, without asking', async () => {
  const [first, second] = people;
  await second.page.reload();
  await inside(second);
  await seesAndHears(second, 3);
  await sees(first, 4);
  await seesAndHears(first, 3);
});

test('nobody’s page logged an error', () => {
  assert.deepEqual(browsers.flatMap(({ errors }) => errors), []);
});
