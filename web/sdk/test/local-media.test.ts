import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { asSeen } from '../src/devices/background';
import { LocalMedia } from '../src/devices/local-media';

vi.mock('../src/devices/background', async (original) => {
  const real = await original<typeof import('../src/devices/background')>();
  return { ...real, asSeen: vi.fn((raw: MediaStreamTrack) => Promise.resolve(raw)) };
});

type Kind = 'audio' | 'video';

class FakeTrack {
  enabled = true;
  stopped = false;
  onended: (() => void) | null = null;
  constructor(readonly kind: Kind) {}
  stop(): void {
    this.stopped = true;
  }
  getSettings(): MediaTrackSettings {
    return {};
  }
}

/** Questions of the browser that the person has not answered yet. */
let asked: { answer: (...kinds: Kind[]) => FakeTrack[]; refuse: () => void }[] = [];

function ask(): Promise<{ getTracks: () => FakeTrack[] }> {
  return new Promise((resolve, reject) => {
    const answer = (...kinds: Kind[]) => {
      const tracks = kinds.map((kind) => new FakeTrack(kind));
      resolve({ getTracks: () => tracks });
      return tracks;
    };
    asked.push({ answer, refuse: () => reject(Object.assign(new Error(), { name: 'NotAllowedError' })) });
  });
}

const answer = (...kinds: Kind[]) => asked.shift()!.answer(...kinds);

beforeEach(() => {
  asked = [];
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: ask, getDisplayMedia: ask } });
});
afterEach(() => vi.unstubAllGlobals());

test('a camera that was left before its question was answered is closed again', async () => {
  const local = new LocalMedia();
  const opening = local.open();
  local.close();
  const tracks = answer('audio', 'video');
  await opening;
  expect(tracks.map(({ stopped }) => stopped)).toEqual([true, true]);
  expect([local.state.microphone.on, local.state.camera.on]).toEqual([false, false]);
});

test('a background that is ready only after the person left shows nobody', async () => {
  const local = new LocalMedia({}, undefined, { background: 'blur' });
  let ready = () => {};
  vi.mocked(asSeen).mockImplementationOnce((raw) => new Promise((done) => (ready = () => done(raw))));
  const opening = local.turn('camera', true);
  const [camera] = answer('video');
  await vi.waitFor(() => expect(asSeen).toHaveBeenCalled());
  local.close();
  ready();
  await opening;
  expect(camera!.stopped).toBe(true);
  expect(local.state.camera).toEqual({ track: null, on: false, failure: null });
});

test('a screen that is picked after the call was left is not shared', async () => {
  const local = new LocalMedia();
  const sharing = local.shareScreen();
  local.close();
  const tracks = answer('video', 'audio');
  await sharing;
  expect(tracks.every(({ stopped }) => stopped)).toBe(true);
  expect([local.state.screen.on, local.state.screen_audio.on]).toEqual([false, false]);
});

test('whoever is muted while another microphone takes its place stays muted', async () => {
  const local = new LocalMedia();
  const opening = local.turn('microphone', true);
  answer('audio');
  await opening;
  const choosing = local.choose('microphone', 'headset');
  local.mutedFromAfar('microphone');
  const [headset] = answer('audio');
  await choosing;
  expect(local.state.microphone).toMatchObject({ track: headset, on: false });
  expect(headset!.enabled).toBe(false);

  const sounding = local.sound({ echoCancellation: true, autoGainControl: true, noise: 'off' });
  const [again] = answer('audio');
  await sounding;
  expect([local.state.microphone.on, again!.enabled, headset!.stopped]).toEqual([false, false, true]);
});

test('a muted microphone that is unplugged does not come back live', async () => {
  const local = new LocalMedia();
  const opening = local.open({ microphone: true, camera: false });
  const [first] = answer('audio');
  await opening;
  await local.turn('microphone', false);
  first!.onended?.();
  const [second] = answer('audio');
  await vi.waitFor(() => expect(local.state.microphone.track).toBe(second));
  expect([local.state.microphone.on, second!.enabled]).toEqual([false, false]);
});

test('a camera that is switched off while it opens stays closed, and the microphone beside it opens', async () => {
  const local = new LocalMedia();
  const opening = local.open();
  await local.turn('camera', false);
  const [microphone, camera] = answer('audio', 'video');
  await opening;
  expect(local.state.microphone).toMatchObject({ track: microphone, on: true });
  expect([camera!.stopped, local.state.camera.on]).toEqual([true, false]);
});

test('a look that is chosen while the one before is being made is what others see', async () => {
  const local = new LocalMedia({}, undefined, { background: 'blur' });
  const opening = local.turn('camera', true);
  const showing = local.show({ background: 'image' });
  const [blurred] = answer('video');
  const [pictured] = answer('video');
  await Promise.all([opening, showing]);
  expect(blurred!.stopped).toBe(true);
  expect(local.state.camera.track).toBe(pictured);
});

test('a refusal of what nobody wants any more is no failure', async () => {
  const local = new LocalMedia();
  const opening = local.turn('camera', true);
  await local.turn('camera', false);
  asked.shift()!.refuse();
  await opening;
  expect(local.state.camera.failure).toBeNull();
});

test('where one question opens nothing, each device says why for itself', async () => {
  const local = new LocalMedia();
  const opening = local.open();
  asked.shift()!.refuse();
  await vi.waitFor(() => expect(asked.length).toBe(2));
  answer('audio');
  asked.shift()!.refuse();
  await opening;
  expect(local.state.microphone.on).toBe(true);
  expect(local.state.camera).toEqual({ track: null, on: false, failure: 'denied' });
});

test('another camera takes over, and the one before is closed', async () => {
  const local = new LocalMedia();
  const opening = local.turn('camera', true);
  const [first] = answer('video');
  await opening;
  const choosing = local.choose('camera', 'other');
  const [other] = answer('video');
  await choosing;
  expect([first!.stopped, local.state.camera.track, local.state.camera.on]).toEqual([true, other, true]);
});

test('a device that was chosen is asked for firmly, and one that is gone gives way to any', async () => {
  const wishes: unknown[] = [];
  const gone = Object.assign(new Error(), { name: 'OverconstrainedError' });
  const getUserMedia = ({ audio }: { audio: MediaTrackConstraints }) => {
    wishes.push(audio.deviceId);
    return wishes.length === 1 ? Promise.reject(gone) : Promise.resolve({ getTracks: () => [new FakeTrack('audio')] });
  };
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } });
  const local = new LocalMedia({ microphone: 'headset' });
  await local.turn('microphone', true);
  expect(wishes).toEqual([{ exact: 'headset' }, { ideal: 'headset' }]);
  expect(local.state.microphone).toMatchObject({ on: true, failure: null });
});
