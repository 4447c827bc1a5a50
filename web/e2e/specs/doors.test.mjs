// Who comes in, who is let in, and who is put out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control, enter, inside, menu, sees, seesAndHears } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const here = world();

/** What the browser itself logs about an answer that is not 2xx. */
const REFUSED_REQUEST = /Failed to load resource: .* (401|403|404|409)/;

/** What only a host is offered, in the menu that may be closed. */
const ending = ({ page }) => page.locator('.menu__item', { hasText: 'End for all' });

test('a guest waits until the host lets them in', async () => {
  const room = await here.room({ settings: { waiting_room: true } });
  const host = await here.join('Host', room);
  const guest = await here.lobby('Guest', room);
  await enter(guest);
  await guest.page.getByText('wait until the host lets you in').waitFor();

  await host.page.getByText('Guest wants to come in').waitFor();
  await control(host, 'People').click();
  await host.page.getByRole('button', { name: 'Let Guest in' }).click();

  await inside(guest);
  await seesAndHears(guest, 1);
  await guest.close();
  await host.close();
});

test('a guest who stops waiting is in front of the door again, and may knock once more', async () => {
  const room = await here.room({ settings: { waiting_room: true } });
  const host = await here.join('Host', room);
  const guest = await here.lobby('Guest', room);
  await enter(guest);
  await guest.page.getByRole('button', { name: 'Stop waiting' }).click();
  await enter(guest);
  await control(host, 'People').click();
  await host.page.getByRole('button', { name: 'Let Guest in' }).click();
  await inside(guest);
  await guest.close();
  await host.close();
});

test('a guest who is turned away is told so', async () => {
  const room = await here.room({ settings: { waiting_room: true } });
  const host = await here.join('Host', room);
  const guest = await here.lobby('Guest', room);
  await enter(guest);
  await control(host, 'People').click();
  await host.page.getByRole('button', { name: 'Turn Guest away' }).click();
  await guest.page.getByText('You were not let in').waitFor();
  await guest.close();
  await host.close();
});

test('a room with a password opens with the right one only', async () => {
  const room = await here.room({ password: 'correct horse' });
  const guest = await here.lobby('Guest', room);
  await enter(guest, { password: 'wrong' });
  await guest.page.getByText('That password is not right').waitFor();
  await enter(guest, { password: 'correct horse' });
  await inside(guest);

  // The tab knows it from now on.
  await control(guest, 'Leave').click();
  await guest.page.getByText('You left the meeting').waitFor();
  await guest.page.reload();
  await guest.page.getByText('Ready to join “Design review”?').waitFor();
  assert.equal(await guest.page.getByLabel('Meeting password').count(), 0);
  await enter(guest);
  await inside(guest);
  await guest.close();
});

test('whoever starts a meeting with a password is not asked for it', async () => {
  const visitor = await here.open('Visitor', '/');
  await visitor.page.getByLabel('Name of the meeting').fill('Board');
  await visitor.page.getByText('Options').click();
  await visitor.page.getByLabel('Password').fill('hunter2');
  await visitor.page.getByRole('button', { name: 'Start a meeting' }).click();
  await visitor.page.getByText('Ready to join “Board”?').waitFor();
  await enter(visitor);
  await inside(visitor);
  await visitor.close();
});

test('an invitation link brings its bearer in, under the name that the application gave', async () => {
  const room = await here.room({ password: 'known to the application' });
  const join = { user_id: 'user-7', display_name: 'Ines', password: 'known to the application' };
  const { connection } = await api(here.url, 'POST', `/rooms/${room}/join`, join);
  const guest = await here.open('Ines', `/meet/${room}#token=${connection.token}`);
  await guest.page.getByText('under the name on your invitation').waitFor();
  await guest.page.getByRole('button', { name: 'Join now' }).click();
  await inside(guest);
  await control(guest, 'People').click();
  await guest.page.getByText('Ines (you)').waitFor();

  await guest.page.reload();
  await inside(guest);

  // Their place is over now: the invitation asks for another one, through the same door.
  await control(guest, 'Leave').click();
  await guest.page.getByText('You left the meeting').waitFor();
  await guest.page.reload();
  await guest.page.getByRole('button', { name: 'Join now' }).click();
  await guest.page.getByLabel('Meeting password').fill('known to the application');
  await guest.page.getByRole('button', { name: 'Join now' }).click();
  await inside(guest);
  await guest.close();
});

