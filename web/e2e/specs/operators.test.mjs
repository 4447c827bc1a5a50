// Who gets into the console, and how they find their way by keys alone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertAccessible } from '../support/accessible.mjs';
import { AUDIENCE, CLIENT, startIssuer } from '../support/issuer.mjs';
import { until } from '../support/meeting.mjs';
import { startMortalServer } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const WINDOW = { width: 1280, height: 860 };

/** A token that ends while we look: it is renewed after four fifths of it. */
const SHORT_SECONDS = 4;

let issuer;
after(() => issuer.stop());

const here = world(undefined, async () => {
  issuer = await startIssuer();
  const settings = { CALLS__OIDC__ISSUER: issuer.url, CALLS__OIDC__AUDIENCE: AUDIENCE, CALLS__OIDC__CONSOLE_CLIENT_ID: CLIENT };
  return startMortalServer({ guarded: true, settings });
});

const open = (path = '') => here.open('Operator', `/console${path}`, { viewport: WINDOW });

const byIssuer = ({ page }) => page.getByRole('button', { name: `Sign in with ${new URL(issuer.url).host}` });

test('a server that asks for a key shows its console to whoever has one, and to nobody else', async () => {
  const operator = await open();
  const { page } = operator;
  const door = page.getByRole('heading', { name: 'Calls console' });
  await door.waitFor();
  await byIssuer(operator).waitFor();
  await assertAccessible(operator, 'console-sign-in');
  await page.getByLabel('API key').fill('calls_not-a-key');
  await page.keyboard.press('Enter');
  await page.getByText('this key is not valid').waitFor();
  await page.getByText('The key that the server printed at its first start').waitFor(); // beside it
  await assertAccessible(operator, 'console-sign-in-refused');
  await page.getByLabel('API key').fill(here.server.key);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation').waitFor();
  await page.reload();
  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByText('yours', { exact: true }).waitFor();
  await page.getByRole('button', { name: /^Revoke/ }).first().click();
  await page.getByRole('dialog').getByText('revoking it signs you out. No other key may manage keys.').waitFor();
  await assertAccessible(operator, 'console-revoke-own');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await door.waitFor();
  await operator.close();
});

test('who signs in by the issuer is back where they were, and stays in when the token ends', async () => {
  issuer.lifeSeconds = SHORT_SECONDS;
  const operator = await open('/audit?action=key.create');
  const { page } = operator;
  await byIssuer(operator).click();
  await page.getByRole('heading', { name: 'Audit log' }).waitFor();
  assert.equal(new URL(page.url()).search, '?action=key.create');
  await until('the token was renewed', async () => issuer.renewed > 0);
  issuer.lifeSeconds = 600;
  await page.reload();
  await page.getByRole('heading', { name: 'Audit log' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await byIssuer(operator).waitFor();
  await operator.close();
});

test('whom the issuer turns away is told why, and a token without scopes opens nothing', async () => {
  const operator = await open();
  const { page } = operator;
  issuer.refuses = 'Olga is on holiday';
  await byIssuer(operator).click();
  await page.getByRole('alert').getByText('Olga is on holiday').waitFor();
  assert.equal(new URL(page.url()).search, '');
  issuer.refuses = null;
  issuer.scope = 'openid calls:rooms';
  await byIssuer(operator).click();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByText('this key may not do that').first().waitFor();
  await operator.close();
});

test('the console is worked by keys alone, and each step shows where one is', async () => {
  const operator = await open('/keys');
  const { page } = operator;
  await page.getByLabel('API key').waitFor();
  /** What has the focus, and whether it can be seen that it has. */
  const focus = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      const label = at.ariaLabel || at.labels?.[0]?.textContent || at.textContent;
      return { name: label?.trim() ?? '', shows: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 };
    });
  const passed = [];
  const tabTo = async (name) => {
    for (let presses = 0; presses < 40; presses += 1) {
      const at = await focus();
      if (at.name === name) return assert.ok(at.shows, `“${at.name}” does not show that it has the focus`);
      await page.keyboard.press('Tab');
      passed.push((await focus()).name);
    }
    assert.fail(`no way to “${name}” by Tab, but to: ${passed.join(', ')}`);
  };
  await tabTo('API key');
  await page.keyboard.type(here.server.key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'API keys' }).waitFor();

  passed.length = 0;
  await tabTo('Sign out');
  const order = ['Live', 'Calls', 'Rooms', 'Webhooks', 'API keys', 'Audit log', 'Server'];
  assert.deepEqual(passed.filter((name) => order.includes(name)), order, 'the screens come in the order in which they are read');

  await tabTo('New key for');
  await page.keyboard.type('by keys');
  await tabTo('rooms');
  await page.keyboard.press('Space');
  await tabTo('Make key');
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /by keys.*rooms.*valid/ }).waitFor();
  await tabTo('Revoke: by keys');
  await page.keyboard.press('Enter');
  const question = page.getByRole('dialog');
  await question.waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await until('the question gives the focus back', async () => (await focus()).name === 'Revoke: by keys');
  await page.keyboard.press('Enter');
  await question.waitFor();
  await tabTo('Revoke');
  await page.keyboard.press('Enter');
  await page.getByText(/^revoked /).waitFor();
  await operator.close();
});

test('a phone of 360 pixels shows every screen of the console without scrolling sideways', async () => {
  const operator = await here.openAt('Operator', `${here.url}/console`, { viewport: { width: 360, height: 740 } });
  const { page } = operator;
  await page.getByLabel('API key').fill(here.server.key);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation').waitFor();
  for (const screen of await page.getByRole('navigation').getByRole('link').allTextContents()) {
    await page.getByRole('link', { name: screen, exact: true }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `“${screen}” is ${wide} px wide`);
  }
  await page.goto(`${here.url}/console/server`); // the last of the screens
  await until('it is in sight where one is', async () => {
    const box = await page.locator('nav [aria-current]').boundingBox();
    return box && box.x >= 0 && box.x + box.width <= 360;
  }, 5_000);
  await page.getByRole('link', { name: 'API keys', exact: true }).click();
  await assertAccessible(operator, 'console-phone');
  await operator.close();
});

test('nobody’s page logged an error of its own', () => here.assertNoErrors(/status of 40[13]/));
