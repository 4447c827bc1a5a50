// Calls are recorded; the files are whole, on one timeline, and survive a kill of the server.
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { openBrowser } from '../support/browser.mjs';
import { control, enter, inside, until } from '../support/meeting.mjs';
import { beeps, complaints, flashAndBeep, flashes, home, liveFiles, packets, pause, probe, settled, sizes } from '../support/recording.mjs';
import { api, createRoom } from '../support/server.mjs';

/** How long the tracks of a call are recorded; `make recordings` for the ten minutes that the promise is about. */
const SECONDS = Number(process.env.RECORD_SECONDS ?? 8);

/** How often the server is killed; twenty times in `make recordings`. */
const KILLS = Number(process.env.KILLS ?? 3);

/** Sound and picture of one moment are no further apart, in seconds. */
const APART = 0.04;

/** A file is as long as the recording was, in seconds. */
const OFF = 0.1;

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

/** Somebody in a room of their own, who flashes and beeps unless they have a face; gives their call. */
async function comes(name, { url } = place, { face = false } = {}) {
  const room = await createRoom(url);
  const person = await browser.open(name, 'about:blank');
  if (!face) await person.context.addInitScript(flashAndBeep);
  await person.page.goto(`${url}/meet/${room}`);
  await enter(person);
  await inside(person);
  const { data } = await api(url, 'GET', `/history?room_id=${room}`);
  return { ...person, call: data[0].call_id };
}

/**
 * Records while something happens. Gives the recording, and between which lengths it must be, in seconds: from the answer
 * to the start (the first packet is on disk) to the wish to stop, and from the wish to start to the answer to the stop.
 */
async function recorded(call, mode, meanwhile, { url } = place) {
  const asked = Date.now();
  const { recording_id: id } = await api(url, 'POST', `/${call}/record/start`, { mode });
  const begun = Date.now();
  await meanwhile();
  const wished = Date.now();
  await api(url, 'POST', `/${call}/record/stop`);
  const least = (wished - begun) / 1000 - OFF;
  const most = (Date.now() - asked) / 1000 + OFF;
  const recording = await settled(url, id);
  assert.equal(recording.status, 'available', JSON.stringify(recording));
  return { recording, least, most };
}

const path = (recording, { name }, { recordings } = place) => join(recordings, recording.recording_id, name);

/** A file ends when the recording did, says so itself, and begins when it is said to. */
async function isOnTime(file, name, { least, most }) {
  const { format, streams } = await probe(name);
  const begins = parseFloat(format.start_time);
  // WebM counts from the recording's beginning (its Duration is when the last frame ends), MP4 from its own.
  const ends = parseFloat(format.duration) + (name.endsWith('.webm') ? 0 : begins);
  const told = (file.start_ms + file.duration_ms) / 1000;
  assert.ok(Math.abs(begins - file.start_ms / 1000) < 0.025, `${name} begins at ${begins}: ${file.start_ms} ms`);
  assert.ok(Math.abs(ends - told) < OFF, `${name} ends at ${ends}: ${told}`);
  assert.ok(told > least && told < most, `${name} ends at ${told}, and should between ${least} and ${most}`);
  return streams.map((stream) => stream.codec_name).sort();
}

