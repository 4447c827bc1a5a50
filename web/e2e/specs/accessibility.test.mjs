// Axe finds nothing on any screen, and each is kept as a picture for people to look at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertAccessible } from '../support/accessible.mjs';
import { control, enter, hears, inside, menu, participantId, sees, until } from '../support/meeting.mjs';
import { world } from '../support/world.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));
const WINDOW = { width: 1024, height: 720 };

const here = world();

test('the landing page, with its options open', async () => {
  const visitor = await here.open('Visitor', '/', { viewport: WINDOW });
  await visitor.page.getByText('Options').click();
  await assertAccessible(visitor, 'landing');
  const join = visitor.page.getByRole('button', { name: 'Join', exact: true });
  const { height } = await join.boundingBox();
  await visitor.page.getByLabel('Join with a link or code').fill('nothing');
  await join.click();
  await visitor.page.getByText('neither a meeting link nor a room code').waitFor();
  assert.equal((await join.boundingBox()).height, height, 'what is wrong with the field is no matter of the button');
  await visitor.close();
});

test('the lobby', async () => {
  const visitor = await here.lobby('Visitor', await here.room({ password: 'x' }), { viewport: WINDOW });
  await visitor.page.locator('.video--shown').waitFor();
  await assertAccessible(visitor, 'lobby');
  await visitor.close();
});

test('the meeting, its panels and its goodbye', async () => {
  const room = await here.room();
  const ada = await here.join('Ada', room, { viewport: WINDOW });
  await assertAccessible(ada, 'alone');
  const grace = await here.join('Grace', room);
  await sees(ada, 2);
  await control(grace, 'Raise hand').click();
  await control(ada, 'Chat').click();
  await ada.page.getByLabel('Message').fill('Hello');
  await ada.page.keyboard.press('Enter');
  await ada.page.getByRole('log').getByText('Hello').waitFor();
  await assertAccessible(ada, 'chat');

  await control(ada, 'People').click();
  await ada.page.getByRole('button', { name: 'Actions for Grace' }).click();
  await assertAccessible(ada, 'people');

  await control(ada, 'React').click();
  await ada.page.getByRole('button', { name: 'Applause' }).click();
  await assertAccessible(ada, 'reactions');
  await ada.page.keyboard.press('Escape');

  await menu(ada, 'Connection figures');
  await assertAccessible(ada, 'menu');
  await ada.page.getByRole('button', { name: 'Connection figures' }).click();
  await ada.page.getByRole('cell', { name: /kbit/ }).first().waitFor();
  await assertAccessible(ada, 'figures');
  await ada.page.keyboard.press('Control+Alt+k');
  await ada.page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await assertAccessible(ada, 'shortcuts');
  await ada.page.keyboard.press('Escape');

  await control(grace, 'Share screen').click();
  await ada.page.getByRole('region', { name: 'Screen of Grace' }).locator('.video--shown').waitFor();
  await assertAccessible(ada, 'stage');
  await ada.page.emulateMedia({ forcedColors: 'active' });
  await ada.page.screenshot({ path: `${RESULTS}screen-stage-forced.png` });
  await ada.page.emulateMedia({ forcedColors: null });
  await control(grace, 'Stop sharing').click();

  await hears(ada, 'transcription', { event: 'started', language: 'en-US' });
  await control(ada, 'Captions').click();
  const participant_id = await participantId(ada, 'Grace');
  const caption = { participant_id, text: 'we meet again on monday', final: true, start_ms: 9_000, end_ms: 10_000 };
  await (await menu(ada, /^Transcript$/)).click();
  await hears(ada, 'caption', caption);
  await ada.page.getByRole('region', { name: 'Captions' }).getByText('monday').waitFor();
  await assertAccessible(ada, 'captions');

  await ada.page.getByRole('button', { name: 'Settings' }).click();
  await assertAccessible(ada, 'settings');
  await ada.page.keyboard.press('Escape');

  await (await menu(ada, 'End for all')).click();
  await assertAccessible(ada, 'end');
  await ada.page.keyboard.press('Escape');

  await control(ada, 'Leave').click();
  await ada.page.getByText('You left the meeting').waitFor();
  await assertAccessible(ada, 'farewell');
});

