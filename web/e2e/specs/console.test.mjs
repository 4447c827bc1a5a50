// The console: what goes on, what went on, and what can be done about it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { assertAccessible } from '../support/accessible.mjs';
import { control, sees, seesAndHears, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const WINDOW = { width: 1280, height: 860 };
const PHONE = { width: 360, height: 740 };

/** The page has asked for the recordings once more by then. */
const ASKED_AGAIN_MS = 4_000;

/** It is composed once more by then. */
const COMPOSED_WITHIN_MS = 60_000;

const here = world();

/** Told from what another run of this file left on the same server, finished or not. */
const RUN = Date.now().toString(36);
const HOOK = `https://hooks.invalid/${RUN}`; // a name that leads nowhere (RFC 2606)
const KEY = `billing ${RUN}`;

/** The call that was watched, and recorded. */
let watched;

/** What describes it, as a screen reader says it. */
const saysOf = (locator) =>
  locator.evaluate((one) => (one.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' '));

/** The newest call of a room. */
const callOf = async (room) => (await api(here.url, 'GET', `/history?room_id=${room}`)).data[0].call_id;

/** The link to a call, a room or a recording in a list, and the row that it stands in. */
const linkTo = (page, id) => page.getByRole('main').locator(`a[title="${id}"]`);
const rowOf = (page, id) => page.getByRole('row').filter({ has: page.locator(`a[title="${id}"]`) });

/** A list has come, with rows or without: before that nothing is in it either. */
const listed = (page) => page.getByRole('table').or(page.locator('.console__empty')).first().waitFor();

const open = (path = '') => here.open('Operator', `/console${path}`, { viewport: WINDOW });

test('an operator watches a call, removes somebody from it, ends it, and finds it again in the history', async () => {
  const room = await here.room({ name: 'Weekly' });
  const edith = await here.join('Edith', room);
  const flora = await here.join('Flora', room);
  await seesAndHears(edith, 1);
  watched = await callOf(room);

  const operator = await open();
  const { page } = operator;
  await rowOf(page, watched).getByRole('cell', { name: 'Edith, Flora' }).waitFor();
  await assertAccessible(operator, 'console-live');

  await linkTo(page, watched).click();
  await page.getByRole('heading', { name: 'Quality' }).waitFor();
  // The first samples come five seconds after somebody connected.
  await page.getByRole('img', { name: /^Score\. .*Edith: [\d.]+ to [\d.]+/ }).waitFor({ timeout: 20_000 });
  await page.getByText('Score as a table').click();
  await page.getByRole('region', { name: 'Score' }).getByRole('cell', { name: 'Edith' }).first().waitFor();
  await page.getByText('Score as a table').click();
  await page.getByRole('img', { name: /^Height of the pictures received\. .*Edith: \d+ to \d+/ }).waitFor();

  await page.getByRole('button', { name: 'Start recording' }).click();
  await page.getByRole('button', { name: 'Stop recording' }).waitFor();
  await assertAccessible(operator, 'console-call');
  await page.getByRole('button', { name: 'Stop recording' }).click();

  await page.getByRole('button', { name: 'Remove: Flora' }).click();
  await assertAccessible(operator, 'console-confirm');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await flora.page.getByText('A moderator removed you').waitFor();
  await sees(edith, 1);

  await page.getByRole('button', { name: 'End call' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
  await edith.page.getByText('The meeting has ended').waitFor();
  await page.getByText('completed', { exact: true }).waitFor();
  const player = page.getByLabel(/\.mp4$/);
  await player.waitFor({ timeout: 60_000 }); // once it is made
  const link = await player.getAttribute('src');
  const madeAt = Date.now();
  await assertAccessible(operator, 'console-call-over');
  const timeline = page.getByRole('region', { name: 'Timeline' });
  await timeline.getByText(/^Edith sends a picture \d+ px high$/).first().waitFor();
  await timeline.getByText(/^Edith gets pictures \d+ px high/).first().waitFor();
  for (const text of ['Edith joined', 'Recording started', 'Flora left: removed by a moderator', 'The call ended: completed']) {
    await timeline.getByText(text).waitFor();
  }

  await page.waitForTimeout(Math.max(0, ASKED_AGAIN_MS - (Date.now() - madeAt)));
  assert.equal(await player.getAttribute('src'), link, 'a player that is given another link begins from the start');

  // Once for each state of the call, and not again and again while nothing is written down.
  const readings = await api(here.url, 'GET', '/audit?action=transcript.read');
  const ours = readings.data.filter(({ subject }) => subject.includes(watched));
  assert.ok(ours.length <= 2, `the transcript was read ${ours.length} times`);

  await page.getByRole('link', { name: 'Calls', exact: true }).click();
  await page.getByLabel('User').fill('nobody-of-that-name');
  await page.keyboard.press('Enter');
  await page.getByText('No call matches the filters.').waitFor();
  await page.getByLabel('User').fill('');
  await page.getByLabel('Room id').fill(room);
  await page.keyboard.press('Enter');
  await page.getByRole('cell', { name: 'Edith, Flora' }).waitFor();
  await assertAccessible(operator, 'console-calls');

  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as CSV' }).click()]);
  const rows = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  assert.equal(rows[0].split(',')[0], 'call_id');
  assert.equal(rows.length, 2);
  assert.match(rows[1], new RegExp(`^call_.*,conference,ended,completed,${room},`));
  await operator.close();
});

test('who left a call that goes on is listed with their name, and so is since when it is empty', async () => {
  const room = await here.room({ name: 'Handover' });
  const ines = await here.join('Ines', room);
  const juri = await here.join('Juri', room);
  const operator = await open(`/calls/${await callOf(room)}`);
  const { page } = operator;
  await control(juri, 'Leave').click();
  const left = page.getByRole('region', { name: 'People' }).getByRole('row', { name: /Juri/ });
  await left.waitFor();
  await until('Juri is out', async () => (await left.getByRole('button').count()) === 0);
  await control(ines, 'Leave').click();
  await page.getByText(/^Nobody has been in it since /).waitFor();
  await page.getByRole('region', { name: 'People' }).getByRole('row', { name: /Ines/ }).waitFor();
  await page.getByText('active', { exact: true }).waitFor();
  await assertAccessible(operator, 'console-call-empty');
  await operator.close();
});

test('the recordings of all calls are listed, and one is looked at, made again in another layout, and deleted', async () => {
  const { data } = await api(here.url, 'GET', '/recordings?mode=composite');
  const { recording_id: id } = data.find(({ call_id }) => call_id === watched);
  const operator = await open('/recordings');
  const { page } = operator;
  const link = linkTo(page, id);
  await page.getByLabel('State').selectOption('requested');
  await page.getByText('No recording matches the filters.').waitFor();
  await page.getByLabel('State').selectOption('available');
  await rowOf(page, id).and(page.getByRole('row', { name: /^Weekly Edith, Flora.*available.*everybody in one picture, with names/ })).waitFor();
  await assertAccessible(operator, 'console-recordings');
  await page.setViewportSize(PHONE);
  assert.equal(await page.locator('.table').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth), 0, 'scrolls sideways');
  await assertAccessible(operator, 'console-recordings-phone');
  await page.setViewportSize(WINDOW);

  await link.click();
  await page.getByRole('heading', { name: 'Recording', exact: true }).waitFor();
  await page.getByText('From the call Weekly Edith, Flora').waitFor();
  await page.getByText('grid: all of the same size').waitFor();
  const report = page.getByRole('region', { name: 'What is missing' });
  await report.getByText(/^(everything that was sent is there|something is missing)$/).waitFor();
  await report.locator('summary', { hasText: 'How well each microphone' }).click();
  await report.getByRole('row', { name: /Edith camera/ }).waitFor();
  await assertAccessible(operator, 'console-recording');

  const below = (one, other) => one.boundingBox().then(async (box) => box.y >= (await other.boundingBox()).y);
  const player = page.getByLabel(/\.mp4$/);
  assert.ok(await below(page.getByRole('region', { name: 'Files' }), page.getByRole('button', { name: 'Delete recording' })), 'what can be done stands at the player');
  assert.ok(await below(page.getByRole('button', { name: 'Make the file again' }), player));
  const before = await player.getAttribute('src');
  await page.getByRole('button', { name: 'Make the file again' }).click();
  await page.getByRole('dialog').getByLabel('Layout').selectOption('speaker');
  await assertAccessible(operator, 'console-compose');
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('progressbar', { name: 'being made' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Make the file again' }).count(), 0, 'one at a time');
  await page.getByText('speaker: whoever speaks is large', { exact: true }).waitFor({ timeout: COMPOSED_WITHIN_MS });
  await page.getByText('available', { exact: true }).waitFor({ timeout: COMPOSED_WITHIN_MS });
  await until('the player has the new file', async () => (await page.getByLabel(/\.mp4$/).getAttribute('src')) !== before);

  await page.getByRole('button', { name: 'Delete recording' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete recording' }).click();
  await page.getByRole('heading', { name: 'Recordings' }).waitFor();
  await listed(page);
  assert.equal(await link.count(), 0);
  await operator.close();
});

test('what is not there leads back to its list', async () => {
  for (const [path, list] of [['/calls/call_gone', 'calls'], ['/rooms/room_gone', 'rooms'], ['/recordings/rec_gone', 'recordings']]) {
    const operator = await open(path);
    const { page } = operator;
    await page.getByRole('alert').filter({ hasText: 'There is no such' }).waitFor();
    if (list === 'rooms') await assertAccessible(operator, 'console-missing');
    await page.getByRole('link', { name: `All ${list}` }).click();
    await page.waitForURL(`**/console/${list}`);
    await operator.close();
  }
});

test('an endpoint is told of events, and each delivery with its tries can be looked at', async () => {
  const operator = await open('/webhooks');
  const { page } = operator;
  const address = page.getByRole('textbox', { name: 'New endpoint' });
  await address.fill('nonsense');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('This is no web address.').waitFor();
  await until('the field says what is wrong, and what belongs there', async () =>
    /no web address.*public internet/s.test(await saysOf(address)));
  await assertAccessible(operator, 'console-webhook-refused');
  await address.fill(HOOK);
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('whsec_').waitFor();
  await page.getByRole('link', { name: HOOK }).click();
  await here.room({ name: 'Told of' });
  await until('a try has failed', async () => {
    await page.reload();
    const row = page.getByRole('row', { name: /room\.created/ }).first();
    return row.locator('summary').waitFor({ timeout: 2_000 }).then(() => true, () => false);
  });
  await page.locator('summary').first().click();
  await assertAccessible(operator, 'console-webhook');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText('The endpoint did not accept it').waitFor();
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('disabled', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Delete webhook' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete webhook' }).click();
  await page.getByRole('heading', { name: 'Webhooks' }).waitFor();
  await listed(page);
  assert.equal(await page.getByRole('link', { name: HOOK }).count(), 0);
  await page.getByLabel('Language').selectOption('ar');
  await page.getByRole('heading', { name: 'خطافات الويب' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dir), 'rtl');
  await assertAccessible(operator, 'console-ar');
  await operator.close();
});

test('rooms are listed, locked and deleted', async () => {
  const room = await here.room({ name: 'Boardroom' });
  const operator = await open('/rooms');
  const { page } = operator;
  await linkTo(page, room).click();
  await page.getByRole('button', { name: 'Lock' }).click();
  await page.getByText('locked', { exact: true }).waitFor();
  assert.equal((await api(here.url, 'GET', `/rooms/${room}`)).locked, true);
  await assertAccessible(operator, 'console-room');

  await page.getByRole('button', { name: 'Delete room' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete room' }).click();
  await page.getByRole('heading', { name: 'Rooms' }).waitFor();
  await listed(page);
  assert.equal(await linkTo(page, room).count(), 0);
  await assertAccessible(operator, 'console-rooms');
  await operator.close();
});

test('a key is made, shown once, replaced and revoked, and the audit log says so, page by page', async () => {
  const operator = await open('/keys');
  const { page } = operator;
  await page.getByLabel('New key for').fill(KEY);
  await page.getByRole('button', { name: 'Make key' }).click();
  const may = page.getByRole('group', { name: 'May' });
  assert.match(await saysOf(may), /Choose at least one thing/);
  await assertAccessible(operator, 'console-key-refused');
  await page.getByLabel('rooms', { exact: true }).check();
  await page.getByLabel('recordings', { exact: true }).check();
  await page.getByRole('button', { name: 'Make key' }).click();
  const shown = page.getByRole('status').filter({ hasText: 'shown only once' }).locator('code');
  const first = await shown.textContent();
  const asks = async (key) => (await fetch(`${here.url}/api/v1/calls/rooms`, { headers: { authorization: `Bearer ${key}` } })).status;
  assert.equal(await asks(first), 200);
  const row = page.getByRole('row', { name: new RegExp(`${KEY}.*rooms, recordings.*valid`) });
  await row.waitFor();
  await assertAccessible(operator, 'console-keys');

  await page.getByRole('button', { name: `Rotate: ${KEY}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  const rotated = row.filter({ hasText: 'valid until' });
  await rotated.waitFor();
  const name = await rotated.locator('code').textContent();
  const second = await shown.textContent();
  assert.notEqual(second, first);
  assert.deepEqual([await asks(first), await asks(second)], [200, 200]);
  await rotated.getByRole('button', { name: `Revoke: ${KEY}` }).click();
  await assertAccessible(operator, 'console-revoke');
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('row', { name: new RegExp(`${name}.*revoked `) }).waitFor();
  assert.deepEqual([await asks(first), await asks(second)], [401, 200]);

  const rooms = await Promise.all(Array.from({ length: 51 }, () => here.room({ name: 'Audited' })));
  await page.getByRole('link', { name: 'Audit log' }).click();
  const action = page.getByLabel('Action');
  await action.fill('nonsense');
  await page.keyboard.press('Enter');
  await until('the filter says what is wrong with it', async () => /^must be one of .*key\.revoke/.test(await saysOf(action)));
  assert.equal(await page.getByText('bad field').count(), 0);
  await page.getByLabel('Action').fill('room.create');
  await page.keyboard.press('Enter');
  const rows = page.getByRole('row').filter({ hasText: 'room.create' });
  await until('a page is full', async () => (await rows.count()) === 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('the next page came', async () => (await rows.count()) >= rooms.length);
  await page.getByLabel('Action').fill('key.revoke');
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: new RegExp(`anybody.*key\\.revoke.*api-keys/${name}.*204`) }).waitFor();
  await assertAccessible(operator, 'console-audit');
  await operator.close();
});

test('the server shows how it does', async () => {
  const operator = await open('/server');
  const { page } = operator;
  await page.getByText('answers', { exact: true }).first().waitFor();
  for (const name of ['Calls and people', 'Network', 'Recordings and transcripts', 'Webhooks', 'Process and database']) {
    await page.getByRole('heading', { name, exact: true }).waitFor();
  }
  await page.getByRole('img', { name: /^Processor\. / }).waitFor(); // from its second point on
  await page.locator('summary', { hasText: /^All \d+ metrics/ }).click();
  await page.getByRole('cell', { name: 'calls_signaling_sockets' }).waitFor();
  await assertAccessible(operator, 'console-server');
  await page.getByLabel('Language').selectOption('ar');
  await until('what stands at the axes of a plot stays beside it, from right to left too', () =>
    page.locator('.chart').first().evaluate((chart) => {
      const [whole, ...labels] = [chart, ...chart.querySelectorAll('.chart__label')].map((one) => one.getBoundingClientRect());
      return document.documentElement.dir === 'rtl' && labels.length > 3 && labels.every(({ left, right }) => left >= whole.left && right <= whole.right);
    }));
  await operator.close();
});

test('whom the others in a call do not learn of is marked for who runs the server', async () => {
  const room = await here.room({ name: 'Training' });
  const greta = await here.join('Greta', room);
  const hidden = { user_id: 'supervisor', display_name: 'Hedda', grants: ['hidden', 'subscribe'] };
  const { call_id } = await api(here.url, 'POST', `/rooms/${room}/join`, hidden);

  const operator = await open(`/calls/${call_id}`);
  const { page } = operator;
  const marked = 'hidden from the others';
  await page.getByRole('row', { name: /Hedda/ }).getByText(marked).waitFor();
  assert.equal(await page.getByRole('row', { name: /Greta/ }).getByText(marked).count(), 0);
  await assertAccessible(operator, 'console-call-hidden');
  await page.getByRole('link', { name: 'Calls', exact: true }).click();
  await rowOf(page, call_id).getByRole('cell', { name: 'Greta, Hedda (hidden)' }).waitFor();
  await operator.close();
  await greta.close();
});

// Specs share a server: a call is listed whose room another one has deleted, and its name is asked for.
const GONE = /404 \(Not Found\) \(.*\/(rooms\/room_[0-9a-f]+|(calls\/call|rooms\/room|recordings\/rec)_gone)\)$/;
// What is typed wrongly is refused, and the browser writes that down.
const REFUSED = /422 \(Unprocessable Entity\) \(.*\/calls\/(webhooks|audit\?action=nonsense&limit=50)\)$/;
test('nobody’s page logged an error of its own', () => here.assertNoErrors(GONE, REFUSED));
