// Every screen as a picture, for people to look at: light and dark, a desk and a phone, from left to right and from right to left.
//
//   scripts/serve-for-tests node web/e2e/figures/screens.mjs [doors grids meeting readme background encrypted arabic console]
//
// They land in test-results/screens/. Not a test: e2e/accessibility holds what a machine can hold.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../support/browser.mjs';
import { control, dismiss, enter, hears, inside, menu, participantId, sees } from '../support/meeting.mjs';
import { api, createRoom } from '../support/server.mjs';

const RESULTS = fileURLToPath(new URL('../../../test-results/screens/', import.meta.url));
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const LOW = { width: 844, height: 390 };
const SERVER = process.env.CALLS_URL;

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Emmy Noether', 'Alan Turing', 'Kurt Gödel', 'Rosa Luxemburg', 'Marie Curie', 'Niels Bohr',
  'Lise Meitner', 'Mary Shelley', 'Bartholomew Featherstonehaugh-Cholmondeley', 'Sofja Kowalewskaja'];

const browsers = [];
const browser = async (person, more = {}) => {
  const one = await openBrowser({ person, ...more });
  browsers.push(one);
  return one;
};

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function shot({ page }, name, { viewports = { desk: DESK }, themes = ['light', 'dark'], full = false } = {}) {
  for (const [kind, viewport] of Object.entries(viewports)) {
    await page.setViewportSize(viewport);
    await pause(500);
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }); // colours that are on their way are no colours yet
      await pause(250);
      await page.screenshot({ path: `${RESULTS}${name}-${kind}-${colorScheme}.png`, fullPage: full });
    }
  }
  console.log(name);
}

const BOTH = { viewports: { desk: DESK, phone: PHONE } };
const ALL = { viewports: { desk: DESK, phone: PHONE, low: LOW } };

/** Comes in with a socket and nothing else, as somebody whose camera and microphone are off. */
async function come(viewer, room, name) {
  const { connection } = await api(SERVER, 'POST', `/rooms/${room}/join`, { user_id: name, display_name: name });
  await viewer.page.evaluate(async ({ token, ws_url }) => {
    const socket = new WebSocket(ws_url, 'calls.v1');
    globalThis.__sockets.pop();
    (globalThis.__crowd ??= []).push(socket);
    await new Promise((done) => (socket.onopen = done));
    socket.send(JSON.stringify({ t: 'hello', d: { token } }));
  }, connection);
}

/** Everybody has a browser of their own, and so a face of their own. */
async function comeWithFace(room, person, people) {
  const one = await (await browser(person)).open(NAMES[person], `${SERVER}/meet/${room}`, { viewport: person === 0 ? DESK : { width: 320, height: 240 } });
  await enter(one);
  await inside(one);
  people.push(one);
  return one;
}

