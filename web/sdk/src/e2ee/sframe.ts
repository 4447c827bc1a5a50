/** SFrame (RFC 9605): one frame sealed under a key id and a counter. */
import { AES_128_GCM_SHA256_128, NONCE_BYTES, bigEndian, concat, type Aead, type Bytes, type Suite } from './suites';

export interface Header {
  kid: bigint;
  ctr: bigint;
  /** Bytes of the header itself. */
  length: number;
}

/** Writes the header (RFC 9605 §4.3): numbers below 8 sit in the first byte, others behind it. */
export function encodeHeader(kid: bigint, ctr: bigint): Bytes {
  const [k, kidBytes] = field(kid);
  const [c, ctrBytes] = field(ctr);
  return concat(Uint8Array.of((k << 4) | c), kidBytes, ctrBytes);
}

/** Reads the header; null where there is none. */
export function decodeHeader(bytes: Uint8Array): Header | null {
  const config = bytes[0];
  if (config === undefined) return null;
  const [kid, afterKid] = number(bytes, config >> 4, 1);
  const [ctr, length] = number(bytes, config & 0x0f, afterKid);
  return length > bytes.length ? null : { kid, ctr, length };
}

/** The key and the salt that belong to a key id (RFC 9605 §4.4.2). */
export class FrameKey {
  readonly kid: bigint;
  readonly #aead: Aead;
  readonly #salt: Bytes;

  private constructor(kid: bigint, aead: Aead, salt: Bytes) {
    this.kid = kid;
    this.#aead = aead;
    this.#salt = salt;
  }

  static async derive(base: Bytes, kid: bigint, suite: Suite = AES_128_GCM_SHA256_128): Promise<FrameKey> {
    const secret = await crypto.subtle.importKey('raw', base, 'HKDF', false, ['deriveBits']);
    const expand = async (what: string, bytes: number) => {
      const label = new TextEncoder().encode(`SFrame 1.0 Secret ${what} `);
      const info = concat(label, bigEndian(kid, 8), bigEndian(BigInt(suite.id), 2));
      const hkdf = { name: 'HKDF', hash: suite.hash, salt: new Uint8Array(), info };
      return new Uint8Array(await crypto.subtle.deriveBits(hkdf, secret, bytes * 8));
    };
    const aead = await suite.aead(await expand('key', suite.keyBytes));
    return new FrameKey(kid, aead, await expand('salt', NONCE_BYTES));
  }

  /** Header and ciphertext. A counter must never come twice. */
  async seal(ctr: bigint, plaintext: Bytes, metadata: Bytes): Promise<Bytes> {
    const header = encodeHeader(this.kid, ctr);
    return concat(header, await this.#aead.seal(this.#nonce(ctr), concat(header, metadata), plaintext));
  }

  /** What was sealed; rejects what was altered, or sealed with another key. */
  open(frame: Bytes, { ctr, length }: Header, metadata: Bytes): Promise<Bytes> {
    const aad = concat(frame.subarray(0, length), metadata);
    return this.#aead.open(this.#nonce(ctr), aad, frame.slice(length));
  }

  #nonce(ctr: bigint): Bytes {
    const nonce = bigEndian(ctr, NONCE_BYTES);
    for (let at = 0; at < NONCE_BYTES; at += 1) nonce[at] = (nonce[at] ?? 0) ^ (this.#salt[at] ?? 0);
    return nonce;
  }
}

/** Four bits for the first byte, and what follows it. */
function field(value: bigint): [number, Bytes] {
  if (value < 8n) return [Number(value), new Uint8Array()];
  let bytes = 1;
  while (bytes < 8 && value >> BigInt(8 * bytes) > 0n) bytes += 1;
  return [0x08 | (bytes - 1), bigEndian(value, bytes)];
}

function number(bytes: Uint8Array, bits: number, at: number): [bigint, number] {
  if ((bits & 0x08) === 0) return [BigInt(bits), at];
  const end = at + (bits & 0x07) + 1;
  let value = 0n;
  for (let here = at; here < end; here += 1) value = (value << 8n) | BigInt(bytes[here] ?? 0);
  return [value, end];
}
