// Calls are recorded; the files are whole, on one timeline, and survive a kill of the server.
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { enter, inside } from '../support/meeting.mjs';
import { beeps, flashAndBeep, flashes, home, liveFiles, packets, pause, probe, settled } from '../support/recording.mjs';
import { api, createRoom } from '../support/server.mjs';

/** How long the tracks of a call are recorded; RECORD_SECONDS=600 for the ten minutes that the promise is about. */
const SECONDS = Number(process.env.RECORD_SECONDS ?? 8);

/** How often the server is killed; KILLS=20 for a long look. */
const KILLS = Number(process.env.KILLS ?? 3);

/** Sound and picture of one moment are no further apart, in seconds. */
const APART = 0.04;

/** A kill loses no more, in seconds. */
const LOST = 1;

let place;
let server;
let browser;

before(async () => {
  place = await home();
  server = await place.serve();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await server?.kill('SIGTERM');
  await place?.clear();
});

/** Somebody in a room of their own who flashes and beeps; gives their call. */
async function comes(name) {
  const room = await createRoom(place.url);
  const person = await browser.open(name, 'about:blank');
  await person.context.addInitScript(flashAndBeep);
  await person.page.goto(`${place.url}/meet/${room}`);
  await enter(person);
  await inside(person);
  const { data } = await api(place.url, 'GET', `/history?room_id=${room}`);
  return { ...person, call: data[0].call_id };
}

const start = (call, mode) => api(place.url, 'POST', `/${call}/record/start`, { mode });
const stop = (call) => api(place.url, 'POST', `/${call}/record/stop`);
const path = (recording, { name }) => join(place.recordings, recording.recording_id, name);

/** How far each flash is from its beep. */
function distances(seen, heard) {
  return seen.map((flash) => Math.min(...heard.map((beep) => Math.abs(beep - flash))));
}

test('sound and picture of a recorded call belong together from beginning to end', async (t) => {
  const ada = await comes('Ada Lovelace');
  await pause(1000);
  const { recording_id: id } = await start(ada.call, 'tracks');
  await pause(SECONDS * 1000);
  await stop(ada.call);
  const recording = await settled(place.url, id);
  assert.equal(recording.status, 'available', JSON.stringify(recording));
  const [microphone, camera] = ['microphone', 'camera'].map((source) => recording.files.find((file) => file.source === source));
  for (const [file, codec] of [[microphone, 'opus'], [camera, 'vp8']]) {
    const { format, streams } = await probe(path(recording, file));
    assert.equal(streams[0].codec_name, codec);
    assert.ok(Math.abs(parseFloat(format.start_time) - file.start_ms / 1000) < 0.02, `begins at ${format.start_time}: ${file.start_ms} ms`);
    assert.ok(Math.abs(parseFloat(format.duration) - SECONDS) < 1, `lasts ${format.duration} s of ${SECONDS}`);
  }
  const seen = await flashes(path(recording, camera));
  const heard = await beeps(path(recording, microphone));
  assert.ok(seen.length >= SECONDS - 2 && heard.length >= SECONDS - 2, `${seen.length} flashes, ${heard.length} beeps`);
  const apart = distances(seen, heard).sort((a, b) => a - b);
  t.diagnostic(`flash and beep apart: ${apart.map((s) => (s * 1000).toFixed(0))} ms`);
  const middle = apart[Math.floor(apart.length / 2)];
  assert.ok(middle < APART, `flash and beep are ${apart.map((s) => (s * 1000).toFixed(0))} ms apart`);
  await ada.close();
});

test('a composite is one file that every player opens, and can be made again', async () => {
  const emmy = await comes('Emmy Noether');
  const { recording_id: id } = await start(emmy.call, 'composite');
  await pause(3000);
  await stop(emmy.call);
  for (const layout of ['grid', 'speaker']) {
    if (layout !== 'grid') await api(place.url, 'POST', `/recordings/${id}/compose`, { layout });
    const recording = await settled(place.url, id);
    assert.equal(recording.status, 'available', JSON.stringify(recording));
    const { format, streams } = await probe(path(recording, recording.files[0]));
    assert.deepEqual(streams.map((stream) => stream.codec_name).sort(), ['aac', 'h264']);
    assert.ok(Math.abs(parseFloat(format.duration) - 3) < 1, `lasts ${format.duration} s`);
  }
  await emmy.close();
});

test('a killed server leaves files that open, and takes them up when it is back', async () => {
  for (let round = 0; round < KILLS; round += 1) {
    const alan = await comes('Alan Turing');
    const { recording_id: id } = await start(alan.call, 'tracks');
    const begun = Date.now();
    await pause(1500 + Math.random() * 2500);
    const ran = (Date.now() - begun) / 1000;
    await server.kill('SIGKILL');
    await alan.close();
    const files = await liveFiles(place.recordings, id);
    assert.ok(files.length >= 2, `${files}`);
    for (const file of files) {
      const times = await packets(file);
      const length = times.at(-1) - times[0];
      assert.ok(length > ran - LOST, `${file}: ${length.toFixed(2)} of ${ran.toFixed(2)} s`);
    }
    server = await place.serve();
    const recording = await settled(place.url, id);
    assert.equal(recording.status, 'available', JSON.stringify(recording));
    for (const file of recording.files) {
      assert.ok(file.duration_ms / 1000 > ran - LOST, `${file.name}: ${file.duration_ms} ms of ${ran.toFixed(2)} s`);
    }
    const report = await api(place.url, 'GET', `/recordings/${id}/report`);
    assert.equal(report.interruptions[0].reason, 'server_stopped');
  }
});
