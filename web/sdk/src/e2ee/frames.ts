/**
 * Media frames, sealed but for their first bytes. Those stay readable, and are authenticated: the packetisers of the
 * sender and the receiver look at them, and the server sees by them where a decoder can start.
 */
import { FrameKey, decodeHeader } from './sframe';
import { concat, type Bytes } from './suites';

/** What an encoded frame is, as `RTCEncodedVideoFrame.type` says; `audio` for what has no type. */
export type FrameKind = 'key' | 'delta' | 'empty' | 'audio';

/** VP8's frame tag and, of a key frame, start code and size (RFC 6386 §9.1); the TOC byte of Opus (RFC 6716 §3.1). */
export function clearBytes(kind: FrameKind): number {
  switch (kind) {
    case 'key':
      return 10;
    case 'delta':
      return 3;
    case 'audio':
      return 1;
    case 'empty':
      return 0;
  }
}

/** Seals what this client sends; one counter for all its tracks and layers. */
export class Sealer {
  #key: FrameKey | null = null;
  #ctr = 0n;

  use(key: FrameKey): void {
    this.#key = key;
  }

  /** Null before there is a key: nothing leaves unsealed. */
  async seal(frame: Bytes, kind: FrameKind): Promise<Bytes | null> {
    if (!this.#key) return null;
    const clear = frame.slice(0, clearBytes(kind));
    const ctr = this.#ctr;
    this.#ctr += 1n;
    const sealed = await this.#key.seal(ctr, frame.slice(clear.length), clear);
    return concat(clear, sealed);
  }
}

/** Opens what others sent. */
export class Opener {
  readonly #keys = new Map<bigint, FrameKey>();

  add(key: FrameKey): void {
    this.#keys.set(key.kid, key);
  }

  remove(kid: bigint): void {
    this.#keys.delete(kid);
  }

  /** Null: there is no key for it, or it was altered. Such a frame reaches no decoder. */
  async open(frame: Bytes, kind: FrameKind): Promise<Bytes | null> {
    const clear = frame.slice(0, clearBytes(kind));
    const sealed = frame.slice(clear.length);
    const header = decodeHeader(sealed);
    const key = header && this.#keys.get(header.kid);
    if (!key) return null;
    try {
      return concat(clear, await key.open(sealed, header, clear));
    } catch {
      return null;
    }
  }
}
