// Axe finds nothing on a screen, and the screen is kept as a picture for people to look at.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));

/** Light and dark are two screens: contrast is another one in each. All else is the same in both, and looked at once. */
const THEMES = { light: { type: 'tag', values: RULES }, dark: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } };

export async function assertAccessible({ page }, screen) {
  await mkdir(RESULTS, { recursive: true });
  await page.evaluate(AXE);
  for (const [colorScheme, rules] of Object.entries(THEMES)) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }); // colours that are on their way are no colours yet
    const { violations } = await page.evaluate((runOnly) => globalThis.axe.run({ runOnly, resultTypes: ['violations'] }), rules);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`);
    assert.deepEqual(found, [], `${screen}, ${colorScheme}`);
    await page.screenshot({ path: `${RESULTS}screen-${screen}-${colorScheme}.png` });
  }
}
