// A camera that comes as one scalable stream (SVC), from another client or from our own page where somebody chose so: each tile gets the layer that it has use for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inside, menu, until } from '../support/meeting.mjs';
import { api } from '../support/server.mjs';
import { world } from '../support/world.mjs';

const PATIENCE_MS = 30_000;

const here = world();

async function come(name, room) {
  const { connection } = await api(here.url, 'POST', `/rooms/${room}/join`, { user_id: name, display_name: name });
  const { page } = await here.open(name, '/');
  return { page, connection };
}

/** Publishes a moving picture by WHIP. */
async function publish({ room, token, codec, mode, width, height }) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  let at = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${at % 360} 60% 50%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = 'white';
    context.fillRect((at += 7) % width, height / 2, 80, 80);
  }, 66);
  const connection = new RTCPeerConnection();
  const [track] = canvas.captureStream(15).getVideoTracks();
  const sendEncodings = [{ scalabilityMode: mode, maxBitrate: 1_500_000 }];
  const transceiver = connection.addTransceiver(track, { direction: 'sendonly', sendEncodings });
  const { codecs } = RTCRtpReceiver.getCapabilities('video');
  const wanted = ({ mimeType, sdpFmtpLine }) => mimeType === codec && /profile(-id)?=0/.test(sdpFmtpLine);
  transceiver.setCodecPreferences(codecs.filter((one) => wanted(one) || one.mimeType === 'video/rtx'));
  await connection.setLocalDescription();
  const response = await fetch(`/api/v1/calls/whip/${room}`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${token}` },
    body: connection.localDescription.sdp,
  });
  const sdp = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${sdp}`);
  await connection.setRemoteDescription({ type: 'answer', sdp });
}

/** Watches by one slot; `__resize` says how large its tile is. `described`: asks for what says which frame is of which layer, as our page does. */
async function watch({ token, ws_url, described = false }) {
  const socket = new WebSocket(ws_url, 'calls.v1');
  const say = (frame) => socket.send(JSON.stringify(frame));
  const heard = (wanted) =>
    new Promise((done) =>
      socket.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(data);
        if (wanted(frame)) done(frame.d);
      }),
    );
  await new Promise((done) => (socket.onopen = done));
  const welcome = heard(({ t }) => t === 'welcome');
  say({ t: 'hello', d: { token } });
  await welcome;
  const connection = new RTCPeerConnection();
  const slot = connection.addTransceiver('video', { direction: 'recvonly' });
  if (described) {
    const all = slot.getHeaderExtensionsToNegotiate();
    slot.setHeaderExtensionsToNegotiate(all.map((one) => (one.uri.includes('dependency-descriptor') ? { ...one, direction: 'sendrecv' } : one)));
  }
  connection.ontrack = ({ track }) => {
    const video = Object.assign(document.createElement('video'), { muted: true, srcObject: new MediaStream([track]) });
    document.body.append(video);
    video.play();
  };
  globalThis.__resize = (width, height) => say({ t: 'view', id: 2, d: { slots: [{ mid: '0', width, height }] } });
  globalThis.__resize(240, 135);
  await connection.setLocalDescription();
  const answer = heard(({ re }) => re === 1);
  say({ t: 'offer', id: 1, d: { sdp: connection.localDescription.sdp } });
  await connection.setRemoteDescription({ type: 'answer', ...(await answer) });
}

/** What arrives in the slot. */
const seen = (page) =>
  page.evaluate(async () => {
    const stats = [...(await globalThis.__connections.at(-1).getStats()).values()];
    const { frameWidth, framesDecoded = 0, freezeCount = 0 } = stats.find(({ type }) => type === 'inbound-rtp') ?? {};
    return { frameWidth, framesDecoded, freezeCount };
  });

/** Pictures so wide are shown, and go on. */
async function shows(page, width) {
  await until(`${width} pixels`, async () => (await seen(page)).frameWidth === width, PATIENCE_MS);
  const { framesDecoded } = await seen(page);
  const moved = async () => {
    const now = await seen(page);
    return now.framesDecoded > framesDecoded + 15 && now.frameWidth === width;
  };
  await until(`${width} pixels that move`, moved, PATIENCE_MS);
}

