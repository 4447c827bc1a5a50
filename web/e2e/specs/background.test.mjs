// What others see behind somebody: a blur, a picture, or the room as it is. The library and its model come from this server.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { enter, inside, tile, until } from '../support/meeting.mjs';
import { STRIPED } from '../support/people.mjs';
import { world } from '../support/world.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));

/** How much a wall of stripes differs from one to the next, and less than this where it is blurred. */
const SHARP = 20;
const SOFT = 8;

let ada;
let bob;

const here = world(() => mkdir(RESULTS, { recursive: true }), undefined, { person: STRIPED });

/**
 * What a video shows: the strongest change along the wall beside the head, the colour of the wall in the corner, and the colour of
 * the face in the middle.
 */
const look = (video) =>
  video.evaluate((element) => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [320, 180];
    const pen = canvas.getContext('2d');
    pen.drawImage(element, 0, 0, canvas.width, canvas.height);
    const at = (x, y) => [...pen.getImageData(x, y, 1, 1).data].slice(0, 3);
    const row = Array.from({ length: 60 }, (_, n) => at(12 + n, 40));
    const steps = row.slice(3).map((pixel, n) => Math.abs(pixel[0] - row[n][0]));
    return { wall: at(15, 12), face: at(160, 84), edge: Math.max(...steps) };
  });

const near = (one, other, by) => one.every((part, n) => Math.abs(part - other[n]) < by);

const shown = (person, name) => tile(person, name).locator('.video--shown');

test('in the lobby the room behind becomes a blur, and the person stays sharp', async (t) => {
  const room = await here.room();
  bob = await here.join('Bob', room);
  ada = await here.lobby('Ada', room);
  const preview = ada.page.locator('video').first();
  const before = await until('a picture', async () => ((await look(preview)).edge > SHARP ? look(preview) : null));
  const asked = Date.now();
  await ada.page.getByLabel('Background').selectOption('blur');
  const after = await until('the wall is soft', async () => ((await look(preview)).edge < SOFT ? look(preview) : null), 30_000);
  t.diagnostic(`${Date.now() - asked} ms until the blur; edges of the wall ${before.edge} before, ${after.edge} after`);
  assert.ok(near(after.face, before.face, 40), `the face: ${before.face} before, ${after.face} after`);
  const files = await ada.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  assert.ok(files.some((file) => file.includes('.tflite')), 'the model was fetched');
  for (const file of files) assert.ok(file.startsWith(here.url), `${file} is somebody else's`);
});

test('others see the blur, and then the picture that takes its place', async () => {
  await enter(ada);
  await inside(ada);
  await shown(bob, 'Ada').waitFor();
  await until('Bob sees the blur', async () => (await look(shown(bob, 'Ada'))).edge < SOFT, 30_000);
  await bob.page.screenshot({ path: `${RESULTS}background-blur.png` });
  const wall = (await look(shown(bob, 'Ada'))).wall;
  await ada.page.getByRole('button', { name: 'Settings' }).click();
  const dialog = ada.page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByLabel('Background').selectOption('image');
  await until('another wall', async () => !near((await look(shown(bob, 'Ada'))).wall, wall, 25), 30_000);
  await bob.page.screenshot({ path: `${RESULTS}background-image.png` });
  await dialog.getByLabel('Background').selectOption('none');
  await until('the room again', async () => (await look(shown(bob, 'Ada'))).edge > SOFT, 30_000);
  here.assertNoErrors();
});

test('where a browser cannot tell people from rooms, nobody is offered it', async () => {
  const prepare = (context) => context.addInitScript(() => delete HTMLCanvasElement.prototype.captureStream);
  const old = await here.lobby('Old', await here.room(), { prepare });
  await old.page.getByLabel('Your name').waitFor();
  assert.equal(await old.page.getByLabel('Background').count(), 0);
  await old.close();
});