test('who is removed is told so and does not come back by itself', async () => {
  const room = await here.room();
  const host = await here.join('Host', room);
  const guest = await here.join('Guest', room);
  await sees(host, 2);
  await control(host, 'People').click();
  await host.page.getByRole('button', { name: 'Actions for Guest' }).click();
  await host.page.getByRole('button', { name: 'Remove and keep out' }).click();
  await guest.page.getByText('A moderator removed you from the meeting').waitFor();
  await sees(host, 1);
  await guest.close();
  await host.close();
});

test('a muted guest hears of it, and a locked room says that it is locked', async () => {
  const room = await here.room();
  const host = await here.join('Host', room);
  const guest = await here.join('Guest', room);
  await control(host, 'People').click();
  await host.page.getByRole('button', { name: 'Mute all' }).click();
  await guest.page.getByText('A moderator muted you').waitFor();
  await control(guest, 'Microphone').and(guest.page.locator('[aria-pressed=false]')).waitFor();

  await host.page.getByRole('button', { name: 'Lock meeting' }).click();
  await guest.page.getByText('Locked', { exact: true }).waitFor();
  const late = await here.lobby('Late', room);
  await enter(late);
  await late.page.getByText('The meeting is locked').waitFor();
  await late.close();
  await guest.close();
  await host.close();
});

/** Opens what a host may do to somebody, and does it. */
async function act(host, name, action) {
  await host.page.getByRole('button', { name: `Actions for ${name}` }).click();
  await host.page.getByRole('complementary').getByRole('button', { name: action, exact: true }).click();
}

test('one is muted and nobody else, and a guest who is made a moderator has its powers until they are taken back', async () => {
  const room = await here.room();
  const host = await here.join('Host', room);
  const guest = await here.join('Guest', room);
  const third = await here.join('Third', room);
  const microphone = (person, on) => control(person, 'Microphone').and(person.page.locator(`[aria-pressed=${on}]`)).waitFor();
  await sees(host, 3);
  await control(host, 'People').click();
  await act(host, 'Guest', 'Mute');
  await guest.page.getByText('A moderator muted you').waitFor();
  await microphone(guest, false);
  await microphone(third, true);

  await control(guest, 'People').click();
  assert.equal(await guest.page.getByRole('button', { name: 'Mute all' }).count(), 0);
  await act(host, 'Guest', 'Make moderator');
  await guest.page.getByRole('button', { name: 'Mute all' }).waitFor();
  await act(guest, 'Third', 'Mute');
  await microphone(third, false);
  await act(host, 'Guest', 'Take moderation back');
  await guest.page.getByRole('button', { name: 'Mute all' }).waitFor({ state: 'detached' });
  for (const person of [third, guest, host]) await person.close();
});

test('the page of a room that is not there says so, and leads on', async () => {
  const lost = await here.lobby('Lost', 'room_0000');
  await lost.page.getByRole('heading', { name: 'There is no such meeting' }).waitFor();
  await lost.page.getByText('It has ended, or the link is not complete').waitFor();
  await lost.page.getByRole('button', { name: 'Go to the start page' }).click();
  await lost.page.getByRole('button', { name: 'Start a meeting' }).waitFor();
  await lost.close();
});

test('a host ends the meeting for everybody, after being asked; a guest cannot', async () => {
  const room = await here.room({ type: 'temporary' });
  const host = await here.join('Host', room);
  const guest = await here.join('Guest', room);
  assert.equal(await ending(guest).count(), 0);

  await (await menu(host, 'End for all')).click();
  await host.page.getByRole('button', { name: 'Cancel' }).click();
  await sees(host, 2);

  await (await menu(host, 'End for all')).click();
  await host.page.getByRole('button', { name: 'End for everyone' }).click();
  for (const person of [host, guest]) await person.page.getByText('The meeting has ended').waitFor();

  await guest.page.getByRole('button', { name: 'Join again' }).click();
  await guest.page.getByRole('heading', { name: 'There is no such meeting' }).waitFor();
  await guest.close();
  await host.close();
});

