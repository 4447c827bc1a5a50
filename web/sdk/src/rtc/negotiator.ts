/**
 * Offers, one at a time. The client always offers and the server always answers, so there is no glare; wishes that
 * come while an exchange is under way are served together by the next one.
 */
import { ConnectionLost } from '../errors';
import type { PublishedMid } from '../types';
import { withOpusDtx } from './sdp';

/** Takes an offer to the server and brings the answer back. */
export type Exchange = (sdp: string, publish: PublishedMid[]) => Promise<string>;

export interface NegotiatorOptions {
  connection: RTCPeerConnection;
  exchange: Exchange;
  /** What is sent, on which m-lines; asked once the offer has given out the mids. */
  published: () => PublishedMid[];
  /** An answer has been applied. */
  settled: () => void;
  /** The server refused an offer, or the browser an answer. */
  refused: (error: unknown) => void;
}

export class Negotiator {
  readonly #options: NegotiatorOptions;
  #running: Promise<void> | null = null;
  #wanted = false;

  constructor(options: NegotiatorOptions) {
    this.#options = options;
  }

  /** Resolves once everything that was wanted up to now is agreed, or failed. */
  negotiate(): Promise<void> {
    this.#wanted = true;
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  /** The socket is back: an offer that was lost on the way is made again. */
  async resume(): Promise<void> {
    if (this.#wanted) await this.negotiate();
  }

  get #closed(): boolean {
    return this.#options.connection.signalingState === 'closed';
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      try {
        await this.#once();
      } catch (error) {
        if (this.#closed) return;
        if (error instanceof ConnectionLost) {
          this.#wanted = true;
          return;
        }
        await this.#rollBack();
        this.#options.refused(error);
      }
    }
  }

  async #once(): Promise<void> {
    const { connection, exchange, published, settled } = this.#options;
    await connection.setLocalDescription();
    const answer = await exchange(connection.localDescription?.sdp ?? '', published());
    await connection.setRemoteDescription({ type: 'answer', sdp: withOpusDtx(answer) });
    settled();
  }

  async #rollBack(): Promise<void> {
    const { connection } = this.#options;
    if (connection.signalingState !== 'have-local-offer') return;
    await connection.setLocalDescription({ type: 'rollback' }).catch(() => undefined);
  }
}
