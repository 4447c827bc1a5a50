/** One visit to a room: from the lobby through the meeting to the goodbye. */
import { CallsClient, loadEncryption, ProblemError, subjectOf, type Encryption, type Ending, type Pass, type RoomNow } from '@calls/sdk';
import { effect, signal } from '@preact/signals';
import { local, localState } from './devices';
import type { Claim } from './identity';
import { identity, passwordOf, rememberName, rememberPassword, rememberStay, stayIn, type Stay } from './memory';
import { MeetingStore } from './meeting-store';
import { refusalOf, type Refusal } from './refusal';

export type Phase =
  /** Loaded again; on the way back to where it was. */
  | { is: 'returning' }
  | { is: 'lobby' }
  | { is: 'meeting'; store: MeetingStore }
  /** There is no door here, or none for us. */
  | { is: 'nowhere'; why: 'not-found' | 'unauthorized' }
  | { is: 'over'; ending: Ending };

/** Whoever stands in front of the door sees what goes on inside, but not at once. */
const LOOK_EVERY_MS = 10_000;

export class Visit {
  readonly roomId: string;
  /** What all media is encrypted with, end to end; null: nothing is. The server never sees it. */
  readonly secret: string | null;
  readonly phase = signal<Phase>({ is: 'returning' });
  readonly room = signal<RoomNow | null>(null);
  readonly refusal = signal<Refusal | null>(null);
  readonly joining = signal(false);
  readonly #token: string | null;
  /** The newest token of an invitation. Once its place is over, it still asks for another one. */
  #bearer: string | null;
  /** The invitation's own place is taken first. */
  #fresh = true;
  #claim: Promise<Claim> | null = null;
  #name = '';
  #password: string;
  #prepared = false;
  #closed = false;

  constructor(roomId: string, token: string | null, secret: string | null) {
    this.roomId = roomId;
    this.secret = secret;
    this.#token = token;
    this.#bearer = token;
    this.#password = passwordOf(roomId);
    void this.#arrive();
  }

  /** Whoever comes with a token has a name already. */
  get asksName(): boolean {
    return this.#token === null;
  }

  /** The room is encrypted end to end, and the link that led here holds no secret. */
  get lacksSecret(): boolean {
    return this.secret === null && this.room.value?.encryption === 'e2ee';
  }

  get asksPassword(): boolean {
    if (this.refusal.value?.password) return true;
    return this.asksName && !this.#password && (this.room.value?.settings.require_password ?? false);
  }

