/**
 * How members hand each other their keys past the server: each has a fresh pair of keys (ECDH on P-256), proves by the
 * link's secret that it belongs here, and wraps its sender key for one other member at a time.
 */
import { concat, type Bytes } from './suites';

const text = (words: string): Bytes => new TextEncoder().encode(words);
const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const WRAP_BYTES = 32;
const IV_BYTES = 12;

/** What only those know who have the whole link. */
export class LinkSecret {
  readonly #mac: CryptoKey;
  readonly #salt: Bytes;
  readonly #room: string;

  private constructor(mac: CryptoKey, salt: Bytes, room: string) {
    this.#mac = mac;
    this.#salt = salt;
    this.#room = room;
  }

  /** HKDF (RFC 5869) of the secret in the link's fragment, with the room's id as the salt. */
  static async derive(secret: string, room: string): Promise<LinkSecret> {
    const { subtle } = crypto;
    const input = await subtle.importKey('raw', text(secret), 'HKDF', false, ['deriveBits']);
    const derive = async (info: string) => {
      const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: text(room), info: text(info) };
      return new Uint8Array(await subtle.deriveBits(hkdf, input, WRAP_BYTES * 8));
    };
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const mac = await subtle.importKey('raw', await derive('calls e2ee belongs'), hmac, false, ['sign', 'verify']);
    return new LinkSecret(mac, await derive('calls e2ee wraps'), room);
  }

  /** That this public key is this participant's, and that they have the link. */
  async vouch(participant: string, key: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.sign('HMAC', this.#mac, this.#claim(participant, key)));
  }

  vouches(participant: string, key: Bytes, mac: Bytes): Promise<boolean> {
    return crypto.subtle.verify('HMAC', this.#mac, mac, this.#claim(participant, key));
  }

  /** The key of what `from` wraps for `to`: takes the secret of the link and one of both private keys. */
  async wrapping(own: CryptoKey, their: Bytes, from: string, to: string): Promise<CryptoKey> {
    const { subtle } = crypto;
    const peer = await subtle.importKey('raw', their, CURVE, false, []);
    const shared = await subtle.deriveBits({ name: 'ECDH', public: peer }, own, 256);
    const input = await subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey']);
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: this.#salt, info: text(JSON.stringify([this.#room, from, to])) };
    return subtle.deriveKey(hkdf, input, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  }

  #claim(participant: string, key: Bytes): Bytes {
    return concat(text(JSON.stringify([this.#room, participant])), key);
  }
}

export interface KeyPair {
  own: CryptoKey;
  shown: Bytes;
}

/** A pair for one stay. The private half cannot be read, and is gone with the page. */
export async function newPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(CURVE, false, ['deriveBits']);
  return { own: privateKey, shown: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)) };
}

export async function wrap(key: CryptoKey, content: Bytes): Promise<Bytes> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  return concat(iv, new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, content)));
}

export async function unwrap(key: CryptoKey, box: Bytes): Promise<Bytes> {
  const params = { name: 'AES-GCM', iv: box.slice(0, IV_BYTES) };
  return new Uint8Array(await crypto.subtle.decrypt(params, key, box.slice(IV_BYTES)));
}

/** Base64url without padding (RFC 4648 §5). */
export function toText(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** Null for what is none. */
export function fromText(words: unknown): Bytes | null {
  if (typeof words !== 'string' || !/^[\w-]{1,2048}$/.test(words)) return null;
  try {
    return Uint8Array.from(atob(words.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
