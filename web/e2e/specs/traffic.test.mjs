// Less data, talking while muted, and a browser that wants to be clicked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, enter, inside, menu, receiving, seesAndHears, timeUntilMoving, until } from '../support/meeting.mjs';
import { world } from '../support/world.mjs';

/** In which a tile is worth the largest picture. */
const viewport = { width: 1280, height: 800 };

let room;
let ada;
let grace;

const here = world(async () => {
  room = await here.room();
  ada = await here.join('Ada', room, { viewport });
  grace = await here.join('Grace', room, { viewport });
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
  await until('Ada encodes the small one only', async () => (await encodings(ada)) === 'h');
  assert.equal(await encodings(grace), 'h');
  await (await menu(grace, 'Full quality')).click();
  await until('Ada encodes a larger one again', async () => (await encodings(ada)) !== 'h');
});

test('who talks into a muted microphone is told so, with a way out', async () => {
  await control(ada, 'Microphone').click();
  await ada.page.getByText('You are talking, but your microphone is off').waitFor();
  await ada.page.getByRole('status').getByRole('button', { name: 'Turn the microphone on' }).click();
  await control(ada, 'Microphone').and(ada.page.locator('[aria-pressed=true]')).waitFor();
});

test('whoever holds the space bar is heard for so long', async () => {
  const microphone = (on) => control(ada, 'Microphone').and(ada.page.locator(`[aria-pressed=${on}]`)).waitFor();
  await control(ada, 'Microphone').click();
  await microphone(false);
  await ada.page.evaluate(() => document.activeElement.blur());
  await ada.page.keyboard.down('Space');
  await microphone(true);
  await ada.page.keyboard.up('Space');
  await microphone(false);
  await control(ada, 'Microphone').click();
  await microphone(true);
});

test('whoever speaks is large where that is wished, and turns small again in the grid', async () => {
  await (await menu(grace, 'Whoever speaks is large')).click();
  const large = grace.page.locator('.stage__main article[aria-label^="Ada"]');
  await large.locator('.video--shown').waitFor();
  await until('a larger picture of her comes', async () => {
    const [tile, window] = [await large.boundingBox(), grace.page.viewportSize()];
    return tile.width > window.width / 2;
  });
  await (await menu(grace, 'Everybody in a grid')).click();
  await grace.page.locator('.stage').waitFor({ state: 'detached' });
  await grace.page.locator('.grid article[aria-label^="Ada"] .video--shown').waitFor();
});

/** Chromium plays for whoever is captured; others, and Chromium before that, wait for a click. */
function playOnlyAfterClick() {
  const { play } = HTMLMediaElement.prototype;
  let clicked = false;
  addEventListener('click', () => (clicked = true), true);
  HTMLMediaElement.prototype.play = function () {
    return clicked ? play.call(this) : Promise.reject(new DOMException('', 'NotAllowedError'));
  };
}

test('a browser that makes no sound unasked offers a click, and is heard after it', async () => {
  const prepare = (context) => context.addInitScript(playOnlyAfterClick);
  const kurt = await here.join('Kurt', room, { prepare });
  await kurt.page.reload();
  await inside(kurt);
  await kurt.page.getByRole('button', { name: 'Click to hear the others' }).click();
  await until('sound plays', () => kurt.page.evaluate(() => [...document.querySelectorAll('audio')].some(({ paused }) => !paused)));
  await kurt.close();
});

test('nobody’s page logged an error', () => here.assertNoErrors());