  /** Opens the devices for the lobby; once, so that what was switched off there stays off. */
  prepare(): void {
    if (this.#prepared) return;
    this.#prepared = true;
    void local.open();
  }

  /** Looks every now and then who is inside and what becomes of their words, until the returned function is called. */
  watch(): () => void {
    const timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }

  /** Knocks at the door; what it says is in {@link refusal}, or the phase moves on. */
  async join(name: string, password: string): Promise<void> {
    this.#name = name;
    this.#password = password || this.#password;
    this.joining.value = true;
    try {
      const encryption = await this.#encryption();
      const pass = await this.#enter();
      if (this.asksName) rememberName(name);
      this.refusal.value = null;
      this.#begin(pass, encryption);
    } catch (error) {
      this.#refused(refusalOf(error));
    } finally {
      this.joining.value = false;
    }
  }

  /** Back to the lobby. */
  again(): void {
    this.phase.value = { is: 'lobby' };
    void this.#look();
  }

  /** The page is at another address now. */
  close(): void {
    this.#closed = true;
    if (this.phase.value.is === 'meeting') void this.phase.value.store.meeting.leave();
    void this.#claim?.then(({ release }) => release());
    local.close();
  }

  async #arrive(): Promise<void> {
    if (this.asksName) this.#claim = identity.claim(this.roomId);
    // A tab that was duplicated brings the stay of another one that is still there.
    const returning = this.#claim ? (await this.#claim).returning : true;
    const stay = stayIn(this.roomId);
    if (this.#closed) return;
    if (stay && returning) await this.#comeBack(stay);
    else this.again();
  }

  async #enter(): Promise<Pass> {
    if (this.#token && this.#fresh) {
      this.#fresh = false;
      return { token: this.#token, ws_url: client.socketUrl };
    }
    const { microphone, camera } = localState.value;
    const { connection } = await this.#client.joinRoom(this.roomId, {
      user_id: await this.#user(),
      ...(this.#name && { display_name: this.#name }),
      audio: microphone.on,
      video: camera.on,
      ...(this.#password && { password: this.#password }),
    });
    return connection;
  }

  async #user(): Promise<string> {
    if (this.#bearer) return subjectOf(this.#bearer) ?? '';
    this.#claim ??= identity.claim(this.roomId);
    return (await this.#claim).userId;
  }

  get #client(): CallsClient {
    return this.#bearer ? new CallsClient({ key: this.#bearer }) : client;
  }

  /** The tab was loaded again: no lobby, the devices as they were, the same place. */
  async #comeBack({ pass, name, microphone, camera }: Stay): Promise<void> {
    this.#name = name;
    this.#fresh = false;
    if (this.#token) this.#bearer = pass.token;
    this.#prepared = true;
    try {
      const encryption = await this.#encryption();
      if (this.#closed) return;
      // Beside everything else: whoever is asked for their devices once more keeps their place meanwhile.
      void local.open({ microphone, camera });
      this.#begin(pass, encryption);
    } catch (error) {
      this.#refused(refusalOf(error));
      if (!this.#closed) this.again();
    }
  }

  async #encryption(): Promise<Encryption | null> {
    if (this.secret === null) return null;
    const { Encryption } = await loadEncryption();
    return Encryption.with(this.secret, this.roomId);
  }

  #begin(pass: Pass, encryption: Encryption | null): void {
    const store = new MeetingStore({ local, pass, encryption, enter: () => this.#enter() });
    this.phase.value = { is: 'meeting', store };
    let held: Pass | null = null;
    let wasInside = false;
    store.meeting.on('pass', (fresh) => {
      held = fresh;
      if (fresh && this.#token) this.#bearer = fresh.token;
    });
    const forget = effect(() => {
      void localState.value;
      const name = store.self.value?.display_name ?? this.#name;
      if (store.state.value.is !== 'inside' || !held) return;
      if (!wasInside) rememberPassword(this.roomId, this.#password);
      wasInside = true;
      this.#name = name;
      rememberStay(this.roomId, { pass: held, name, microphone: local.wished('microphone'), camera: local.wished('camera') });
    });
    store.meeting.on('state', (state) => {
      if (state.is !== 'over') return;
      forget();
      this.#end(state.ending, wasInside);
    });
  }

  #end(ending: Ending, wasInside: boolean): void {
    rememberStay(this.roomId, null);
    if (this.#closed) return;
    // Whoever stops waiting is back in front of the door.
    if (ending.by === 'bye' && ending.reason === 'left' && !wasInside) return this.again();
    if (ending.by === 'problem') {
      const refusal = refusalOf(ending.problem);
      if (refusal.password || refusal.nowhere) {
        // A rejoin met a door that wants its password again, or none.
        this.#refused(refusal);
        return refusal.nowhere ? undefined : this.again();
      }
    }
    this.#leaveDevices();
    this.phase.value = { is: 'over', ending };
  }

  #refused(refusal: Refusal): void {
    if (refusal.password) {
      this.#password = '';
      rememberPassword(this.roomId, '');
    }
    this.refusal.value = refusal;
    if (refusal.nowhere) this.#nowhere(refusal.nowhere);
  }

  #nowhere(why: 'not-found' | 'unauthorized'): void {
    this.#leaveDevices();
    this.phase.value = { is: 'nowhere', why };
  }

  #leaveDevices(): void {
    this.#prepared = false;
    local.close();
  }

  /** What can be known before going in; a server out of reach leaves the lobby plain. */
  async #look(): Promise<void> {
    try {
      this.room.value = await this.#client.room(this.roomId);
    } catch (error) {
      const nowhere = error instanceof ProblemError ? refusalOf(error).nowhere : null;
      if (nowhere && this.phase.value.is === 'lobby') this.#nowhere(nowhere);
    }
  }
}

/** For whoever brings no token. */
export const client = new CallsClient();
