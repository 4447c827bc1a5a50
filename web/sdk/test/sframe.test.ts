import { describe, expect, test } from 'vitest';
import { Opener, Sealer } from '../src/e2ee/frames';
import { FrameKey, decodeHeader, encodeHeader } from '../src/e2ee/sframe';
import { SUITES, type Bytes } from '../src/e2ee/suites';

const bytes = (hex: string): Bytes => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (all: Uint8Array): string => [...all].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** RFC 9605, appendix C.3: one for each registered suite. */
const SEALED = [
  '9901234567449408b6f490086165b9d6f62b24ae1a59a56486b4ae8ed036b88912e24f11',
  '99012345673f31438db4d09434e43afa0f8a2f00867a2be085046a9f5cb4f101d607',
  '990123456717fc8af28a5a695afcfc6c8df6358a17e26b2fcb3bae32e443',
  '9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb',
  '990123456794f509d36e9beacb0e261d99c7d1e972f1fed787d4049f17ca21353c1cc24d56ceabced279',
];
const BASE = bytes('000102030405060708090a0b0c0d0e0f');
const METADATA = bytes('4945544620534672616d65205747');
const PLAIN = bytes('64726166742d696574662d736672616d652d656e63');
const KID = 0x123n;
const CTR = 0x4567n;

describe.each(SUITES.map((suite, at) => ({ suite, sealed: SEALED[at] ?? '' })))('suite $suite.id of RFC 9605', ({ suite, sealed }) => {
  test('seals as its test vector says', async () => {
    const key = await FrameKey.derive(BASE, KID, suite);
    expect(hex(await key.seal(CTR, PLAIN, METADATA))).toBe(sealed);
  });

  test('opens its test vector, and nothing that differs by a bit', async () => {
    const key = await FrameKey.derive(BASE, KID, suite);
    const open = (frame: Bytes, metadata: Bytes) => key.open(frame, decodeHeader(frame)!, metadata);
    expect(await open(bytes(sealed), METADATA)).toEqual(PLAIN);
    const altered = bytes(sealed);
    altered[9]! ^= 1;
    await expect(open(altered, METADATA)).rejects.toThrow();
    await expect(open(bytes(sealed), PLAIN)).rejects.toThrow();
  });
});

test.each([0n, 1n, 7n, 8n, 255n, 256n, 0x123456n, 2n ** 64n - 1n])('a header holds the number %s', (value) => {
  for (const [kid, ctr] of [[value, 5n], [5n, value], [value, value]] as const) {
    const header = encodeHeader(kid, ctr);
    expect(decodeHeader(header)).toEqual({ kid, ctr, length: header.length });
    expect(decodeHeader(header.slice(0, -1))?.length ?? 0).not.toBe(header.length);
  }
});

test('headers are written as in RFC 9605, appendix C.1', () => {
  expect(hex(encodeHeader(0n, 0n))).toBe('00');
  expect(hex(encodeHeader(KID, CTR))).toBe('9901234567');
  expect(hex(encodeHeader(0n, 8n))).toBe('0808');
});

describe('media frames', () => {
  const FRAME = Uint8Array.from({ length: 40 }, (_, at) => at);

  async function pair() {
    const sealer = new Sealer();
    const opener = new Opener();
    sealer.use(await FrameKey.derive(BASE, KID));
    opener.add(await FrameKey.derive(BASE, KID));
    return { sealer, opener };
  }

  test('nothing leaves before there is a key', async () => {
    expect(await new Sealer().seal(FRAME, 'key')).toBeNull();
  });

  test('what the packetisers read stays clear, and cannot be altered', async () => {
    const { sealer, opener } = await pair();
    for (const [kind, clear] of [['key', 10], ['delta', 3], ['audio', 1]] as const) {
      const sealed = (await sealer.seal(FRAME, kind))!;
      expect(sealed.slice(0, clear)).toEqual(FRAME.slice(0, clear));
      expect(await opener.open(sealed, kind)).toEqual(FRAME);
      sealed[0]! ^= 1;
      expect(await opener.open(sealed, kind)).toBeNull();
    }
  });

  test('the same frame is never sealed alike', async () => {
    const { sealer } = await pair();
    expect(await sealer.seal(FRAME, 'key')).not.toEqual(await sealer.seal(FRAME, 'key'));
  });

  test('frames that are not sealed, of another key, or of one that was taken away, do not open', async () => {
    const { sealer, opener } = await pair();
    const sealed = (await sealer.seal(FRAME, 'delta'))!;
    expect(await opener.open(FRAME, 'delta')).toBeNull();
    const other = new Opener();
    other.add(await FrameKey.derive(bytes('ff'), KID));
    expect(await other.open(sealed, 'delta')).toBeNull();
    opener.remove(KID);
    expect(await opener.open(sealed, 'delta')).toBeNull();
  });
});