test('a door without a camera, a browser without WebRTC, and Arabic from right to left', async () => {
  const room = await here.room();
  const denied = await here.open('Denied', '/', { viewport: WINDOW });
  await denied.context.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  });
  await denied.page.goto(`${here.url}/meet/${room}`);
  await denied.page.getByText('does not let this page use your microphone and camera').waitFor();
  await assertAccessible(denied, 'denied');
  await denied.context.addInitScript(() => delete globalThis.RTCPeerConnection);
  await denied.page.reload();
  await denied.page.getByText('This browser cannot join meetings').waitFor();
  await assertAccessible(denied, 'unsupported');
  await denied.close();

  const leila = await here.lobby('ليلى', room, { viewport: WINDOW, locale: 'ar' });
  await leila.page.getByRole('button', { name: 'انضم الآن' }).waitFor();
  await leila.page.locator('.video--shown').waitFor();
  await assertAccessible(leila, 'lobby-ar');
  await leila.page.getByLabel('اسمك').fill('ليلى');
  await leila.page.keyboard.press('Enter');
  await inside(leila);
  await leila.page.getByRole('toolbar').getByRole('button', { name: 'الدردشة' }).click();
  await assertAccessible(leila, 'meeting-ar');
  await leila.close();
});

test('the waiting room, and the page of a room that is not there', async () => {
  const room = await here.room({ settings: { waiting_room: true } });
  const host = await here.join('Host', room);
  const guest = await here.lobby('Guest', room, { viewport: WINDOW });
  await enter(guest);
  await guest.page.getByRole('button', { name: 'Stop waiting' }).waitFor();
  await assertAccessible(guest, 'waiting');
  await guest.page.goto(`${here.url}/meet/room_0000`);
  await guest.page.getByRole('heading', { name: 'There is no such meeting' }).waitFor();
  await assertAccessible(guest, 'nowhere');
  await guest.close();
  await host.close();
});

test('a meeting is entered, worked and left by keyboard alone', async () => {
  const { page, close } = await here.lobby('Keys', await here.room(), { viewport: WINDOW });
  const focused = () => page.evaluate(() => document.activeElement?.ariaLabel || document.activeElement?.textContent?.trim());
  const tabTo = async (name) => {
    for (let presses = 0; presses < 40; presses += 1) {
      if ((await focused())?.startsWith(name)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`no way to “${name}” by Tab`);
  };
  await page.getByLabel('Your name').waitFor();
  await page.keyboard.type('Keys'); // the name has the focus
  await page.keyboard.press('Enter');
  await page.getByRole('toolbar').waitFor();

  await tabTo('More');
  await page.keyboard.press('Enter');
  await tabTo('Keyboard shortcuts');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await tabTo('Chat');
  await page.keyboard.press('Enter');
  await page.keyboard.type('by keys');
  await page.keyboard.press('Enter');
  await page.getByRole('log').getByText('by keys').waitFor();
  await page.keyboard.press('Escape');
  await until('the focus is back where the panel was opened', async () => (await focused()) === 'Chat');

  await tabTo('Leave');
  await page.keyboard.press('Enter');
  await page.getByText('You left the meeting').waitFor();
  await until('the goodbye has the focus', async () => (await focused()) === 'You left the meeting');
  await close();
});

test('a phone of 360 pixels shows the meeting without scrolling sideways', async () => {
  const ada = await here.join('Ada', await here.room(), { viewport: { width: 360, height: 740 } });
  await inside(ada);
  const wide = await ada.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `the page is ${wide} px wide`);
  for (const button of await ada.page.getByRole('toolbar').getByRole('button').all()) {
    const { x, width, height } = await button.boundingBox();
    assert.ok(x >= 0 && x + width <= 360 && Math.min(width, height) >= 24, `a control at ${x}, ${width} × ${height}`);
  }
  await assertAccessible(ada, 'phone');
});

test('a name that runs against the page is cut at its own end', async () => {
  const room = await here.room({ name: 'Sales weekly of the northern and the southern region' });
  const ada = await here.open('Ada', `/meet/${room}`, { viewport: { width: 360, height: 740 }, locale: 'ar' });
  await ada.page.getByLabel('اسمك').fill('Ada');
  await ada.page.keyboard.press('Enter');
  await inside(ada);
  const title = ada.page.getByRole('heading', { level: 1 });
  const { direction, cut } = await title.evaluate((one) => ({ direction: getComputedStyle(one).direction, cut: one.scrollWidth > one.clientWidth }));
  assert.deepEqual({ direction, cut }, { direction: 'ltr', cut: true });
  await ada.page.screenshot({ path: `${RESULTS}screen-title-ar.png` });
  await ada.close();
});

test('nobody’s page logged an error of its own', () => here.assertNoErrors(/Failed to load resource: .* 404/));
