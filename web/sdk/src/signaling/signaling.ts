/**
 * A signaling session over as many sockets as it takes.
 *
 * ```text
 * enter() ──▶ hello ──▶ welcome ──▶ (events) ──socket drops──▶ hello + resume ──▶ welcome (resumed)
 *    ▲                                                               │
 *    └──────────────── the server lost us, or we were away too long ─┘
 * ```
 */
import { Emitter } from '../emitter';
import { ConnectionLost, ProblemError } from '../errors';
import type { Bye, ByeReason, Connection, ProblemDetails, Request, ServerEvent, Welcome } from '../types';
import { afterwards } from './afterwards';
import { backoff, EAGER_CAP_MS } from './backoff';
import { Wire, type OpenSocket } from './wire';

/** Nobody answered for this long: stop trying and let the person decide. */
const GIVE_UP_AFTER_MS = 120_000;

/** How long the server keeps a place, until its `welcome` says so. */
const KEPT_FOR_MS = 30_000;

/** A link that held this long was a good one: the next failure starts counting anew. */
const STEADY_AFTER_MS = 5_000;

/** A fresh pass that leads nowhere this often will not lead anywhere. */
const LOST_AT_ONCE = 3;

/** How to say hello: a token, and where. A page that is loaded again comes back to its presence with the last one. */
export type Pass = Pick<Connection, 'token' | 'ws_url'>;

/** What continues a session over another socket. */
interface Ticket {
  session: string;
  lastSeq: number;
}

/** Why it is over for good. */
export type Ending =
  | { by: 'bye'; reason: ByeReason }
  | { by: 'problem'; problem: ProblemDetails }
  | { by: 'unreachable' };

export interface SignalingEvents {
  /** Inside. `resumed`: the very session as before, its media never stopped. */
  welcome: { welcome: Welcome; resumed: boolean };
  event: ServerEvent;
  link: 'up' | 'down';
  over: Ending;
}

export interface SignalingOptions {
  /** Joins; asked again whenever the old place is lost. */
  enter: () => Promise<Pass>;
  /** Tried before entering; may no longer be good. */
  pass?: Pass | null;
  openSocket?: OpenSocket;
}