/** How far each flash is from its beep, in milliseconds, in the order in which they were. */
function distances(seen, heard) {
  return seen.map((flash) => Math.round(1000 * Math.min(...heard.map((beep) => Math.abs(beep - flash)))));
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** The first and the last flashes are near their beeps. */
function belongTogether(seen, heard, seconds, t) {
  assert.ok(seen.length >= seconds * 0.7 - 2 && heard.length >= seconds * 0.7 - 2, `${seen.length} flashes, ${heard.length} beeps`);
  const apart = distances(seen, heard);
  const some = Math.min(60, Math.max(3, Math.ceil(apart.length / 4)));
  for (const [when, part] of [['at the beginning', apart.slice(0, some)], ['at the end', apart.slice(-some)]]) {
    t.diagnostic(`flash and beep are ${middle(part)} ms apart ${when} (the median of ${part.length}: ${part.join(' ')})`);
    assert.ok(middle(part) < APART * 1000, `flash and beep are ${part} ms apart ${when}`);
  }
}

test('sound and picture of a recorded call belong together from beginning to end', async (t) => {
  const ada = await comes('Ada Lovelace');
  await pause(1000);
  const made = await recorded(ada.call, 'tracks', () => pause(SECONDS * 1000));
  const { recording } = made;
  const [microphone, camera] = ['microphone', 'camera'].map((source) => recording.files.find((file) => file.source === source));
  assert.deepEqual(await isOnTime(microphone, path(recording, microphone), made), ['opus']);
  assert.deepEqual(await isOnTime(camera, path(recording, camera), made), ['vp8']);
  belongTogether(await flashes(path(recording, camera)), await beeps(path(recording, microphone)), SECONDS, t);
  await ada.close();
});

test('under five percent of loss they belong together as well', async (t) => {
  const bad = await home({ loss: 0.05 });
  const other = await bad.serve();
  t.after(async () => {
    await other.kill('SIGTERM');
    await bad.clear();
  });
  const katherine = await comes('Katherine Johnson', bad);
  await pause(1000);
  const { recording } = await recorded(katherine.call, 'tracks', () => pause(SECONDS * 1000), bad);
  const { lost, passed } = bad.network.counts;
  t.diagnostic(`${lost} datagrams lost, ${passed} passed`);
  assert.ok(lost > 20, 'the network is bad');
  const [microphone, camera] = ['microphone', 'camera'].map((source) => recording.files.find((file) => file.source === source));
  for (const file of [microphone, camera]) assert.equal(await complaints(path(recording, file, bad)), '');
  belongTogether(await flashes(path(recording, camera, bad)), await beeps(path(recording, microphone, bad)), SECONDS, t);
  await katherine.close();
});

test('after a pause sound and picture are both there again, and what was left out is cut out', async (t) => {
  const grace = await comes('Grace Hopper');
  await pause(1000);
  const { recording } = await recorded(grace.call, 'tracks', async () => {
    await pause(3000);
    await api(place.url, 'POST', `/${grace.call}/record/pause`);
    await pause(3000);
    await api(place.url, 'POST', `/${grace.call}/record/resume`);
    await pause(5000);
  });
  const [microphone, camera] = ['microphone', 'camera'].map((source) => recording.files.find((file) => file.source === source));
  const [seen, heard] = [await flashes(path(recording, camera)), await beeps(path(recording, microphone))];
  t.diagnostic(`flashes ${seen}; beeps ${heard}`);
  assert.ok(seen.at(-1) > 6 && heard.at(-1) > 6, 'both go on after the pause');
  assert.ok(recording.duration_seconds < 10, `three seconds are cut out of eleven: ${recording.duration_seconds}`);
  assert.ok(middle(distances(seen.slice(-3), heard)) < APART * 1000, 'and belong together');
  await grace.close();
});

test('recordings in one file open in every player, last as long as the call, and can be made again', async (t) => {
  const emmy = await comes('Emmy Noether');
  await pause(1000);
  for (const [mode, codecs] of [['audio', ['aac']], ['video', ['aac', 'h264']], ['composite', ['aac', 'h264']]]) {
    const made = await recorded(emmy.call, mode, () => pause(4000));
    const { recording } = made;
    assert.deepEqual(await isOnTime(recording.files[0], path(recording, recording.files[0]), made), codecs, mode);
    if (mode !== 'composite') continue;
    const file = path(recording, recording.files[0]);
    belongTogether(await flashes(file), await beeps(file), 4, t);
    await api(place.url, 'POST', `/recordings/${recording.recording_id}/compose`, { layout: 'speaker' });
    const again = await settled(place.url, recording.recording_id);
    assert.equal(again.layout, 'speaker');
    assert.deepEqual(await isOnTime(again.files[0], path(again, again.files[0]), made), codecs, 'made again');
    const { turns } = await api(place.url, 'GET', `/recordings/${recording.recording_id}/report`);
    assert.deepEqual(turns.map((turn) => turn.participant_id), [recording.files[1].participant_id], 'who spoke is told');
  }
  await emmy.close();
});

test('encodings that come and go, and a camera that is off for a while, give a file that plays', async (t) => {
  const lise = await comes('Lise Meitner', place, { face: true });
  const send = (best) => lise.page.evaluate(async (best) => {
    const sender = globalThis.__connections.at(-1).getSenders().find((one) => one.track?.kind === 'video');
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings.slice(1)) encoding.active = best;
    await sender.setParameters(parameters);
  }, best);
  const sends = (rid) => lise.page.evaluate(async (rid) => {
    const stats = [...(await globalThis.__connections.at(-1).getStats()).values()];
    return stats.some((one) => one.type === 'outbound-rtp' && one.rid === rid && one.framesSent > 10);
  }, rid);
  const made = await recorded(lise.call, 'tracks', async () => {
    await until('more than the smallest encoding is sent', () => sends('f'));
    await pause(1000);
    await send(false);
    await pause(3000);
    await send(true);
    await pause(3000);
    await control(lise, 'Camera').click();
    await pause(2000);
    await control(lise, 'Camera').click();
    await pause(3000);
  });
  const { recording, least, most } = made;
  const cameras = recording.files.filter((file) => file.source === 'camera');
  const seen = new Set();
  for (const camera of cameras) {
    assert.equal(await complaints(path(recording, camera)), '');
    for (const size of await sizes(path(recording, camera))) seen.add(size);
  }
  t.diagnostic(`${cameras.length} files of the camera, in sizes of ${[...seen]}`);
  assert.ok(seen.size > 1, `another encoding took over: ${[...seen]}`);
  const end = Math.max(...cameras.map((file) => file.start_ms + file.duration_ms)) / 1000;
  assert.ok(end > least - 0.5 && end < most, `the camera is there at the end: ${end} of ${least} to ${most}`);
  const microphone = recording.files.find((file) => file.source === 'microphone');
  assert.deepEqual(await isOnTime(microphone, path(recording, microphone), made), ['opus']);
  await lise.close();
});

test('a killed server leaves files that open, and takes them up when it is back', async (t) => {
  const lost = [];
  for (let round = 0; round < KILLS; round += 1) {
    const alan = await comes('Alan Turing');
    const { recording_id: id } = await api(place.url, 'POST', `/${alan.call}/record/start`, { mode: 'tracks' });
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
      lost.push(ran - length);
    }
    server = await place.serve(); // the call goes on for a while, and with it the recording
    await api(place.url, 'POST', `/${alan.call}/record/stop`);
    const recording = await settled(place.url, id);
    assert.equal(recording.status, 'available', JSON.stringify(recording));
    for (const file of recording.files) {
      assert.ok(file.duration_ms / 1000 > ran - LOST, `${file.name}: ${file.duration_ms} ms of ${ran.toFixed(2)} s`);
    }
    const report = await api(place.url, 'GET', `/recordings/${id}/report`);
    assert.equal(report.interruptions[0].reason, 'server_stopped');
    assert.equal(report.tracks.reduce((sum, track) => sum + track.frames_unreadable, 0), 0, JSON.stringify(report));
  }
  t.diagnostic(`${KILLS} kills, ${lost.length} files: at most ${Math.round(1000 * Math.max(...lost))} ms of the recorded time are not on disk`);
});
