/** One visit to a room: from the lobby through the meeting to the goodbye. */
import {
  CallsClient,
  ConnectionLost,
  ProblemError,
  type Ending,
  type Pass,
  type ProblemDetails,
  type Room,
} from '@calls/sdk';
import { effect, signal } from '@preact/signals';
import { has, t } from '../i18n/t';
import { detailOf } from './announce';
import { local, localState } from './devices';
import { rememberName, rememberStay, stayIn, userId, type Stay } from './memory';
import { MeetingStore } from './meeting-store';

export const client = new CallsClient();

export type Phase =
  /** Loaded again; on the way back to where it was. */
  | { is: 'returning' }
  | { is: 'lobby' }
  | { is: 'meeting'; store: MeetingStore }
  | { is: 'over'; ending: Ending };

/** Why the door stayed shut, as the lobby shows it. */
export interface Refusal {
  text: string;
  /** The password is what is missing or wrong. */
  password: boolean;
}

export class Visit {
  readonly roomId: string;
  readonly phase = signal<Phase>({ is: 'lobby' });
  readonly room = signal<Room | null>(null);
  readonly refusal = signal<Refusal | null>(null);
  readonly joining = signal(false);
  readonly #token: string | null;
  #name = '';
  #password = '';

  constructor(roomId: string, token: string | null) {
    this.roomId = roomId;
    this.#token = token;
    const stay = stayIn(roomId);
    if (stay) void this.#comeBack(stay);
    else void this.#look();
  }

  /** Whoever comes with a token has a name already. */
  get asksName(): boolean {
    return this.#token === null;
  }

  /** Knocks at the door; what it says is in {@link refusal}, or the phase moves on. */
  async join(name: string, password: string): Promise<void> {
    this.#name = name;
    this.#password = password;
    this.joining.value = true;
    try {
      const pass = await this.#enter();
      if (this.asksName) rememberName(name);
      this.refusal.value = null;
      this.#begin(pass);
    } catch (error) {
      this.refusal.value = refusalOf(error);
    } finally {
      this.joining.value = false;
    }
  }

  /** Back to the lobby after it was over. */
  again(): void {
    this.phase.value = { is: 'lobby' };
    void this.#look();
  }

  /** The page is at another address now. */
  close(): void {
    if (this.phase.value.is === 'meeting') void this.phase.value.store.meeting.leave();
    local.close();
  }

  async #enter(): Promise<Pass> {
    if (this.#token) return { token: this.#token, ws_url: client.socketUrl };
    const { microphone, camera } = localState.value;
    const { connection } = await client.joinRoom(this.roomId, {
      user_id: userId(),
      display_name: this.#name,
      audio: microphone.on,
      video: camera.on,
      ...(this.#password && { password: this.#password }),
    });
    return connection;
  }

  /** The tab was loaded again: no lobby, the devices as they were, the same place. */
  async #comeBack({ pass, name, microphone, camera }: Stay): Promise<void> {
    this.#name = name;
    this.phase.value = { is: 'returning' };
    await local.open({ microphone, camera });
    this.#begin(pass);
  }

  #begin(pass: Pass): void {
    const store = new MeetingStore({ local, pass, enter: () => this.#enter() });
    this.phase.value = { is: 'meeting', store };
    let held: Pass | null = null;
    store.meeting.on('pass', (fresh) => (held = fresh));
    const forget = effect(() => {
      const { microphone, camera } = localState.value;
      const inside = store.state.value.is === 'inside';
      if (inside && held) this.#remember({ pass: held, name: this.#name, microphone: microphone.on, camera: camera.on });
    });
    store.meeting.on('state', (state) => {
      if (state.is !== 'over') return;
      forget();
      this.#end(state.ending);
    });
  }

  #remember(stay: Stay | null): void {
    rememberStay(this.roomId, stay);
  }

  #end(ending: Ending): void {
    this.#remember(null);
    if (ending.by === 'problem' && refusalOf(ending.problem).password) {
      // A rejoin met a door that wants its password again.
      this.refusal.value = refusalOf(ending.problem);
      return this.again();
    }
    local.close();
    this.phase.value = { is: 'over', ending };
  }

  /** What can be known before going in; a server that tells strangers nothing leaves the lobby plain. */
  async #look(): Promise<void> {
    try {
      this.room.value = await client.room(this.roomId);
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not-found') this.refusal.value = refusalOf(error.problem);
    }
  }
}

export function refusalOf(error: ProblemDetails | unknown): Refusal {
  if (error instanceof ConnectionLost) return { text: t('join.offline'), password: false };
  const problem = error instanceof ProblemError ? error.problem : isProblem(error) ? error : null;
  if (problem?.code === 'wrong-password') return { text: t('lobby.passwordWrong'), password: true };
  if (problem?.code === 'password-required') return { text: t('lobby.passwordNeeded'), password: true };
  const key = `join.${problem?.code}`;
  const detail = problem ? problem.detail || problem.title : detailOf(error);
  return { text: has(key) ? t(key) : t('join.other', { detail }), password: false };
}

const isProblem = (error: unknown): error is ProblemDetails =>
  typeof error === 'object' && error !== null && 'code' in error && 'status' in error;
