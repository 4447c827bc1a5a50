// An actor panics in the middle of a meeting: a second later nobody would know.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { participantId, seesAndHears, timeUntilMoving, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const BACK_WITHIN_MS = 2_000;

let room;
let ada;
let grace;

const here = world(async () => {
  room = await here.room();
  ada = await here.join('Ada', room);
  grace = await here.join('Grace', room);
  await seesAndHears(ada, 1);
  await seesAndHears(grace, 1);
});

/** Makes an actor panic, and waits until both see each other move again. */
async function recovers(crash, begunAnew = () => true) {
  const begun = Date.now();
  await api(here.url, 'POST', '/testing/crash', crash);
  await until('a new connection', begunAnew, BACK_WITHIN_MS);
  await Promise.all([ada, grace].map((person) => timeUntilMoving(person, 1, BACK_WITHIN_MS)));
  const took = Date.now() - begun;
  assert.ok(took < BACK_WITHIN_MS, `media was back after ${took} ms`);
  await seesAndHears(ada, 1);
  await seesAndHears(grace, 1);
}

const connections = ({ page }) => page.evaluate(() => globalThis.__connections.length);

test('a participant that crashes is back within two seconds', async () => {
  const { call_id } = await callOf(room);
  const before = await connections(grace);
  const crash = { call_id, participant_id: await participantId(ada, 'Grace') };
  await recovers(crash, async () => (await connections(grace)) > before);
});

test('a room that crashes goes on within two seconds', async () => {
  const { call_id } = await callOf(room);
  await recovers({ call_id });
});

test('nobody’s page logged an error', () => here.assertNoErrors());

async function callOf(roomId) {
  const { data } = await api(here.url, 'GET', `/history?room_id=${roomId}&status=active`);
  assert.equal(data.length, 1);
  return data[0];
}