export class Signaling extends Emitter<SignalingEvents> {
  readonly #options: SignalingOptions;
  #pass: Pass | null;
  #ticket: Ticket | null = null;
  /** The pass may be stale: it is from before, not from the door. */
  #returning = false;
  #wire: Wire | null = null;
  #place: 'none' | 'waiting' | 'inside' = 'none';
  #over = false;
  #failures = 0;
  #lostAtOnce = 0;
  #downSince = Date.now();
  #upSince = 0;
  #keptForMs = KEPT_FOR_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SignalingOptions) {
    super();
    this.#options = options;
    this.#pass = options.pass ?? null;
    this.#returning = this.#pass !== null;
  }

  get pass(): Pass | null {
    return this.#pass;
  }

  /** Inside, or in the line in front of the door: the server hears us. */
  get attached(): boolean {
    return this.#place !== 'none';
  }

  get up(): boolean {
    return this.#place === 'inside';
  }

  start(): void {
    this.#downSince = Date.now();
    void this.#reopen();
  }

  ask(request: Request): Promise<unknown> {
    return this.#wire?.ask(request) ?? Promise.reject(new ConnectionLost());
  }

  tell(request: Request): void {
    this.#wire?.tell(request);
  }

  /** The network changed under us: do not wait for the socket to notice. */
  nudge(): void {
    if (this.#over) return;
    if (this.#wire) this.#wire.close();
    else if (this.#timer !== undefined) this.#later(0, () => this.#reopen());
  }

  /** This place is beyond repair: join anew. */
  rejoin(): void {
    this.#forget();
    this.#wire?.close();
  }

  /** Goes for good. */
  async leave(): Promise<void> {
    const said = this.ask({ t: 'leave', d: {} }).catch(() => undefined);
    await Promise.race([said, new Promise((done) => setTimeout(done, 500))]);
    this.#finish({ by: 'bye', reason: 'left' });
  }

  async #enter(): Promise<void> {
    try {
      this.#pass = await this.#options.enter();
      this.#returning = false;
    } catch (error) {
      if (this.#over) return;
      if (error instanceof ProblemError && !error.passing) {
        return this.#finish({ by: 'problem', problem: error.problem });
      }
      return this.#retry(() => this.#enter());
    }
    if (!this.#over) this.#open(this.#pass);
  }

  async #reopen(): Promise<void> {
    if (this.#pass) this.#open(this.#pass);
    else await this.#enter();
  }

  #open({ token, ws_url }: Pass): void {
    const ticket = this.#ticket;
    const resume = ticket && { resume: { session: ticket.session, last_seq: ticket.lastSeq } };
    const wire = new Wire(
      ws_url,
      {
        opened: () => wire.tell({ t: 'hello', d: { token, ...resume } }),
        heard: (event, seq) => this.#heard(event, seq),
        closed: (bye) => this.#closed(bye),
      },
      this.#options.openSocket,
    );
    this.#wire = wire;
  }

  #heard(event: ServerEvent, seq: number | null): void {
    if (event.t === 'welcome') this.#welcome(event.d);
    if (event.t === 'waiting') this.#place = 'waiting';
    if (seq !== null && this.#ticket) this.#ticket.lastSeq = Math.max(seq, this.#ticket.lastSeq);
    if (event.t !== 'welcome') this.emit('event', event);
  }

  #welcome(welcome: Welcome): void {
    const before = this.#ticket;
    const resumed = before?.session === welcome.session;
    this.#ticket = { session: welcome.session, lastSeq: resumed ? before.lastSeq : 0 };
    this.#pass = { token: welcome.resume_token, ws_url: this.#pass?.ws_url ?? '' };
    this.#returning = true;
    this.#keptForMs = welcome.limits.resume_seconds * 1000;
    this.#place = 'inside';
    this.#upSince = Date.now();
    this.emit('link', 'up');
    this.emit('welcome', { welcome, resumed });
  }

  #closed(bye: Bye | null): void {
    this.#wire = null;
    const welcomed = this.#place !== 'none';
    const returning = this.#returning && !welcomed;
    this.#lostAtOnce = bye?.reason === 'lost' && !welcomed && !returning ? this.#lostAtOnce + 1 : 0;
    if (this.#place !== 'none') this.#lost(this.#place);
    if (this.#over) return;
    if (this.#lostAtOnce === LOST_AT_ONCE) return this.#finish({ by: 'bye', reason: 'lost' });
    const next = afterwards({ bye, returning, downForMs: Date.now() - this.#downSince, keptForMs: this.#keptForMs });
    if (next.do === 'stop') return this.#finish({ by: 'bye', reason: next.reason });
    if (next.do === 'rejoin') this.#forget();
    this.#retry(() => this.#reopen());
  }

  #lost(place: 'waiting' | 'inside'): void {
    this.#place = 'none';
    this.#downSince = Date.now();
    if (Date.now() - this.#upSince > STEADY_AFTER_MS) this.#failures = 0;
    if (place === 'inside' && !this.#over) this.emit('link', 'down');
  }

  #forget(): void {
    this.#ticket = null;
    this.#pass = null;
  }

  #retry(again: () => Promise<void>): void {
    if (Date.now() - this.#downSince > GIVE_UP_AFTER_MS) return this.#finish({ by: 'unreachable' });
    const kept = Date.now() - this.#downSince < this.#keptForMs;
    this.#later(backoff(this.#failures++, Math.random, kept ? EAGER_CAP_MS : undefined), again);
  }

  #later(ms: number, run: () => Promise<void>): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void run();
    }, ms);
  }

  #finish(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#forget();
    this.#wire?.close();
    this.emit('over', ending);
  }
}
