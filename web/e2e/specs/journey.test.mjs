// A guest comes through the lobby and the waiting room into a meeting of five, where the host has every power.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { assertAccessible } from '../support/accessible.mjs';
import { control, enter, hears, inside, menu, participantId, sees, seesAndHears, tile, timeUntilMoving, until } from '../support/meeting.mjs';
import { network } from '../support/network.mjs';
import { world } from '../support/world.mjs';

/** Nobody waits longer for a page that comes in (issue: no long task over 200 ms). */
const LONGEST_TASK_MS = 200;
/** What holds the page up each of so many times is its own; else the machine did something else meanwhile. */
const COMES_IN = 3;

const CUT_MS = 10_000;

/** From the moment when the network is back. */
const BACK_WITHIN_MS = 15_000;

let room;
let host;
let guest;
let wire;
const others = [];

const here = world(async () => {
  room = await here.room({ settings: { waiting_room: true } });
  host = await here.join('Host', room);
});

after(() => wire?.close());

const note = ({ page }, text) => page.getByRole('status').getByText(text).first().waitFor();
const recorded = ({ page }) => page.locator('.badge', { hasText: 'Recording' });
const openPeople = async (person) => {
  if ((await control(person, 'People').getAttribute('aria-expanded')) !== 'true') await control(person, 'People').click();
};

/** In the host's list, what may be done to somebody. */
async function actOn(name, action) {
  await openPeople(host);
  const actions = host.page.getByRole('button', { name: `Actions for ${name}` });
  await actions.click();
  await host.page.getByRole('complementary').getByRole('button', { name: action, exact: true }).click();
}

test('three who wait are let in at once', async () => {
  for (const name of ['Ann', 'Bob', 'Cid']) {
    const person = await here.lobby(name, room);
    await enter(person);
    await person.page.getByText('wait until the host lets you in').waitFor();
    others.push(person);
  }
  await openPeople(host);
  await host.page.getByRole('button', { name: 'Let all in' }).click();
  for (const person of others) await inside(person);
  await sees(host, 4);
});

test('no task keeps the page of the fourth from answering for long while they come in', async (t) => {
  const cid = others[2];
  let longest = 0;
  for (let time = 1; time <= COMES_IN; time += 1) {
    if (time > 1) await cid.page.reload();
    await inside(cid);
    await until('Cid sees everybody move', async () => (await cid.page.locator('.video--shown').count()) === 4);
    const tasks = await cid.page.evaluate(() => globalThis.__longTasks.map(({ duration }) => duration));
    t.diagnostic(`tasks of more than 50 ms: ${tasks.join(', ') || 'none'}`);
    longest = Math.max(0, ...tasks);
    if (longest <= LONGEST_TASK_MS) return;
  }
  assert.fail(`a task of ${longest} ms, and so each time`);
});

test('a recording is told to everybody, and to a guest before they come in', async () => {
  await (await menu(host, 'Start recording')).click();
  for (const person of [host, ...others]) {
    await recorded(person).waitFor();
    await note(person, 'This meeting is being recorded');
  }
  wire = await network(here.url); // the guest's own, to be cut later
  guest = await here.openAt('Gus', `${wire.url}/meet/${room}`, { prepare: wire.prepare });
  await guest.page.getByText('By joining you agree that your voice is kept').waitFor();
  await guest.page.getByText('4 people are already here').waitFor();
  await enter(guest);
  await host.page.getByRole('button', { name: 'Let Gus in' }).click();
  await inside(guest);
  await sees(guest, 5);
  await recorded(guest).waitFor();
});

/** How many tracks of sound somebody sends. */
const sounds = ({ page }) =>
  page.evaluate(() => globalThis.__connections.at(-1).getSenders().filter(({ track }) => track?.kind === 'audio').length);

test('a screen goes on everybody’s stage, or into the grid of whoever wishes so, and its tab is heard', async () => {
  await control(guest, 'Share screen').click();
  await until('the sound of the tab is sent', async () => (await sounds(guest)) === 2);
  for (const person of [host, others[0]]) {
    await person.page.locator('.stage__main').getByRole('region', { name: 'Screen of Gus' }).locator('.video--shown').waitFor();
  }
  await (await menu(others[0], 'Everybody in a grid')).click();
  await others[0].page.locator('.grid').getByRole('region', { name: 'Screen of Gus' }).locator('.video--shown').waitFor();
  await (await menu(others[0], 'Automatic')).click();
});

