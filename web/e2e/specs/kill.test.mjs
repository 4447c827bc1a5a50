// The server is killed in the middle of a meeting and started again: the meeting goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inside, participantId, seesAndHears, timeUntilMoving, until } from '../support/meeting.mjs';
import { api, startMortalServer } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const BACK_WITHIN_MS = 5_000;

let room;
let ada;
let grace;

const here = world(async () => {
  room = await here.room();
  ada = await here.join('Ada', room);
  grace = await here.join('Grace', room);
  await seesAndHears(ada, 1);
  await seesAndHears(grace, 1);
}, startMortalServer);

const connections = ({ page }) => page.evaluate(() => globalThis.__connections.length);

test('both see and hear each other again within five seconds of the restart, in the same call', async () => {
  const people = [ada, grace];
  const before = await callOf(room);
  const ids = await Promise.all([participantId(grace, 'Ada'), participantId(ada, 'Grace')]);
  const had = await Promise.all(people.map(connections));
  await here.server.kill();
  await new Promise((done) => setTimeout(done, 3_000)); // as long as a service manager may take
  await here.server.again();
  const begun = Date.now();
  await Promise.all(
    people.map(async (person, index) => {
      await until('a new connection', async () => (await connections(person)) > had[index], BACK_WITHIN_MS);
      await timeUntilMoving(person, 1, BACK_WITHIN_MS);
    }),
  );
  const took = Date.now() - begun;
  console.log(`media was back ${took} ms after the restart`);
  assert.ok(took < BACK_WITHIN_MS, `media was back after ${took} ms`);
  for (const person of people) {
    await inside(person);
    await seesAndHears(person, 1);
  }
  const again = await Promise.all([participantId(grace, 'Ada'), participantId(ada, 'Grace')]);
  assert.deepEqual(again, ids, 'the very presences');

  const after = await callOf(room);
  assert.equal(after.call_id, before.call_id);
  assert.equal(after.interruptions.length, 1);
  const { from, until: end } = after.interruptions[0];
  assert.ok(Date.parse(end) - Date.parse(from) >= 3_000, `the gap is ${from} to ${end}`);
  const { data } = await api(here.url, 'GET', '/events?limit=100');
  const joins = data.filter(({ type, subject }) => type === 'participant.joined' && subject === before.call_id);
  assert.equal(joins.length, 2, 'nobody came in twice');
});

async function callOf(roomId) {
  const { data } = await api(here.url, 'GET', `/history?room_id=${roomId}`);
  assert.equal(data.length, 1, 'one call');
  return data[0];
}