test('what a host does is told to whom it concerns', async () => {
  const room = await here.room();
  const host = await here.join('Host', room);
  const guest = await here.join('Guest', room);
  const told = ({ page }, text) => page.getByRole('status').getByText(text).waitFor();
  await told(host, 'Guest joined');

  await control(host, 'People').click();
  await host.page.getByRole('button', { name: 'Lock meeting' }).click();
  await told(guest, 'The meeting is locked');
  await host.page.getByRole('button', { name: 'Actions for Guest' }).click();
  await host.page.getByRole('button', { name: 'Make host' }).click();
  await told(guest, 'You are the host now');
  await told(host, 'Guest is the host now');
  await ending(guest).waitFor({ state: 'attached' });
  assert.equal(await ending(host).count(), 0);

  await control(host, 'Leave').click();
  await told(guest, 'Host left');
  await guest.close();
  await host.close();
});

test('whoever starts a meeting is its host after leaving it to others, and after a reload', async () => {
  const maker = await here.open('Maker', '/');
  await maker.page.getByRole('button', { name: 'Start a meeting' }).click();
  await enter(maker);
  await ending(maker).waitFor({ state: 'attached' });
  const room = new URL(maker.page.url()).pathname.split('/').at(-1);
  const guest = await here.join('Guest', room);

  await control(maker, 'Leave').click();
  await ending(guest).waitFor({ state: 'attached' }); // somebody has to be
  await maker.page.getByRole('button', { name: 'Join again' }).click();
  await enter(maker);
  await ending(maker).waitFor({ state: 'attached' });
  await ending(guest).waitFor({ state: 'detached' });

  await maker.page.reload();
  await ending(maker).waitFor({ state: 'attached' });

  // Another day, another tab.
  await maker.page.close();
  const back = { name: 'Maker', page: await maker.context.newPage() };
  await back.page.goto(`${here.url}/meet/${room}`);
  await enter(back);
  await ending(back).waitFor({ state: 'attached' });
  await maker.close();
  await guest.close();
});

test('a guest who comes before the host learns that nobody can let them in yet, and is let in later', async () => {
  const maker = await here.open('Maker', '/');
  await maker.page.getByText('Options').click();
  await maker.page.getByLabel('Guests wait until I let them in').check();
  await maker.page.getByRole('button', { name: 'Start a meeting' }).click();
  await maker.page.getByText('Ready to join').waitFor();
  const guest = await here.lobby('Guest', new URL(maker.page.url()).pathname.split('/').at(-1));
  await enter(guest);
  await guest.page.getByText('Nobody is here yet who could let you in').waitFor();

  await enter(maker);
  await guest.page.getByText('wait until the host lets you in').waitFor();
  await maker.page.getByRole('status').getByRole('button', { name: 'Let in' }).click();
  await inside(guest);
  await guest.close();
  await maker.close();
});

test('a browser that comes back is the same person, and a second tab is somebody else', async () => {
  const room = await here.room();
  const host = await here.join('Host', room);
  const ids = async () => (await api(here.url, 'GET', `/rooms/${room}/participants`)).data.map(({ user_id }) => user_id);
  const [before] = await ids();

  const second = { name: 'Second', page: await host.context.newPage() };
  await second.page.goto(`${here.url}/meet/${room}`);
  await enter(second);
  await inside(second);
  await sees(host, 2);
  assert.equal(new Set(await ids()).size, 2);

  await host.page.close();
  const back = { name: 'Host', page: await host.context.newPage() };
  await back.page.goto(`${here.url}/meet/${room}`);
  await enter(back);
  await inside(back);
  await sees(second, 2); // and not three: who had closed the tab is this one
  assert.ok((await ids()).includes(before));
  await host.close();
});

test('nobody’s page logged an error of its own', () => here.assertNoErrors(REFUSED_REQUEST));
