/** End-to-end encryption of one stay in a room: the keys of its members, and the worker that uses them. */
import { CannotEncrypt } from '../errors';
import type { Member } from '../types';
import { LinkSecret, toText } from './envelope';
import { KeyRing, type Message, type PeerKey } from './key-ring';
import type { Order, Way } from './orders';
import { TOPIC } from './topic';

export type { PeerKey };

/** Bytes of a link's secret. */
const SECRET_BYTES = 24;

/** A secret for a new link. */
export const newSecret = (): string => toText(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));

/** Chromium's own older way, which must be asked for when the connection is made. */
interface EncodedStreams {
  createEncodedStreams?: () => { readable: ReadableStream; writable: WritableStream };
}

const hasScriptTransform = (): boolean => typeof RTCRtpScriptTransform === 'function';

/** This browser can hand encoded frames to a worker. */
export const canEncrypt = (): boolean =>
  hasScriptTransform() || (typeof RTCRtpSender === 'function' && 'createEncodedStreams' in RTCRtpSender.prototype);

export interface StayOptions {
  me: string;
  send: (topic: string, message: Message, to?: string) => void;
  /** {@link Encryption.of} may answer differently now. */
  changed: () => void;
}

/** Lives as long as the meeting; each presence in it is a {@link KeyRing} of its own. */
export class Encryption {
  readonly #link: LinkSecret;
  #worker: Worker | null = null;
  #ring: KeyRing | null = null;

  private constructor(link: LinkSecret) {
    this.#link = link;
  }

  static async with(secret: string, room: string): Promise<Encryption> {
    if (!canEncrypt()) throw new CannotEncrypt();
    return new Encryption(await LinkSecret.derive(secret, room));
  }

  /** What a connection must be made with. */
  get connectionOptions(): { encodedInsertableStreams?: true } {
    return hasScriptTransform() ? {} : { encodedInsertableStreams: true };
  }

  /** A new presence: a new worker, new keys. */
  begin({ me, send, changed }: StayOptions): void {
    this.close();
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    this.#worker = worker;
    const order = (what: Order) => worker.postMessage(what);
    this.#ring = new KeyRing({ link: this.#link, me, order, changed, send: (message, to) => send(TOPIC, message, to) });
  }

  /** The socket is open, for the first time or again. */
  announce(): void {
    void this.#ring?.announce();
  }

  hear(from: string, message: unknown): void {
    void this.#ring?.hear(from, message);
  }

  roster(members: readonly Member[]): void {
    this.#ring?.roster(members.map(({ participant_id }) => participant_id));
  }

  /** Whether what they send can be opened. */
  of(participant: string): PeerKey {
    return this.#ring?.of(participant) ?? 'pending';
  }

  /** Everything that goes this way passes through the worker. Once for each sender and receiver. */
  guard(end: RTCRtpSender | RTCRtpReceiver, way: Way): void {
    const worker = this.#worker;
    if (!worker) throw new Error('nothing seals before a presence begins');
    if (hasScriptTransform()) {
      end.transform = new RTCRtpScriptTransform(worker, { way });
      return;
    }
    const streams = (end as EncodedStreams).createEncodedStreams?.();
    if (!streams) throw new CannotEncrypt();
    const order: Order = { do: 'pipe', way, ...streams };
    worker.postMessage(order, [streams.readable, streams.writable] as unknown as Transferable[]);
  }

  close(): void {
    this.#ring?.close();
    this.#worker?.terminate();
    this.#ring = null;
    this.#worker = null;
  }
}