test('who may share is the host’s to say: what is shared ends, and nobody starts anew', async () => {
  await openPeople(host);
  await host.page.getByLabel('Everybody may share a screen').uncheck();
  await note(guest, 'A moderator stopped your screen share');
  await host.page.getByRole('region', { name: 'Screen of Gus' }).waitFor({ state: 'detached' });
  assert.ok(await control(guest, 'Share screen').isDisabled());
  await host.page.getByLabel('Everybody may share a screen').check();
  await until('the button is back', () => control(guest, 'Share screen').isEnabled());
  await control(guest, 'Share screen').click();
  await host.page.getByRole('region', { name: 'Screen of Gus' }).locator('.video--shown').waitFor();
  await control(guest, 'Stop sharing').click();
});

test('a private message reaches one, who answers alike, and an empty chat is all that the rest see', async () => {
  await control(guest, 'Chat').click();
  await guest.page.getByLabel('Send to').selectOption({ label: 'Only to Host' });
  await guest.page.getByLabel('Message').fill('between us');
  await guest.page.keyboard.press('Enter');
  await control(host, 'Chat').getByText('1 unread message').waitFor({ state: 'attached' });
  await control(host, 'Chat').click();
  await host.page.getByRole('log').getByText('between us').waitFor();
  await host.page.getByRole('log').getByText('only to you').waitFor();
  await host.page.getByText('What you write here goes to everybody.').waitFor();
  await host.page.getByRole('button', { name: 'Reply privately' }).click();
  await host.page.getByText('What you write here goes to everybody.').waitFor({ state: 'detached' });
  await host.page.keyboard.type('I see');
  await host.page.keyboard.press('Enter');
  await host.page.getByRole('log').getByText('only to Gus').waitFor();
  assert.equal(await host.page.getByLabel('Send to').locator('option:checked').textContent(), 'Only to Gus');
  await host.page.getByLabel('Send to').selectOption({ label: 'To everybody' });
  await control(others[0], 'Chat').click();
  await others[0].page.getByText('No messages yet').waitFor();
  await control(others[0], 'Chat').click();
});

test('what is written to somebody who leaves goes to nobody, and is still there', async () => {
  const ivo = await here.lobby('Ivo', room);
  await enter(ivo);
  await host.page.getByRole('status').getByRole('button', { name: 'Let in' }).click();
  await inside(ivo);
  await host.page.getByLabel('Send to').selectOption({ label: 'Only to Ivo' });
  await host.page.getByLabel('Message').fill('for your eyes only');
  await control(host, 'People').click();
  await control(host, 'Chat').click();
  await control(ivo, 'Leave').click();
  await host.page.getByText('Ivo has left. Choose who is to read this.').waitFor();
  await assertAccessible(host, 'chat-reader-gone');
  await host.page.getByLabel('Message').press('Enter');
  assert.equal(await host.page.getByLabel('Message').inputValue(), 'for your eyes only');
  await host.page.getByLabel('Send to').selectOption({ label: 'To everybody' });
  await host.page.getByLabel('Message').fill('');
  await ivo.close();
});

/** Picks a file in the chat, as if from the disk. */
const pick = ({ page }, name, content) =>
  page.locator('.attach input').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });

const card = ({ page }, name) => page.getByRole('log').getByRole('button', { name: new RegExp(`^Download ${name}`) });

