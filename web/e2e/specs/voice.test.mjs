// What is done to a voice before others hear it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { seesAndHears, until } from '../support/meeting.mjs';
import { world } from '../support/world.mjs';

const FPS = 5;

const here = world();

const dialog = ({ page }) => page.getByRole('dialog', { name: 'Settings' });

/** The suppression that the browser applies to what is sent, and the files that the page asked for. */
const sending = ({ page }) =>
  page.evaluate(() => {
    const senders = globalThis.__connections.at(-1).getSenders();
    const { track } = senders.find((sender) => sender.track?.kind === 'audio');
    const files = performance.getEntriesByType('resource').map(({ name }) => name);
    return { suppressed: track.getSettings().noiseSuppression, live: track.readyState, files };
  });

test('enhanced noise suppression comes when it is asked for, from this server, and the voice goes on', async () => {
  const room = await here.room();
  const ada = await here.join('Ada', room);
  const bob = await here.join('Bob', room);
  await seesAndHears(bob, 1, FPS);
  const before = await sending(ada);
  assert.equal(before.suppressed, true);
  assert.equal(before.files.filter((file) => file.includes('rnnoise')).length, 0, 'nobody asked for it yet');

  await ada.page.getByRole('button', { name: 'Settings' }).click();
  await dialog(ada).getByLabel('Noise suppression').selectOption('enhanced');
  const after = await until('the worklet is in between', async () => {
    const now = await sending(ada).catch(() => null);
    return now?.files.some((file) => file.includes('rnnoise')) && now.live === 'live' && now;
  });
  assert.equal(after.suppressed, false, 'two suppressors on one voice only hurt it');
  for (const file of after.files) assert.ok(file.startsWith(here.url), `${file} is somebody else's`);
  await dialog(ada).getByRole('button', { name: 'Close', exact: true }).last().click();
  await seesAndHears(bob, 1, FPS);

  await ada.page.getByRole('button', { name: 'Settings' }).click();
  await dialog(ada).getByLabel('Noise suppression').selectOption('standard');
  await until('the browser suppresses again', async () => (await sending(ada).catch(() => null))?.suppressed === true);
  here.assertNoErrors();
});
