/** The cipher suites of RFC 9605 §4.5, on Web Crypto. */

/** Bytes in a buffer of their own kind, as Web Crypto wants them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Seals and opens with one key (RFC 9605 §4.5). `open` rejects what was altered. */
export interface Aead {
  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes>;
  open(nonce: Bytes, aad: Bytes, sealed: Bytes): Promise<Bytes>;
}

export interface Suite {
  /** Registered number. */
  readonly id: number;
  readonly hash: 'SHA-256' | 'SHA-512';
  /** Nk, in bytes. */
  readonly keyBytes: number;
  /** Nt, in bytes. */
  readonly tagBytes: number;
  aead(key: Bytes): Promise<Aead>;
}

/** Nn: every registered suite has nonces of this many bytes. */
export const NONCE_BYTES = 12;

const TEN = 10;
const EIGHT = 8;
const FOUR = 4;

export const AES_128_CTR_HMAC_SHA256_80 = ctr(1, TEN);
export const AES_128_CTR_HMAC_SHA256_64 = ctr(2, EIGHT);
export const AES_128_CTR_HMAC_SHA256_32 = ctr(3, FOUR);
export const AES_128_GCM_SHA256_128 = gcm(4, 'SHA-256', 16);
export const AES_256_GCM_SHA512_128 = gcm(5, 'SHA-512', 32);

export const SUITES: readonly Suite[] = [
  AES_128_CTR_HMAC_SHA256_80,
  AES_128_CTR_HMAC_SHA256_64,
  AES_128_CTR_HMAC_SHA256_32,
  AES_128_GCM_SHA256_128,
  AES_256_GCM_SHA512_128,
];

/** One after another. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A number in so many bytes, the most significant first. */
export function bigEndian(value: bigint, bytes: number): Bytes {
  const out = new Uint8Array(bytes);
  for (let at = bytes - 1, rest = value; at >= 0; at -= 1, rest >>= 8n) out[at] = Number(rest & 0xffn);
  return out;
}

function gcm(id: number, hash: Suite['hash'], keyBytes: number): Suite {
  const tagBytes = 16;
  const params = (iv: Bytes, additionalData: Bytes) => ({ name: 'AES-GCM', iv, additionalData, tagLength: tagBytes * 8 });
  return {
    id,
    hash,
    keyBytes,
    tagBytes,
    async aead(raw) {
      const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
      return {
        seal: async (nonce, aad, plain) => new Uint8Array(await crypto.subtle.encrypt(params(nonce, aad), key, plain)),
        open: async (nonce, aad, sealed) => new Uint8Array(await crypto.subtle.decrypt(params(nonce, aad), key, sealed)),
      };
    },
  };
}

/** AES in counter mode, then HMAC over all of it (RFC 9605 §4.5.1). */
function ctr(id: number, tagBytes: number): Suite {
  const cipherBytes = 16;
  const keyBytes = cipherBytes + 32;
  return {
    id,
    hash: 'SHA-256',
    keyBytes,
    tagBytes,
    async aead(raw) {
      const { subtle } = crypto;
      const cipher = await subtle.importKey('raw', raw.slice(0, cipherBytes), 'AES-CTR', false, ['encrypt', 'decrypt']);
      const hmac = { name: 'HMAC', hash: 'SHA-256' };
      const mac = await subtle.importKey('raw', raw.slice(cipherBytes), hmac, false, ['sign']);
      const counter = (nonce: Bytes) => ({ name: 'AES-CTR', counter: concat(nonce, new Uint8Array(4)), length: 32 });
      const tagOf = async (nonce: Bytes, aad: Bytes, sealed: Bytes) => {
        const lengths = [aad.length, sealed.length, tagBytes].map((length) => bigEndian(BigInt(length), 8));
        const tag = await subtle.sign('HMAC', mac, concat(...lengths, nonce, aad, sealed));
        return new Uint8Array(tag, 0, tagBytes);
      };
      return {
        async seal(nonce, aad, plain) {
          const sealed = new Uint8Array(await subtle.encrypt(counter(nonce), cipher, plain));
          return concat(sealed, await tagOf(nonce, aad, sealed));
        },
        async open(nonce, aad, whole) {
          if (whole.length < tagBytes) throw new Error('shorter than its tag');
          const sealed = whole.slice(0, -tagBytes);
          if (!same(whole.subarray(-tagBytes), await tagOf(nonce, aad, sealed))) throw new Error('the tag is another one');
          return new Uint8Array(await subtle.decrypt(counter(nonce), cipher, sealed));
        },
      };
    },
  };
}

/** Takes as long for a near miss as for a far one. */
function same(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
}
