// What a person can do in a meeting, as the others notice it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, enter, hears, participantId, seesAndHears, tile, timeUntilMoving, until, receiving } from '../support/meeting.mjs';
import { world } from '../support/world.mjs';

let room;
let ada;
let grace;

const here = world(async () => {
  room = await here.room();
  ada = await here.join('Ada', room);
  grace = await here.join('Grace', room);
  await seesAndHears(grace, 1);
});

const pressed = async (person, name) => (await control(person, name).getAttribute('aria-pressed')) === 'true';

test('who mutes is shown as muted, falls silent, and is heard again', async () => {
  await control(ada, 'Microphone').click();
  assert.equal(await pressed(ada, 'Microphone'), false);
  await tile(grace, 'Ada').getByText('Microphone off').waitFor({ state: 'attached' });
  await until('Grace hears nobody', async () => (await receiving(grace)).voices === 0);

  await ada.page.keyboard.press('Control+d');
  await tile(grace, 'Ada').getByText('Microphone off').waitFor({ state: 'detached' });
  await until('Grace hears Ada again', async () => (await receiving(grace)).voices === 1);
});

test('a camera that is off leaves an avatar, and comes back', async () => {
  await control(ada, 'Camera').click();
  await tile(grace, 'Ada').locator('video').waitFor({ state: 'detached' });
  await tile(ada, 'Ada').locator('video').waitFor({ state: 'detached' });

  await control(ada, 'Camera').click();
  await tile(grace, 'Ada').locator('video').waitFor();
  await timeUntilMoving(grace, 1, 10_000);
});

/** The device whose track is sent as this kind. */
const sent = ({ page }, kind) =>
  page.evaluate((of) => {
    const tracks = globalThis.__connections.at(-1).getSenders().map(({ track }) => track);
    return tracks.find((track) => track?.kind === of)?.getSettings().deviceId;
  }, kind);

test('another microphone takes over during the call, muted as the one before', async () => {
  await control(ada, 'Microphone').click();
  await ada.page.getByRole('button', { name: 'Settings' }).click();
  const picker = ada.page.getByRole('dialog', { name: 'Settings' }).getByRole('combobox', { name: 'Microphone', exact: true });
  const before = await sent(ada, 'audio');
  const ids = await picker.locator('option').evaluateAll((options) => options.map(({ value }) => value));
  const other = ids.findLast((id) => id !== before);
  assert.ok(other, 'there is a second one');
  await picker.selectOption(other);
  await until('the other one is sent', async () => (await sent(ada, 'audio')) === other);
  await ada.page.keyboard.press('Escape');
  assert.equal(await pressed(ada, 'Microphone'), false);
  await until('nothing is heard', async () => (await receiving(grace, 1_000)).voices === 0);
  await control(ada, 'Microphone').click();
});

test('the own picture is turned around or hidden as one likes, and a tone plays where one asks for it', async () => {
  const own = tile(ada, 'Ada');
  await own.locator('.video--mirrored').waitFor();
  await ada.page.getByRole('button', { name: 'Settings' }).click();
  const dialog = ada.page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByLabel('Mirror my own picture').uncheck();
  await own.locator('.video--shown:not(.video--mirrored)').waitFor();
  await dialog.getByLabel('Mirror my own picture').check();
  await dialog.getByLabel('Hide my own tile').check();
  await own.waitFor({ state: 'detached' });
  await dialog.getByLabel('Hide my own tile').uncheck();
  await own.locator('.video--mirrored').waitFor();
  await dialog.getByRole('button', { name: 'Play a test tone' }).click();
  await dialog.getByText('You should hear a tone now').waitFor();
  await dialog.getByRole('button', { name: 'Play a test tone' }).waitFor();
  await ada.page.keyboard.press('Escape');
});

test('who switches microphone and camera off at the door comes in muted and dark', async () => {
  const bob = await here.lobby('Bob', room);
  const preview = bob.page.getByRole('region', { name: 'Your picture' });
  await preview.locator('video').waitFor();
  for (const name of ['Microphone', 'Camera']) await preview.getByRole('button', { name }).click();
  await preview.getByText('Camera and microphone are off').waitFor();
  await enter(bob);
  await tile(ada, 'Bob').getByText('Microphone off').waitFor({ state: 'attached' });
  assert.equal(await tile(ada, 'Bob').locator('video').count(), 0);
  assert.deepEqual([await pressed(bob, 'Microphone'), await pressed(bob, 'Camera')], [false, false]);
  await bob.close();
});

test('a raised hand is seen, and lowered again', async () => {
  await control(ada, 'Raise hand').click();
  await tile(grace, 'Ada').getByText('Hand raised').waitFor({ state: 'attached' });
  await control(ada, 'Lower hand').click();
  await tile(grace, 'Ada').getByText('Hand raised').waitFor({ state: 'detached' });
  assert.equal(await control(ada, 'Raise hand').getAttribute('aria-pressed'), null, 'a button says what it does, or that it is on, not both');
});

