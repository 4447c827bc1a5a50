/**
 * Who has whose key. Every member seals with a random sender key of its own and gives it, wrapped, to each member who
 * proves to have the link; whenever somebody leaves, everybody who stays makes a new one.
 *
 * ```text
 * newcomer ──hello──▶ all          public key, vouched for with the link's secret
 * each     ──key────▶ newcomer     the same of its own, and its sender key wrapped for this one
 * newcomer ──key────▶ each
 * ```
 */
import { fromText, newPair, toText, unwrap, wrap, type KeyPair, type LinkSecret } from './envelope';
import type { Order } from './orders';
import { bigEndian, concat, type Bytes } from './suites';

/** New keys are with everybody by then; until then the old one seals. */
const SWITCH_AFTER_MS = 400;

/** What is on its way when somebody changes keys still opens. */
const KEEP_OLD_MS = 5_000;

/** Those who leave together cost one new key. */
const ROTATE_AFTER_MS = 150;

const BASE_BYTES = 32;

/** `mismatch`: they came by a link with another secret. */
export type PeerKey = 'pending' | 'ready' | 'mismatch';

export interface KeyRingOptions {
  link: LinkSecret;
  me: string;
  send: (message: Message, to?: string) => void;
  order: (order: Order) => void;
  changed: () => void;
}

export type Message = { is: 'hello'; pub: string; mac: string } | { is: 'key'; pub: string; mac: string; box: string };

interface Sending {
  kid: bigint;
  base: Bytes;
}

interface Peer {
  pub: Bytes;
  kids: bigint[];
  /** Which of our keys they were given. */
  given: bigint | null;
}

export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #pair: Promise<KeyPair> = newPair();
  readonly #peers = new Map<string, Peer>();
  readonly #strangers = new Set<string>();
  #present: ReadonlySet<string> = new Set();
  #sending: Promise<Sending>;
  #rotation: ReturnType<typeof setTimeout> | undefined;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#sending = newSending(options.me);
    void this.#sending.then(({ kid, base }) => options.order({ do: 'seal', kid, base }));
  }

  /** Says hello; again after a socket was away, with the key for everybody: what was given meanwhile may not have arrived. */
  async announce(): Promise<void> {
    this.#options.send({ is: 'hello', ...(await this.#introduction()) });
    this.#queue = this.#queue.then(() => this.#giveAll()).catch(() => undefined);
    await this.#queue;
  }

  of(participant: string): PeerKey {
    if (participant === this.#options.me || this.#peers.get(participant)?.kids.length) return 'ready';
    return this.#strangers.has(participant) ? 'mismatch' : 'pending';
  }

  /** Who is here now. Whoever is not any more gets no further key. */
  roster(present: Iterable<string>): void {
    this.#present = new Set(present);
    for (const [id, peer] of this.#peers) {
      if (this.#present.has(id)) continue;
      this.#peers.delete(id);
      for (const kid of peer.kids) this.#options.order({ do: 'forget', kid });
      if (peer.given !== null) this.#rotateSoon();
    }
  }

  /** Messages are taken one after another, as they came. */
  hear(from: string, message: unknown): Promise<void> {
    this.#queue = this.#queue.then(() => this.#take(from, message)).catch(() => undefined);
    return this.#queue;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#rotation);
  }

  async #take(from: string, message: unknown): Promise<void> {
    const { is, pub, mac, box } = (message ?? {}) as Partial<Record<string, unknown>>;
    const shown = fromText(pub);
    const proof = fromText(mac);
    if (!shown || !proof || !this.#present.has(from) || from === this.#options.me) return;
    if (!(await this.#options.link.vouches(from, shown, proof))) return this.#meetStranger(from);
    const peer = this.#meet(from, shown);
    if (is === 'key') await this.#takeKey(from, peer, fromText(box));
    const asks = is === 'hello';
    if (asks || peer.given !== (await this.#sending).kid) await this.#give(from, peer);
  }

  /** They hear who we are, once, so that they learn that their link is another one. */
  async #meetStranger(from: string): Promise<void> {
    if (this.#peers.has(from) || this.#strangers.has(from)) return;
    this.#strangers.add(from);
    this.#options.changed();
    this.#options.send({ is: 'hello', ...(await this.#introduction()) }, from);
  }

  #meet(from: string, pub: Bytes): Peer {
    const known = this.#peers.get(from);
    if (known && toText(known.pub) === toText(pub)) return known;
    const peer: Peer = { pub, kids: known?.kids ?? [], given: null };
    this.#peers.set(from, peer);
    this.#strangers.delete(from);
    return peer;
  }

  async #takeKey(from: string, peer: Peer, box: Bytes | null): Promise<void> {
    if (!box) return;
    const { own } = await this.#pair;
    const key = await this.#options.link.wrapping(own, peer.pub, from, this.#options.me);
    const content = await unwrap(key, box);
    const kid = content.slice(0, 8).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    if (content.length !== 8 + BASE_BYTES || kid >> 40n !== (await tagOf(from))) return;
    if (peer.kids.includes(kid)) return;
    this.#options.order({ do: 'open', kid, base: content.slice(8) });
    for (const old of peer.kids) setTimeout(() => this.#forget(peer, old), KEEP_OLD_MS);
    peer.kids = [...peer.kids, kid];
    this.#options.changed();
  }

  #forget(peer: Peer, kid: bigint): void {
    peer.kids = peer.kids.filter((one) => one !== kid);
    this.#options.order({ do: 'forget', kid });
  }

  async #give(to: string, peer: Peer): Promise<void> {
    const { own } = await this.#pair;
    const { kid, base } = await this.#sending;
    const key = await this.#options.link.wrapping(own, peer.pub, this.#options.me, to);
    const box = await wrap(key, concat(bigEndian(kid, 8), base));
    peer.given = kid;
    this.#options.send({ is: 'key', ...(await this.#introduction()), box: toText(box) }, to);
  }

  async #giveAll(): Promise<void> {
    for (const [id, peer] of this.#peers) await this.#give(id, peer);
  }

  #rotateSoon(): void {
    this.#rotation ??= setTimeout(() => {
      this.#rotation = undefined;
      this.#queue = this.#queue.then(() => this.#rotate()).catch(() => undefined);
    }, ROTATE_AFTER_MS);
  }

  async #rotate(): Promise<void> {
    if (this.#closed) return;
    const fresh = await newSending(this.#options.me);
    this.#sending = Promise.resolve(fresh);
    await this.#giveAll();
    setTimeout(() => this.#options.order({ do: 'seal', kid: fresh.kid, base: fresh.base }), SWITCH_AFTER_MS);
  }

  async #introduction(): Promise<{ pub: string; mac: string }> {
    const { shown } = await this.#pair;
    return { pub: toText(shown), mac: toText(await this.#options.link.vouch(this.#options.me, shown)) };
  }
}

/** A key id: three bytes that name the sender, five that never come twice. */
async function newSending(me: string): Promise<Sending> {
  const random = crypto.getRandomValues(new Uint8Array(5)).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const base = crypto.getRandomValues(new Uint8Array(BASE_BYTES));
  return { kid: ((await tagOf(me)) << 40n) | random, base };
}

async function tagOf(participant: string): Promise<bigint> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(participant)));
  return digest.slice(0, 3).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