/** What somebody gets who fetches a file of the chat. */
async function fetched(person, name) {
  const [file] = await Promise.all([person.page.waitForEvent('download'), card(person, name).click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

/** Drags a file over the meeting and drops it. */
async function drop({ page }, name, content) {
  const files = await page.evaluateHandle(([name, content]) => {
    const dragged = new DataTransfer();
    dragged.items.add(new File([content], name));
    return dragged;
  }, [name, content]);
  await page.dispatchEvent('.room__main', 'dragover', { dataTransfer: files });
  await page.getByText('Drop to share with everybody').waitFor();
  await page.dispatchEvent('.room__main', 'drop', { dataTransfer: files });
}

test('a file is picked or dropped into the chat, and everybody fetches it as it was', async () => {
  await guest.page.getByLabel('Send to').selectOption({ label: 'To everybody' });
  await pick(guest, 'Plan ü.md', '# The plan\n');
  assert.deepEqual(await fetched(host, 'Plan ü.md'), { name: 'Plan ü.md', text: '# The plan\n' });
  await drop(host, 'agenda.txt', 'one, two');
  assert.deepEqual(await fetched(guest, 'agenda.txt'), { name: 'agenda.txt', text: 'one, two' });
  await assertAccessible(guest, 'files');
});

test('a file that is on its way shows how far it is, and is called back', async () => {
  const wires = await guest.context.newCDPSession(guest.page);
  const speed = (uploadThroughput) =>
    wires.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await wires.send('Network.enable');
  await speed(400_000);
  await pick(guest, 'slow.txt', 'a'.repeat(4_000_000));
  const bar = guest.page.getByRole('progressbar', { name: 'slow.txt is being sent' });
  await until('some of it is sent', async () => (await bar.evaluate(({ value }) => value)) > 0);
  await guest.page.getByRole('button', { name: 'Do not send slow.txt' }).click();
  await bar.waitFor({ state: 'detached' });
  await speed(-1);
  assert.equal(await card(host, 'slow.txt').count(), 0);
});

test('what cannot be shared says why, and a file that is taken back is gone', async () => {
  await pick(guest, 'tool.txt', `MZ${'\0'.repeat(300)}`);
  await note(guest, 'files of this kind cannot be shared here');
  await guest.page.locator('.attach input').evaluate((input) => {
    const picked = new DataTransfer(); // made where it is used: so much takes long from the test into the page
    picked.items.add(new File([new Uint8Array(25_000_001)], 'film.txt'));
    input.files = picked.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await note(guest, 'it is larger than 25');
  await guest.page.getByRole('button', { name: 'Delete Plan ü.md' }).click();
  await until('the host is told', async () => {
    await card(host, 'Plan ü.md').click();
    return (await host.page.getByText('Plan ü.md is not there any more').count()) > 0;
  });
  await openPeople(host);
  await host.page.getByLabel('Everybody may share files').uncheck();
  await guest.page.getByRole('button', { name: 'Share files' }).waitFor({ state: 'detached' });
  await host.page.getByLabel('Everybody may share files').check();
  await guest.page.getByRole('button', { name: 'Share files' }).waitFor();
});

test('where the chat is off nobody but moderators can write', async () => {
  await openPeople(host);
  await host.page.getByLabel('Everybody may write in the chat').uncheck();
  await guest.page.getByText('The moderators have switched the chat off').waitFor();
  assert.equal(await guest.page.getByLabel('Message').count(), 0);
  await host.page.getByLabel('Everybody may write in the chat').check();
  await guest.page.getByLabel('Message').waitFor();
});

test('hands stand in line, and one is lowered', async () => {
  await control(others[1], 'Raise hand').click();
  await tile(host, 'Bob').getByText('Hand raised').waitFor({ state: 'attached' });
  await control(guest, 'Raise hand').click();
  const line = host.page.locator('.people__hand .person__name');
  await until('two hands', async () => (await line.allTextContents()).join() === 'Bob,Gus');
  await host.page.getByRole('button', { name: 'Lower hand of Bob' }).click();
  await until('one hand', async () => (await line.allTextContents()).join() === 'Gus');
  await host.page.getByRole('button', { name: 'Lower hand of Gus' }).click();
});

test('nobody is unmuted by others: they are asked', async () => {
  await control(guest, 'Microphone').click();
  await tile(host, 'Gus').getByText('Microphone off').waitFor({ state: 'attached' });
  await actOn('Gus', 'Ask to unmute');
  await note(guest, 'A moderator asks you to turn your microphone on');
  await guest.page.getByRole('status').getByRole('button', { name: 'Turn the microphone on' }).first().click();
  await tile(host, 'Gus').getByText('Microphone off').waitFor({ state: 'detached' });
});

test('a spotlight makes somebody large for everybody, and one’s own pin goes before it', async () => {
  await actOn('Gus', 'Spotlight for everyone');
  const large = ({ page }) => page.locator('.stage__main article');
  await until('Ann sees Gus large', async () => (await large(others[0]).getAttribute('aria-label')) === 'Gus');
  await others[0].page.getByText('Gus is in the spotlight').waitFor();
  await tile(others[0], 'Bob').hover();
  await others[0].page.getByRole('button', { name: 'Pin Bob', exact: true }).click();
  await until('Ann sees Bob large', async () => (await large(others[0]).getAttribute('aria-label')) === 'Bob');
  await actOn('Gus', 'End spotlight');
  await guest.page.locator('.stage').waitFor({ state: 'detached' });
});

test('a reaction is seen on the tile of whoever shows it', async () => {
  await control(guest, 'React').click();
  await guest.page.getByRole('button', { name: 'Heart' }).click();
  await tile(host, 'Gus').getByText('Heart').waitFor({ state: 'attached' });
  await tile(host, 'Gus').getByText('Heart').waitFor({ state: 'detached' });
  await guest.page.keyboard.press('Escape');
});

test('what is said is written down with everybody’s knowledge: captions, and a transcript to search', async () => {
  await hears(guest, 'transcription', { event: 'started', language: 'en-US' });
  await guest.page.locator('.badge', { hasText: 'Transcribing' }).waitFor();
  await control(guest, 'Chat').click(); // the panel covers a small window
  await note(guest, 'This meeting is being recorded and transcribed');
  await guest.page.getByRole('button', { name: 'I understand' }).click();
  await guest.page.getByText('This meeting is being').waitFor({ state: 'detached' });

  await control(guest, 'Captions').click();
  const participant_id = await participantId(guest, 'Ann');
  const says = (text, final) => hears(guest, 'caption', { participant_id, text, final, start_ms: 61_000, end_ms: 62_000 });
  const captions = guest.page.getByRole('region', { name: 'Captions' });
  await says('please mute', false);
  await captions.getByText('please mute').waitFor();
  await says('please mute the microphone', true);
  await captions.getByText('Ann').waitFor();
  assert.deepEqual(await captions.locator('span').allTextContents(), ['please mute the microphone']);
  const before = guest.page.viewportSize();
  await guest.page.setViewportSize({ width: 360, height: 740 });
  await hears(guest, 'caption', { participant_id, text: 'and then we look at the figures '.repeat(8), final: true, start_ms: 63_000, end_ms: 64_000 });
  await until('who speaks is named above however much they say', () =>
    captions.evaluate((box) => {
      const [whole, name, said] = [box, box.querySelector('strong'), box.querySelector('p:last-child')].map((one) => one.getBoundingClientRect());
      return said.top < whole.top && name.top >= whole.top && name.bottom <= whole.bottom && said.bottom <= whole.bottom;
    }));
  await guest.page.setViewportSize(before);

  await (await menu(guest, /^Transcript$/)).click();
  const transcript = guest.page.getByRole('region', { name: 'Transcript' });
  await transcript.getByText('1:01').waitFor();
  await guest.page.getByLabel('Search the transcript').fill('budget');
  await guest.page.getByText('Nothing matches').waitFor();
  await guest.page.getByLabel('Search the transcript').fill('ann MUTE');
  await transcript.getByText('please mute the microphone').waitFor();
  await guest.page.keyboard.press('Escape');
});

test('whoever is put out may come in again', async () => {
  const bob = others[1];
  await actOn('Bob', 'Send out (may come back)');
  await bob.page.getByText('You may come in again').waitFor();
  await sees(host, 4);
  await bob.page.getByRole('button', { name: 'Join again' }).click();
  await enter(bob);
  await openPeople(host);
  await host.page.getByRole('button', { name: 'Let Bob in' }).click();
  await inside(bob);
  await sees(host, 5);
});

test('a guest whose network is away for ten seconds is told so, and is back by itself', async (t) => {
  await seesAndHears(guest, 2, 3);
  wire.cut();
  const cutAt = Date.now();
  await tile(host, 'Gus').getByText('No picture arrives').waitFor({ timeout: CUT_MS });
  await tile(host, 'Gus').getByRole('img', { name: 'Connection: lost' }).waitFor();
  await guest.page.getByText('Reconnecting').first().waitFor({ timeout: CUT_MS });
  assert.equal(await guest.page.locator('.quality, .tile--speaking').count(), 0, 'who is cut off knows nothing of the others');
  await guest.page.waitForTimeout(Math.max(0, CUT_MS - (Date.now() - cutAt)));
  wire.mend();
  const tookMs = await timeUntilMoving(guest, 2, BACK_WITHIN_MS);
  await guest.page.locator('.banner', { hasText: 'Reconnecting' }).waitFor({ state: 'detached', timeout: BACK_WITHIN_MS });
  await sees(host, 5);
  t.diagnostic(`pictures move ${tookMs} ms after the network is back`);
});

test('a host who loads the page again is host, and sees that the recording goes on', async () => {
  await host.page.reload();
  await inside(host);
  await sees(host, 5);
  await recorded(host).waitFor();
  await (await menu(host, 'Stop recording')).click();
  for (const person of [host, guest]) await recorded(person).waitFor({ state: 'detached' });
  await note(guest, 'The recording has stopped');
});

/** A refused file, and one that is gone. */
const PROVOKED = [/status of 415/, /status of 404/];

test('nobody’s page logged an error', () => here.assertNoErrors(...PROVOKED));
