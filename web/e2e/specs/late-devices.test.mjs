// A camera may take longer to open than its person takes to come in.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { enter, inside, sees, seesAndHears } from '../support/meeting.mjs';
import { createRoom, startServer } from '../support/server.mjs';

/** Long enough for the first offer to be over. */
const SLOW_MS = 2_500;

let server;
const browsers = [];

before(async () => {
  server = await startServer();
});

after(async () => {
  for (const browser of browsers) await browser.close();
  await server?.stop();
});

/** The browser asks for a permission, and nobody answers. */
function neverOpen() {
  navigator.mediaDevices.getUserMedia = () => new Promise(() => {});
}

function openSlowly(ms) {
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wish) => {
    await new Promise((done) => setTimeout(done, ms));
    return open(wish);
  };
}

test('a camera that opens after its person came in is seen all the same', async () => {
  const room = await createRoom(server.url);
  const people = [];
  for (const name of ['Ada', 'Grace']) {
    const browser = await openBrowser({ person: browsers.length });
    browsers.push(browser);
    const person = await browser.open(name, server.url);
    await person.page.addInitScript(openSlowly, SLOW_MS);
    await person.page.goto(`${server.url}/meet/${room}`);
    await enter(person);
    await inside(person);
    people.push(person);
  }
  for (const person of people) await seesAndHears(person, 1);

  // Whoever loads the page again and is asked anew is back before they answer.
  const [ada] = people;
  await ada.page.addInitScript(neverOpen);
  await ada.page.reload();
  await inside(ada);
  await sees(ada, 2);
  assert.deepEqual(browsers.flatMap(({ errors }) => errors), []);
});