test('a message is counted while the chat is closed, and read when it is open', async () => {
  await control(ada, 'Chat').click();
  await ada.page.getByLabel('Message').fill('See https://example.org/agenda <b>now</b>');
  await ada.page.keyboard.press('Enter');
  await control(grace, 'Chat').getByText('1 unread message').waitFor({ state: 'attached' });

  await control(grace, 'Chat').click();
  const log = grace.page.getByRole('log');
  await log.getByText('<b>now</b>').waitFor();
  const link = log.getByRole('link', { name: 'https://example.org/agenda' });
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
  await grace.page.keyboard.press('Escape');
  await log.waitFor({ state: 'detached' });
  await ada.page.keyboard.press('Escape');
});

test('a shared screen takes the stage at the other end, and leaves it', async () => {
  await control(ada, 'Share screen').click();
  await ada.page.getByText('You are sharing your screen').waitFor();
  await ada.page.locator('.banner').locator('.video--shown').waitFor(); // what the others see of it
  const stage = grace.page.getByRole('region', { name: 'Screen of Ada' });
  await stage.waitFor();
  const { width: wide, height: high } = await stage.evaluate((frame) => {
    const known = frame.style.getPropertyValue('--aspect');
    frame.style.removeProperty('--aspect');
    const { width, height } = frame.getBoundingClientRect();
    if (known) frame.style.setProperty('--aspect', known);
    return { width, height };
  });
  assert.ok(wide < 3 * high, `it has a place while no picture is there: ${wide} × ${high}`);
  await stage.locator('video.video--shown').waitFor();
  await grace.page.getByText('Ada is presenting').waitFor();
  await until('it is framed as it is, without bars', () =>
    stage.evaluate((frame) => {
      const { videoWidth, videoHeight, clientWidth, clientHeight } = frame.querySelector('video');
      return Math.abs(clientWidth / clientHeight - videoWidth / videoHeight) < 0.02;
    }));
  const before = grace.page.viewportSize();
  const LONG = 'Ada Augusta King-Noel, Countess of Lovelace, who wrote the first program';
  const words = stage.locator('bdi');
  for (const [width, height, dir] of [[1280, 800, 'ltr'], [390, 844, 'ltr'], [390, 844, 'rtl']]) {
    await grace.page.setViewportSize({ width, height });
    await grace.page.evaluate((to) => (document.documentElement.dir = to), dir);
    await words.evaluate((name, long) => (name.textContent = long), LONG);
    await until(`words and buttons stand above it, and beside each other (${width} × ${height}, ${dir})`, () =>
      stage.evaluate((frame) => {
        const box = (selector) => frame.querySelector(selector).getBoundingClientRect();
        const [picture, button, said] = [box('video'), box('.screen__fill'), box('.screen__words > :last-child')];
        const beside = said.right <= button.left || said.left >= button.right;
        return beside && said.width > 20 && button.bottom <= picture.top + 0.5 && box('.screen__banner').bottom <= picture.top + 0.5;
      }));
  }
  await words.evaluate((name) => (name.textContent = 'Ada'));
  await grace.page.evaluate(() => (document.documentElement.dir = 'ltr'));
  await grace.page.setViewportSize(before);

  await ada.page.locator('.banner').getByRole('button', { name: 'Stop sharing' }).click();
  await stage.waitFor({ state: 'detached' });

  await control(ada, 'Share screen').click();
  await stage.locator('video.video--shown').waitFor();
  await control(ada, 'Stop sharing').click();
  await stage.waitFor({ state: 'detached' });
});

test('a paused picture says why, and moves again', async () => {
  const id = await participantId(grace, 'Ada');
  const mid = await tile(grace, 'Ada').locator('video').evaluate(({ srcObject }) => {
    const [shown] = srcObject.getVideoTracks();
    return globalThis.__connections.at(-1).getTransceivers().find(({ receiver }) => receiver.track === shown).mid;
  });
  const slot = (paused) => hears(grace, 'slots', { slots: [{ mid, participant_id: id, source: 'camera', paused }] });
  const reasons = [
    ['bandwidth', 'Picture paused: the network is slow'],
    ['codec', 'This browser cannot show this picture'],
  ];
  for (const [paused, words] of reasons) {
    await slot(paused);
    await tile(grace, 'Ada').getByText(words).waitFor();
    await tile(grace, 'Ada').locator('video').waitFor({ state: 'detached' });
  }
  await slot(null);
  await tile(grace, 'Ada').locator('video.video--shown').waitFor();
});

test('each connection shows how good it is, in bars and in words', async () => {
  for (const name of ['Ada', 'Grace']) {
    const bars = tile(grace, name).getByRole('img', { name: /^Connection: (good|fair) / });
    await bars.waitFor();
    assert.match(await bars.getAttribute('title'), /% lost/);
  }
  const participant_id = await participantId(grace, 'Ada');
  await hears(grace, 'quality', { participant_id, score: 1.2, up_kbps: 0, down_kbps: 0, loss: 0.3, rtt_ms: 400 });
  await tile(grace, 'Ada').getByRole('img', { name: 'Connection: poor (1.2 of 5)' }).waitFor();
});

test('nobody’s page logged an error', () => here.assertNoErrors());
