import { expect, test } from 'vitest';
import { smallest } from '../src/rtc/encodings';
import { Figurer } from '../src/rtc/figures';

const report = (second: number, bytes: number, packets: number, lost: number) =>
  [
    { id: 'codec', type: 'codec', timestamp: 0, mimeType: 'video/VP8' },
    { id: 'lc', type: 'local-candidate', timestamp: 0, candidateType: 'relay', protocol: 'udp' },
    { id: 'pair', type: 'candidate-pair', timestamp: 0, nominated: true, state: 'succeeded', currentRoundTripTime: 0.042, localCandidateId: 'lc', availableOutgoingBitrate: 900_000 },
    { id: 'in', type: 'inbound-rtp', kind: 'video', timestamp: second * 1000, bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, codecId: 'codec', frameWidth: 640, frameHeight: 360, framesPerSecond: 15 },
  ] as unknown as RTCStats[];

test('figures are rates since the last look', () => {
  const figurer = new Figurer();
  expect(figurer.figures(report(1, 1_000, 10, 0)).flows).toEqual([]);
  const figures = figurer.figures(report(3, 126_000, 100, 10));
  expect(figures).toMatchObject({ rttMs: 42, downKbps: 500, upKbps: 0, availableKbps: 900, path: { protocol: 'udp', relayed: true } });
  expect(figures.flows).toMatchObject([{ way: 'in', codec: 'VP8', kbps: 500, width: 640, height: 360, fps: 15, loss: 0.1 }]);
});

test('a frugal sender encodes the smallest picture that is watched, and none where nobody watches', () => {
  const encodings = [{ rid: 'h' }, { rid: 'f' }];
  expect(smallest(encodings, ['h', 'f'])).toEqual(['h']);
  expect(smallest(encodings, ['f'])).toEqual(['h']);
  expect(smallest(encodings, [])).toEqual([]);
});
