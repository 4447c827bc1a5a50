/**
 * What to do about a media path that breaks: first an ICE restart over the same session, then, where that does not
 * help in time, a new one.
 *
 * ```text
 * connected ──disconnected (a moment)──▶ restart ──no success in time──▶ lost
 *     ▲                                     │
 *     └─────────────── connected ───────────┘
 * ```
 */

/** Short losses heal by themselves; a restart then would only disturb. */
const PATIENCE_MS = 1_500;

/** A restart that has not connected by then is not going to. */
const RESTART_WITHIN_MS = 10_000;

/** The first connection of a session; DTLS over a slow path takes its time. */
const CONNECT_WITHIN_MS = 15_000;

export interface RecoveryActions {
  restart(): void;
  lost(): void;
}

export class Recovery {
  readonly #actions: RecoveryActions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restarting = false;
  #broken = false;

  constructor(actions: RecoveryActions) {
    this.#actions = actions;
    this.#after(CONNECT_WITHIN_MS, () => actions.lost());
  }

  on(state: RTCPeerConnectionState): void {
    this.#broken = state === 'disconnected' || state === 'failed';
    switch (state) {
      case 'connected':
        this.#restarting = false;
        return this.stop();
      case 'disconnected':
        if (!this.#restarting) this.#after(PATIENCE_MS, () => this.#restart());
        return;
      case 'failed':
        if (!this.#restarting) this.#restart();
        return;
      case 'closed':
        return this.#actions.lost();
      case 'new':
      case 'connecting':
        return;
    }
  }

  /**
   * The network changed: try the new one without waiting for the old one to fail. Where nothing has failed, no success is heard of either
   * (W3C WebRTC §4.4.3: a restart of a healthy connection changes no state), so there is nothing to be lost by.
   */
  nudge(): void {
    if (this.#restarting) return;
    if (this.#broken) this.#restart();
    else this.#actions.restart();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    this.#restarting = true;
    this.#after(RESTART_WITHIN_MS, () => this.#actions.lost());
    this.#actions.restart();
  }

  #after(ms: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, ms);
  }
}
