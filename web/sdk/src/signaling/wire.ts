/** One WebSocket of the protocol `calls.v1`: requests with their answers, and events in between. */
import { ConnectionLost, ProblemError } from '../errors';
import type { Bye, Request, ServerEvent, ServerFrame } from '../types';

const SUBPROTOCOL = 'calls.v1';

/** A server that does not answer a request in this time is taken for gone. */
const ANSWER_WITHIN_MS = 10_000;

/** What the wire tells its owner. */
export interface WireOwner {
  opened(): void;
  heard(event: ServerEvent, seq: number | null): void;
  /** Told once, after everything else. */
  closed(bye: Bye | null): void;
}

export type OpenSocket = (url: string, protocol: string) => WebSocket;

interface Waiter {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Wire {
  readonly #socket: WebSocket;
  readonly #owner: WireOwner;
  readonly #waiters = new Map<number, Waiter>();
  #asked = 0;
  #bye: Bye | null = null;
  #done = false;

  constructor(url: string, owner: WireOwner, open: OpenSocket = (to, protocol) => new WebSocket(to, protocol)) {
    this.#owner = owner;
    this.#socket = open(url, SUBPROTOCOL);
    this.#socket.onopen = () => owner.opened();
    this.#socket.onmessage = ({ data }) => this.#heard(JSON.parse(String(data)) as ServerFrame);
    this.#socket.onclose = () => this.#finish();
  }

  /** Sends and forgets. */
  tell(request: Request): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(request));
  }

  /** Sends and waits for `ok`; rejects with the server's problem, or {@link ConnectionLost}. */
  ask(request: Request): Promise<unknown> {
    if (this.#socket.readyState !== this.#socket.OPEN) return Promise.reject(new ConnectionLost());
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.close(), ANSWER_WITHIN_MS);
      this.#waiters.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ id, ...request }));
    });
  }

  close(): void {
    this.#socket.close();
    this.#finish(); // a dead peer never completes the closing handshake
  }

  #heard(frame: ServerFrame): void {
    if (this.#done) return;
    if (frame.re != null) return this.#answered(frame.re, frame);
    if (frame.t === 'bye') {
      this.#bye = frame.d;
      return this.close();
    }
    this.#owner.heard(frame, frame.seq ?? null);
  }

  #answered(id: number, event: ServerEvent): void {
    const waiter = this.#waiters.get(id);
    if (!waiter) return;
    this.#waiters.delete(id);
    clearTimeout(waiter.timer);
    if (event.t === 'error') waiter.reject(new ProblemError(event.d));
    else waiter.resolve(event.d);
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    for (const { reject, timer } of this.#waiters.values()) {
      clearTimeout(timer);
      reject(new ConnectionLost());
    }
    this.#waiters.clear();
    this.#owner.closed(this.#bye);
  }
}