const SMALL = [240, 135];
const LARGE = [1280, 720];

for (const mode of ['L3T3_KEY', 'L3T3']) {
  test(`VP9 ${mode}: a small tile gets the small picture, a large one the large, and back`, async () => {
    const room = await here.room();
    const camera = await come('Camera', room);
    await camera.page.evaluate(publish, { room, token: camera.connection.token, codec: 'video/VP9', mode, width: 1280, height: 720 });
    const { page, connection } = await come('Watcher', room);
    await page.evaluate(watch, connection);
    for (const [tile, width] of [[SMALL, 320], [LARGE, 1280], [SMALL, 320]]) {
      await page.evaluate((size) => globalThis.__resize(...size), tile);
      await shows(page, width);
    }
    await camera.page.close();
    await page.close();
  });
}

test('AV1 L3T3_KEY: each tile gets its picture where the browser asked which frame is of which layer, else all get the small one', async () => {
  const room = await here.room();
  const camera = await come('Camera', room);
  // Of the three sizes Chromium makes two of a picture this small.
  await camera.page.evaluate(publish, { room, token: camera.connection.token, codec: 'video/AV1', mode: 'L3T3_KEY', width: 640, height: 360 });
  const { page, connection } = await come('Watcher', room);
  await page.evaluate(watch, { ...connection, described: true });
  const blind = await come('Blind', room);
  await blind.page.evaluate(watch, blind.connection);
  await blind.page.evaluate((size) => globalThis.__resize(...size), LARGE);
  for (const [tile, width] of [[SMALL, 320], [LARGE, 640], [SMALL, 320]]) {
    await page.evaluate((size) => globalThis.__resize(...size), tile);
    await shows(page, width);
    await shows(blind.page, 320);
  }
  await Promise.all([camera, { page }, blind].map((one) => one.page.close()));
});

/** What our own page sends of its camera. */
const sent = ({ page }) =>
  page.evaluate(async () => {
    const stats = [...(await globalThis.__connections.at(-1).getStats()).values()];
    const cameras = stats.filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video');
    return cameras.map(({ rid, scalabilityMode, codecId, frameWidth }) => ({ rid, scalabilityMode, codec: stats.find(({ id }) => id === codecId)?.mimeType, frameWidth }));
  });

test('who chooses one scalable stream in the settings sends that from the next meeting on, and small tiles get a small picture of it', async () => {
  const room = await here.room();
  const ada = await here.join('Ada', room);
  await ada.page.getByRole('button', { name: 'Settings' }).click();
  await ada.page.getByLabel('Sending my picture').selectOption('scalable');
  await ada.page.reload();
  await inside(ada);
  // Of the three sizes Chromium makes two of a camera this small.
  const { page, connection } = await come('Watcher', room);
  await page.evaluate(watch, connection);
  const answer = await ada.page.evaluate(() => globalThis.__connections.at(-1).remoteDescription.sdp);
  const slots = answer.split('\nm=').filter((media) => /^video/.test(media) && /a=sendonly/.test(media));
  assert.ok(slots.length > 0 && slots.every((slot) => slot.includes('dependency-descriptor')), 'our page asks which frame is of which layer');
  let last;
  const one = async () => {
    last = await sent(ada);
    return last.length === 1 && last[0].codec === 'video/VP9' && last[0].scalabilityMode === 'L2T3_KEY';
  };
  await until('one stream is sent', one).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)}`));
  for (const [tile, width] of [[[640, 360], 640], [[240, 135], 320]]) {
    await page.evaluate((size) => globalThis.__resize(...size), tile);
    await shows(page, width);
  }
  await (await menu(ada, 'Save data')).click();
  await until('only the smallest is sent', async () => (await sent(ada))[0].frameWidth === 160);
  await ada.close();
  await page.close();
});

test('nobody’s page logged an error', () => here.assertNoErrors());
