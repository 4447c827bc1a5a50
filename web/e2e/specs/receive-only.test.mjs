// Somebody who lets the page have neither camera nor microphone. The browser then hides its addresses behind
// `.local` names, which the server must do without.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { enter, inside, seesAndHears } from '../support/meeting.mjs';
import { createRoom, startServer } from '../support/server.mjs';

let server;
let speaker;
let listener;

before(async () => {
  server = await startServer();
  speaker = await openBrowser();
  listener = await openBrowser({ mic: 'deny' });
});

after(async () => {
  await speaker?.close();
  await listener?.close();
  await server?.stop();
});

test('a page without any permission explains itself, and still sees and hears the others', async () => {
  const room = await createRoom(server.url);
  const ada = await speaker.open('Ada', `${server.url}/meet/${room}`);
  await enter(ada);
  await inside(ada);

  const grace = await listener.open('Grace', `${server.url}/meet/${room}`);
  await grace.page.getByText('does not let this page use your microphone and camera').waitFor();
  await grace.page.getByText('You can still join').waitFor();
  await enter(grace);
  await inside(grace);
  await seesAndHears(grace, 1);

  await grace.page.getByRole('button', { name: 'Settings' }).click();
  const dialog = grace.page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByText('does not let this page use your microphone').waitFor();
  await grace.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  const addresses = await grace.page.evaluate(() => globalThis.__connections.at(-1).localDescription.sdp);
  assert.doesNotMatch(addresses, /^a=candidate:(?:\S+ ){4}(?!\S+\.local )\S+ \d+ typ host/m);
  assert.deepEqual([...speaker.errors, ...listener.errors], []);
});