const PARTS = {
  async doors() {
    const b = await browser(0);
    const landing = await b.open('Ada', SERVER + '/', { viewport: DESK });
    await shot(landing, 'landing', ALL);
    await landing.page.getByText('Options').click();
    await shot(landing, 'landing-options', BOTH);
    await landing.close();
    const room = await createRoom(SERVER, { name: 'Design review' });
    const lobby = await b.open('Ada', `${SERVER}/meet/${room}`, { viewport: DESK });
    await lobby.page.locator('.video--shown').waitFor();
    await shot(lobby, 'lobby', ALL);
    await lobby.close();
    const secret = await createRoom(SERVER, { name: 'Quarterly planning of the northern region, third and last round', password: 'x' });
    const wrong = await b.open('Ada', `${SERVER}/meet/${secret}`, { viewport: DESK });
    await wrong.page.locator('.video--shown').waitFor();
    await enter({ ...wrong, name: 'Ada' }, { password: 'y' });
    await wrong.page.locator('.lobby__refusal, .field__note--bad').first().waitFor();
    await shot(wrong, 'lobby-wrong-password', BOTH);
    await wrong.close();
    for (const [name, error] of Object.entries({ denied: 'NotAllowedError', missing: 'NotFoundError', busy: 'NotReadableError' })) {
      const one = await b.open('Ada', SERVER + '/', { viewport: DESK });
      await one.context.addInitScript((kind) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', kind));
      }, error);
      await one.page.goto(`${SERVER}/meet/${room}`);
      await one.page.locator('.device-help').first().waitFor();
      await shot(one, `lobby-${name}`, BOTH);
      await one.close();
    }
    for (const [name, prepare] of Object.entries({
      insecure: () => Object.defineProperty(globalThis, 'isSecureContext', { value: false }) && Object.defineProperty(navigator, 'mediaDevices', { value: undefined }),
      unsupported: () => delete globalThis.RTCPeerConnection,
    })) {
      const one = await b.open('Ada', SERVER + '/', { viewport: DESK });
      await one.context.addInitScript(prepare);
      await one.page.goto(`${SERVER}/meet/${room}`);
      await pause(800);
      await shot(one, `lobby-${name}`, BOTH);
      await one.close();
    }
    const nowhere = await b.open('Ada', `${SERVER}/meet/room_0000`, { viewport: DESK });
    await nowhere.page.getByRole('heading', { name: 'There is no such meeting' }).waitFor();
    await shot(nowhere, 'nowhere', BOTH);
    await nowhere.close();
    const waiting = await createRoom(SERVER, { settings: { waiting_room: true } });
    const host = await b.open('Host', `${SERVER}/meet/${waiting}`, { viewport: DESK });
    await enter(host);
    await inside(host);
    const guests = [];
    for (const name of ['Guest', 'Ben', 'Cara']) {
      const guest = await b.open(name, `${SERVER}/meet/${waiting}`, { viewport: DESK });
      await enter(guest);
      await guest.page.getByRole('button', { name: 'Stop waiting' }).waitFor();
      guests.push(guest);
    }
    await shot(guests[1], 'waiting', BOTH);
    await shot(host, 'host-knock', BOTH);
    await control(host, 'People').click();
    await dismiss(host);
    await shot(host, 'host-waiting-list', BOTH);
    await host.page.getByRole('button', { name: 'Let all in' }).click();
    await inside(guests[0]);
    await host.page.getByRole('button', { name: 'Actions for Guest' }).click();
    await shot(host, 'host-person-menu', BOTH);
    await host.page.getByRole('complementary').getByRole('button', { name: 'Remove', exact: true }).click();
    await guests[0].page.getByText('removed you').waitFor();
    await shot(guests[0], 'removed', BOTH);
    await control(guests[1], 'Leave').click();
    await guests[1].page.getByText('You left the meeting').waitFor();
    await shot(guests[1], 'farewell', BOTH);
    await (await menu(host, 'End for all')).click();
    await shot(host, 'end-asks', BOTH);
    await host.page.getByRole('dialog').getByRole('button', { name: /End/ }).click();
    await guests[2].page.getByText('has ended').waitFor();
    await shot(guests[2], 'ended', BOTH);
  },

  async grids() {
    const room = await createRoom(SERVER, { name: 'Design review' });
    const people = [];
    const join = (person) => comeWithFace(room, person, people);
    const ada = await join(0);
    await shot(ada, 'grid-01', ALL);
    const grace = await join(1);
    await sees(ada, 2);
    await pause(2500);
    await dismiss(ada);
    await shot(ada, 'grid-02', ALL);
    await join(2);
    await sees(ada, 3);
    await pause(2500);
    await dismiss(ada);
    await shot(ada, 'grid-03', ALL);
    // One who cannot be seen, and one who has a hand up.
    await control(people[2], 'Camera').click();
    await control(people[2], 'Raise hand').click();
    for (const name of NAMES.slice(3, 5)) await come(ada, room, name);
    await sees(ada, 5);
    await dismiss(ada);
    await shot(ada, 'grid-05', ALL);
    for (const name of NAMES.slice(5, 9)) await come(ada, room, name);
    await sees(ada, 9);
    await dismiss(ada);
    await shot(ada, 'grid-09', ALL);
    for (const name of NAMES.slice(9)) await come(ada, room, name);
    await ada.page.getByText('Page 1 of 2').waitFor();
    await dismiss(ada);
    await shot(ada, 'grid-12', ALL);
    await ada.page.getByRole('button', { name: 'Next page of people' }).click();
    await shot(ada, 'grid-12-page-2', ALL);
    await ada.page.getByRole('button', { name: 'Previous page of people' }).click();
  },

  async meeting() {
    const room = await createRoom(SERVER, { name: 'Design review' });
    const people = [];
    for (const person of [0, 1, 2]) await comeWithFace(room, person, people);
    const [ada, grace] = people;
    for (const name of NAMES.slice(3, 7)) await come(ada, room, name);
    await sees(ada, 7);
    await (await menu(ada, 'Whoever speaks is large')).click();
    await pause(1500);
    await dismiss(ada);
    await shot(ada, 'speaker', ALL);
    await (await menu(ada, /^Automatic/)).click();
    await control(grace, 'Share screen').click();
    await ada.page.getByRole('region', { name: `Screen of ${grace.name}` }).locator('.video--shown').waitFor();
    await dismiss(ada);
    await shot(ada, 'screen-share', ALL);
    await shot(grace, 'screen-share-own', ALL);
    await grace.page.setViewportSize({ width: 320, height: 240 });
    await control(ada, 'Chat').click();
    await shot(ada, 'screen-share-chat', ALL);
    for (const text of ['Good morning!', 'The agenda is at https://example.org/agenda/2026/november/design-review-of-the-northern-region', 'Who writes the minutes?']) {
      await ada.page.getByLabel('Message').fill(text);
      await ada.page.keyboard.press('Enter');
    }
    await grace.page.setViewportSize({ width: 640, height: 480 });
    await control(grace, 'Chat').click();
    for (const text of ['Hello, all.', 'I can do the minutes today, but then somebody else has to take the next two weeks, as I am away.']) {
      await grace.page.getByLabel('Message').fill(text);
      await grace.page.keyboard.press('Enter');
    }
    await grace.page.getByLabel('Send to').selectOption({ label: 'Only to Ada Lovelace' });
    await grace.page.getByLabel('Message').fill('Between us: I shall be late.');
    await grace.page.keyboard.press('Enter');
    await ada.page.getByText('I shall be late').waitFor();
    await ada.page.locator('input[type=file]').setInputFiles([
      { name: 'minutes-of-the-last-meeting-with-a-rather-long-name.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(240_000, 1) },
      { name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('a plan') },
    ]);
    await ada.page.getByText('plan.txt').first().waitFor();
    await pause(1500);
    await control(grace, 'Stop sharing').click();
    await shot(ada, 'chat', ALL);
    await control(ada, 'People').click();
    await dismiss(ada);
    await shot(ada, 'people', ALL);
    await ada.page.getByRole('button', { name: `Actions for ${grace.name}` }).click();
    await shot(ada, 'people-menu', BOTH);
    await ada.page.keyboard.press('Escape');
    await control(ada, 'React').click();
    await shot(ada, 'reactions-menu', BOTH);
    await ada.page.getByRole('button', { name: 'Applause' }).click();
    await shot(ada, 'reaction', { viewports: { desk: DESK }, themes: ['light'] });
    await ada.page.keyboard.press('Escape');
    await control(ada, 'More').click();
    await shot(ada, 'more-menu', ALL);
    await ada.page.getByRole('button', { name: 'Connection figures' }).click();
    await ada.page.getByRole('cell', { name: /kbit/ }).first().waitFor();
    await shot(ada, 'figures', BOTH);
    await ada.page.keyboard.press('Control+Alt+k');
    await ada.page.getByRole('dialog').waitFor();
    await shot(ada, 'shortcuts', BOTH);
    await ada.page.keyboard.press('Escape');
    await hears(ada, 'transcription', { event: 'started', language: 'en-US' });
    await control(ada, 'Captions').click();
    const id = await participantId(ada, grace.name);
    const say = (text, at, who = id) => hears(ada, 'caption', { participant_id: who, text, final: true, start_ms: at, end_ms: at + 1000 });
    await (await menu(ada, /^Transcript$/)).click();
    await say('we meet again on monday', 9_000);
    await say('and then we look at the figures that nobody has seen yet, which takes the whole morning as it did the last time', 12_000);
    await shot(ada, 'captions-transcript', BOTH);
    await say('we meet again on monday', 19_000);
    await say('and then we look at the figures that nobody has seen yet, which takes the whole morning as it did the last time', 22_000);
    await ada.page.keyboard.press('Escape');
    await ada.page.getByRole('complementary').getByRole('button', { name: 'Close' }).click({ timeout: 2_000 }).catch(() => undefined); // Escape may have closed it
    await shot(ada, 'captions', BOTH);
    await (await menu(ada, 'Settings')).click();
    await pause(500);
    await shot(ada, 'settings', ALL);
    await ada.page.getByRole('dialog').evaluate((one) => one.scrollTo(0, 1e6));
    await shot(ada, 'settings-end', BOTH);
    await ada.page.keyboard.press('Escape');
    await (await menu(ada, 'Start recording')).click();
    await pause(800);
    await shot(ada, 'recorded', BOTH);
    await dismiss(ada);
    await control(ada, 'Microphone').click();
    await control(ada, 'Camera').click();
    await control(ada, 'Raise hand').click();
    await pause(4000);
    await shot(ada, 'muted', BOTH);
    await ada.context.setOffline(true);
    await ada.page.evaluate(() => globalThis.__sockets.at(-1).close());
    await pause(2500);
    await shot(ada, 'reconnecting', BOTH);
    await ada.context.setOffline(false);
  },

  /** What the README shows, as docs/*.webp: `ffmpeg -i readme-meeting-desk-light.png -quality 80 meeting.webp`, and so the console. */
  async readme() {
    const room = await createRoom(SERVER, { name: 'Design review' });
    const people = [];
    for (const person of [0, 1]) await comeWithFace(room, person, people);
    const [ada, grace] = people;
    for (const name of NAMES.slice(2, 4)) await come(ada, room, name);
    await sees(ada, 4);
    await grace.page.setViewportSize({ width: 640, height: 480 });
    await control(grace, 'Chat').click();
    const writes = async ({ page }, text) => {
      await page.getByLabel('Message').fill(text);
      await page.keyboard.press('Enter');
    };
    await control(ada, 'Chat').click();
    await writes(ada, 'Good morning! The agenda: https://example.org/agenda');
    await writes(grace, 'Who writes the minutes?');
    await grace.page.getByLabel('Send to').selectOption({ label: 'Only to Ada Lovelace' });
    await writes(grace, 'Between us: I shall be late tomorrow.');
    await ada.page.getByText('late tomorrow').waitFor();
    await grace.page.setViewportSize({ width: 320, height: 240 });
    await hears(ada, 'transcription', { event: 'started', language: 'en-US' });
    await ada.page.getByRole('button', { name: 'I understand' }).click();
    await control(ada, 'Captions').click();
    const participant_id = await participantId(ada, grace.name);
    await pause(8000); // pictures are sharp by then
    await dismiss(ada);
    await hears(ada, 'caption', { participant_id, text: 'we need to review the budget today and start the next project on monday', final: true, start_ms: 0, end_ms: 1 });
    await shot(ada, 'readme-meeting', { themes: ['light'] });
    const operator = await browsers[0].open('Operator', `${SERVER}/console`, { viewport: DESK });
    await operator.page.getByRole('row', { name: /Ada Lovelace/ }).getByRole('link').first().click();
    await pause(25_000); // lines have points by then
    await shot(operator, 'readme-console', { viewports: { desk: { width: 1280, height: 1180 } }, themes: ['light'] });
  },

  async background() {
    const b = await browser(0);
    const room = await createRoom(SERVER, { name: 'Design review' });
    const ada = await b.open(NAMES[0], `${SERVER}/meet/${room}`, { viewport: DESK });
    await ada.page.locator('.video--shown').waitFor();
    await ada.page.getByLabel('Background').selectOption({ label: 'Blurred' });
    await pause(6000);
    await shot(ada, 'lobby-background', BOTH);
  },

  async encrypted() {
    const b = await browser(0);
    const landing = await b.open('Ada', SERVER + '/', { viewport: DESK });
    await landing.page.getByText('Options').click();
    await landing.page.getByLabel(/end.to.end|encrypt/i).first().check();
    await landing.page.locator('form').first().evaluate((form) => form.requestSubmit());
    await landing.page.locator('.video--shown').waitFor();
    await shot(landing, 'e2ee-lobby', BOTH);
    const link = landing.page.url();
    await enter({ ...landing, name: 'Ada' });
    await inside(landing);
    const other = await b.open('Grace', link, { viewport: DESK });
    await enter(other);
    await inside(other);
    await sees(landing, 2);
    await pause(2500);
    await shot(landing, 'e2ee', BOTH);
    const keyless = await b.open('Alan', link.replace(/#.*/, ''), { viewport: DESK });
    await pause(1500);
    await shot(keyless, 'e2ee-no-key-lobby', BOTH);
  },

  async arabic() {
    const b = await browser(0);
    const room = await createRoom(SERVER, { name: 'مراجعة التصميم' });
    const leila = await b.open('ليلى', `${SERVER}/meet/${room}`, { viewport: DESK, locale: 'ar' });
    await leila.page.locator('.video--shown').waitFor();
    await shot(leila, 'ar-lobby', BOTH);
    await leila.page.getByLabel('اسمك').fill('ليلى');
    await leila.page.keyboard.press('Enter');
    await inside(leila);
    for (const name of NAMES.slice(1, 5)) await come(leila, room, name);
    await sees(leila, 5);
    await shot(leila, 'ar-grid', BOTH);
    await leila.page.getByRole('toolbar').getByRole('button', { name: 'الدردشة' }).click();
    await leila.page.locator('.composer__text').fill('مرحبا بالجميع');
    await leila.page.keyboard.press('Enter');
    await shot(leila, 'ar-chat', BOTH);
    await leila.page.getByRole('toolbar').getByRole('button', { name: 'الحاضرون' }).click();
    await shot(leila, 'ar-people', BOTH);
    await leila.page.getByRole('toolbar').getByRole('button', { name: 'المزيد' }).click();
    await shot(leila, 'ar-more', BOTH);
    const german = await b.open('Ada', `${SERVER}/meet/${room}`, { viewport: DESK, locale: 'de' });
    await german.page.locator('.video--shown').waitFor();
    await shot(german, 'de-lobby', BOTH);
    await german.page.locator('input[autocomplete=name], .field__input').first().fill('Ada');
    await german.page.keyboard.press('Enter');
    await inside(german);
    await pause(1000);
    await shot(german, 'de-grid', BOTH);
    await german.page.getByRole('toolbar').getByRole('button', { name: 'Mehr' }).click();
    await shot(german, 'de-more', BOTH);
  },

  async console() {
    const b = await browser(0);
    const wait = (viewer) => viewer.page.getByRole('navigation').waitFor();
    const open = (path = '', more = {}) => b.open('Operator', `${SERVER}/console${path}`, { viewport: DESK, ...more });
    const FULL = { ...BOTH, full: true };
    const operator = await open();
    const { page } = operator;
    await wait(operator);
    for (const path of ['', '/calls', '/rooms', '/webhooks', '/keys', '/audit', '/server']) {
      await page.goto(`${SERVER}/console${path}`);
      await pause(1500);
      await shot(operator, `console-empty${path.replace('/', '-') || '-live'}`, FULL);
    }
    await page.goto(`${SERVER}/console/calls/call_00000000000000000000000000000000`);
    await pause(1000);
    await shot(operator, 'console-no-such-call', FULL);
    await page.goto(`${SERVER}/console/rooms/room_0000`);
    await pause(1000);
    await shot(operator, 'console-no-such-room', FULL);

    const room = await createRoom(SERVER, { name: 'Weekly' });
    await createRoom(SERVER, { name: 'Quarterly planning of the northern region, third and last round', password: 'x', settings: { waiting_room: true } });
    const edith = await b.open('Edith', `${SERVER}/meet/${room}`, { viewport: { width: 640, height: 480 } });
    await enter(edith);
    await inside(edith);
    const flora = await b.open('Flora', `${SERVER}/meet/${room}`, { viewport: { width: 640, height: 480 } });
    await enter(flora);
    await inside(flora);
    await page.goto(`${SERVER}/console`);
    await page.getByRole('cell', { name: 'Edith, Flora' }).waitFor();
    await shot(operator, 'console-live', FULL);
    await page.getByRole('row', { name: /Edith, Flora/ }).getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Quality' }).waitFor();
    await page.getByRole('button', { name: 'Start recording' }).click();
    await pause(22_000);
    await shot(operator, 'console-call', FULL);
    await page.getByText('Score as a table').click();
    await shot(operator, 'console-call-table', { full: true });
    await page.getByRole('button', { name: 'Remove: Flora' }).click();
    await shot(operator, 'console-confirm', BOTH);
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await pause(500);
    await page.getByRole('button', { name: 'Stop recording' }).click();
    await page.getByRole('button', { name: 'End call' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await page.getByLabel(/\.mp4$/).waitFor({ timeout: 60_000 });
    await pause(1000);
    await shot(operator, 'console-call-over', FULL);
    await page.goto(`${SERVER}/console/calls`);
    await page.getByRole('cell', { name: 'Edith, Flora' }).waitFor();
    await shot(operator, 'console-calls', FULL);
    await page.goto(`${SERVER}/console/recordings`);
    await page.getByRole('cell', { name: 'everybody in one picture' }).first().waitFor();
    await shot(operator, 'console-recordings', FULL);
    await page.locator('a[href*="/recordings/rec_"]').first().click();
    await page.locator('.report summary').last().click();
    await pause(1000);
    await shot(operator, 'console-recording', FULL);
    await page.getByRole('button', { name: 'Make the file again' }).click();
    await shot(operator, 'console-compose', BOTH);
    await page.goto(`${SERVER}/console/recordings/rec_gone`);
    await page.getByRole('alert').waitFor();
    await shot(operator, 'console-missing', BOTH);
    await page.goto(`${SERVER}/console/rooms`);
    await pause(1000);
    await shot(operator, 'console-rooms', FULL);
    await page.goto(`${SERVER}/console/rooms/${room}`);
    await pause(1500);
    await shot(operator, 'console-room', FULL);
    await page.goto(`${SERVER}/console/webhooks`);
    await page.getByLabel('New endpoint').fill('https://hooks.invalid/calls');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('whsec_').waitFor();
    await shot(operator, 'console-webhooks', FULL);
    await page.getByRole('link', { name: 'https://hooks.invalid/calls' }).click();
    await createRoom(SERVER, { name: 'Told of' });
    await pause(4000);
    await page.reload();
    await pause(1000);
    await page.locator('summary').first().click().catch(() => undefined);
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The endpoint did not accept it').waitFor();
    await shot(operator, 'console-webhook', FULL);
    await page.goto(`${SERVER}/console/keys`);
    await page.getByLabel('New key for').fill('billing');
    await page.getByLabel('rooms', { exact: true }).check();
    await page.getByRole('button', { name: 'Make key' }).click();
    await page.getByText('shown only once').waitFor();
    await shot(operator, 'console-keys', FULL);
    await page.goto(`${SERVER}/console/audit`);
    await pause(1000);
    await shot(operator, 'console-audit', FULL);
    await page.goto(`${SERVER}/console/server`);
    await pause(1500);
    await shot(operator, 'console-server', { ...BOTH });
    await page.getByLabel('Language').selectOption('ar');
    for (const path of ['', '/calls', '/recordings', '/keys']) {
      await page.goto(`${SERVER}/console${path}`);
      await pause(1500);
      await shot(operator, `console-ar${path.replace('/', '-')}`, BOTH);
    }
  },
};

await mkdir(RESULTS, { recursive: true });
const wanted = process.argv.slice(2);
for (const [name, part] of Object.entries(PARTS)) {
  if (wanted.length && !wanted.includes(name)) continue;
  await part().catch((error) => console.log(`${name}: ${error.stack}`));
  for (const one of browsers.splice(0)) await one.close();
}
