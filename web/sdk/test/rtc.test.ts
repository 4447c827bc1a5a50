import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Digester } from '../src/rtc/digest';
import { askForDescriptors } from '../src/rtc/descriptors';
import { activate, bitrateFor, codecsFor, encodingsFor, fit, preferVp8, shrink } from '../src/rtc/encodings';
import { Recovery } from '../src/rtc/recovery';
import { withOpusDtx } from '../src/rtc/sdp';

const track = (settings: MediaTrackSettings) => ({ getSettings: () => settings }) as MediaStreamTrack;

test('a camera is sent in three layers, smallest first', () => {
  const layers = encodingsFor('camera', track({ width: 1280, height: 720 }));
  expect(layers.map(({ rid }) => rid)).toEqual(['q', 'h', 'f']);
  expect(layers.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
  expect(layers.at(-1)?.maxBitrate).toBe(1_700_000);
});

const sizes = (encodings: RTCRtpEncodingParameters[]) =>
  encodings.map(({ rid, scaleResolutionDownBy }) => `${rid}/${scaleResolutionDownBy}`);

test('a small camera is sent in as many layers as browsers encode of it, the whole picture among them', () => {
  expect(sizes(encodingsFor('camera', track({ width: 640, height: 480 })))).toEqual(['h/2', 'f/1']);
  expect(sizes(encodingsFor('camera', track({ width: 320, height: 240 })))).toEqual(['f/1']);
});

test('another camera in the place of one is sent whole, whichever of them is larger', () => {
  const large = encodingsFor('camera', track({ width: 1280, height: 720 }));
  fit(large, track({ width: 640, height: 360 }));
  expect(sizes(large)).toEqual(['q/2', 'h/1', 'f/1']);
  const small = encodingsFor('camera', track({ width: 640, height: 360 }));
  fit(small, track({ width: 1280, height: 720 }));
  expect(sizes(small)).toEqual(['h/2', 'f/1']);
});

test('a small picture costs less, but never nothing', () => {
  expect(bitrateFor(640, 360)).toBeLessThan(700_000);
  expect(bitrateFor(16, 16)).toBe(80_000);
});

test('layers that nobody watches are switched off, and it is told whether that changed anything', () => {
  const encodings = encodingsFor('camera', track({}));
  expect(activate(encodings, ['q'])).toBe(true);
  expect(encodings.map(({ active }) => active)).toEqual([true, false, false]);
  expect(activate(encodings, ['q'])).toBe(false);
});

test('a scalable camera is one encoding with all sizes in it, and only the smallest for who saves data', () => {
  const encodings = encodingsFor('camera', track({ width: 1280, height: 720 }), 'scalable');
  expect(encodings).toEqual([{ scalabilityMode: 'L3T3_KEY', maxBitrate: 1_700_000 }]);
  expect([shrink(encodings, true), shrink(encodings, true)]).toEqual([true, false]);
  expect(encodings[0]?.scaleResolutionDownBy).toBe(4);
  expect(shrink(encodings, false)).toBe(true);
  expect(shrink(encodingsFor('camera', track({})), true)).toBe(false);
  const codecs = ['video/VP8', 'video/rtx', 'video/VP9'].map((mimeType) => ({ mimeType }));
  expect(codecsFor('scalable', codecs).map(({ mimeType }) => mimeType)).toEqual(['video/VP9', 'video/VP8', 'video/rtx']);
});

test('VP8 goes first and nothing is taken off the offer', () => {
  const codecs = ['video/VP9', 'video/VP8', 'video/rtx'].map((mimeType) => ({ mimeType }));
  expect(preferVp8(codecs).map(({ mimeType }) => mimeType)).toEqual(['video/VP8', 'video/VP9', 'video/rtx']);
});

test('only Opus is asked to fall silent', () => {
  const answer = ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=0', 'a=fmtp:97 apt=96', ''];
  expect(withOpusDtx(answer.join('\r\n')).split('\r\n')).toEqual([
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1',
    'a=fmtp:97 apt=96',
    '',
  ]);
});

test('a digest tells growth, not totals', () => {
  const digester = new Digester();
  const report = (packetsReceived: number, packetsLost: number, freezeCount: number) =>
    [{ type: 'inbound-rtp', packetsReceived, packetsLost, freezeCount }] as unknown as RTCStats[];
  expect(digester.digest(report(90, 10, 1))).toEqual({ loss: 0.1, freezes: 1 });
  expect(digester.digest(report(190, 10, 1))).toEqual({ loss: 0, freezes: 0 });
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched() {
  const actions = { restart: vi.fn(), lost: vi.fn() };
  return { ...actions, recovery: new Recovery(actions) };
}

test('a short loss heals by itself', () => {
  const { recovery, restart } = watched();
  recovery.on('connected');
  recovery.on('disconnected');
  vi.advanceTimersByTime(1_000);
  recovery.on('connected');
  vi.advanceTimersByTime(60_000);
  expect(restart).not.toHaveBeenCalled();
});

test('a long loss restarts ICE once, and is lost when that does not help', () => {
  const { recovery, restart, lost } = watched();
  recovery.on('connected');
  recovery.on('disconnected');
  vi.advanceTimersByTime(2_000);
  recovery.on('failed');
  expect(restart).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(lost).toHaveBeenCalledTimes(1);
});

test('a connection that never comes up is lost', () => {
  const { recovery, lost } = watched();
  recovery.on('connecting');
  vi.advanceTimersByTime(15_000);
  expect(lost).toHaveBeenCalledTimes(1);
});

test('a network that changed under a healthy connection restarts ICE, and nothing is lost by that', () => {
  const { recovery, restart, lost } = watched();
  recovery.on('connected');
  recovery.nudge();
  vi.advanceTimersByTime(60_000); // the browser reports no state: none changed
  expect([restart.mock.calls.length, lost.mock.calls.length]).toEqual([1, 0]);
});

test('a network that comes back while the connection is broken is tried at once, and lost where it does not help', () => {
  const { recovery, restart, lost } = watched();
  recovery.on('connected');
  recovery.on('disconnected');
  recovery.nudge();
  expect(restart).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect([restart.mock.calls.length, lost.mock.calls.length]).toEqual([1, 1]);
});

test('a first connection that is nudged is still given up in time', () => {
  const { recovery, lost } = watched();
  recovery.nudge();
  vi.advanceTimersByTime(15_000);
  expect(lost).toHaveBeenCalledTimes(1);
});

test('a slot asks which frame is of which layer, and for nothing else that it did not ask for; where the browser cannot, it goes without', () => {
  const uris = ['urn:ietf:params:rtp-hdrext:sdes:mid', 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension', 'urn:other'];
  const directions = ['sendrecv', 'stopped', 'stopped'];
  const extensions = uris.map((uri, at) => ({ uri, direction: directions[at] }));
  const setHeaderExtensionsToNegotiate = vi.fn();
  askForDescriptors({ getHeaderExtensionsToNegotiate: () => extensions, setHeaderExtensionsToNegotiate });
  const [asked] = setHeaderExtensionsToNegotiate.mock.calls[0] as [typeof extensions];
  expect(asked.map(({ uri }) => uri)).toEqual(uris);
  expect(asked.map(({ direction }) => direction)).toEqual(['sendrecv', 'sendrecv', 'stopped']);
  expect(() => askForDescriptors({})).not.toThrow();
});
