// Less data, a network that goes away, and a browser that wants to be clicked.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openBrowser } from '../support/browser.mjs';
import { control, enter, inside, menu, receiving, seesAndHears, timeUntilMoving, until } from '../support/meeting.mjs';
import { network } from '../support/network.mjs';
import { world } from '../support/world.mjs';

const CUT_MS = 10_000;

/** From the moment when the network is back. */
const BACK_WITHIN_MS = 15_000;

let room;
let ada;
let grace;

const here = world(async () => {
  room = await here.room();
  ada = await here.join('Ada', room);
  grace = await here.join('Grace', room);
  await seesAndHears(grace, 1);
});

/** Which encodings of the camera are sent now. */
const encodings = ({ page }) =>
  page.evaluate(() => {
    const senders = globalThis.__connections.at(-1).getSenders();
    const camera = senders.find(({ track }) => track?.kind === 'video');
    return camera.getParameters().encodings.flatMap(({ rid, active }) => (active ? [rid] : [])).join();
  });

test('with sound only no picture is asked for, nobody encodes one, and the voice is heard', async () => {
  await (await menu(grace, 'Sound only')).click();
  await until('Ada encodes nothing', async () => (await encodings(ada)) === '');
  await until('no picture comes', async () => (await receiving(grace)).pictures.length === 0);
  assert.equal((await receiving(grace)).voices, 1);
  assert.equal(await grace.page.locator('article[aria-label="Ada"] video').count(), 0);
});

test('who saves data sees the smallest picture, and sends no larger one', async () => {
  await (await menu(grace, 'Save data')).click();
  await timeUntilMoving(grace, 1, 10_000);
  await until('Ada encodes the small one only', async () => (await encodings(ada)) === 'q');
  assert.equal(await encodings(grace), 'q');
  await (await menu(grace, 'Full quality')).click();
  await until('Ada encodes a larger one again', async () => (await encodings(ada)) !== 'q');
});

test('who talks into a muted microphone is told so, with a way out', async () => {
  await control(ada, 'Microphone').click();
  await ada.page.getByText('You are talking, but your microphone is off').waitFor();
  await ada.page.getByRole('status').getByRole('button', { name: 'Turn the microphone on' }).click();
  await control(ada, 'Microphone').and(ada.page.locator('[aria-pressed=true]')).waitFor();
});

test('a network that is away for ten seconds is told about, and the meeting goes on by itself', async (t) => {
  const wire = await network(here.url);
  after(() => wire.close());
  const emmy = await here.openAt('Emmy', `${wire.url}/meet/${room}`, { prepare: wire.prepare });
  await enter(emmy);
  await inside(emmy);
  await seesAndHears(emmy, 2);
  const session = () => emmy.page.evaluate(() => globalThis.__connections.length);
  const before = await session();

  wire.cut();
  await emmy.page.getByText('Reconnecting').first().waitFor({ timeout: CUT_MS });
  await emmy.page.waitForTimeout(CUT_MS - 6_000);
  wire.mend();
  const tookMs = await timeUntilMoving(emmy, 2, BACK_WITHIN_MS);
  await emmy.page.locator('.banner', { hasText: 'Reconnecting' }).waitFor({ state: 'detached', timeout: BACK_WITHIN_MS });
  t.diagnostic(`pictures move ${tookMs} ms after the network is back, over connection ${await session()} (before: ${before})`);
  await emmy.close();
});

test('a browser that makes no sound unasked offers a click, and is heard after it', async () => {
  const quiet = await openBrowser({ autoplay: false });
  after(() => quiet.close());
  const kurt = await quiet.open('Kurt', `${here.url}/meet/${room}`);
  await enter(kurt);
  await inside(kurt);
  await kurt.page.reload();
  await inside(kurt);
  await kurt.page.getByRole('button', { name: 'Click to hear the others' }).click();
  await until('sound plays', () => kurt.page.evaluate(() => [...document.querySelectorAll('audio')].some(({ paused }) => !paused)));
});

test('nobody’s page logged an error', () => here.assertNoErrors());
