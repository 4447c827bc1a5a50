/**
 * A meeting as one person's client sees it: the signaling session, the roster, and the floor with all media.
 *
 * ```text
 * joining ──▶ waiting ──▶ inside ──▶ over
 *    └───────────────────▶ inside
 * ```
 */
import type { LocalMedia } from '../devices/local-media';
import type { Encryption, PeerKey } from '../e2ee/encryption';
import { TOPIC } from '../e2ee/topic';
import { Emitter } from '../emitter';
import { ProblemError } from '../errors';
import { Signaling, type Ending, type Pass, type SignalingOptions } from '../signaling/signaling';
import type {
  Call,
  Caption,
  ChatMessage,
  JsonValue,
  Limits,
  Member,
  Moderation,
  Quality,
  RecordingEvent,
  Request,
  Room,
  ServerEvent,
  Source,
  Speaker,
  TranscriptionEvent,
  VideoSource,
  Welcome,
} from '../types';
import type { CameraMode } from '../rtc/encodings';
import type { Figures } from '../rtc/figures';
import { Floor, type Picture } from './floor';
import { Roster } from './roster';
import type { Wanted } from './view';

/** How often the server hears how well the media arrives; also what notices a dead socket. */
const DIGEST_EVERY_MS = 5_000;

/** Refusals of an offer that say: not on this presence, ever. */
const STALE_PRESENCE: ReadonlySet<string> = new Set(['sdp-fingerprint-changed', 'sdp-media-lines-changed', 'peer-closed']);

export type MeetingState =
  | { is: 'joining' }
  /** `moderated`: somebody is inside who can open the door. */
  | { is: 'waiting'; position: number; moderated: boolean }
  /** `steady` is false while the socket or the media path is being repaired. */
  | { is: 'inside'; steady: boolean }
  | { is: 'over'; ending: Ending };

/** What became of somebody. */
export interface Arrival {
  what: 'joined' | 'left';
  member: Member;
}

export interface MeetingEvents {
  state: MeetingState;
  roster: Member[];
  arrival: Arrival;
  /** {@link Meeting.picture} may answer differently now. */
  pictures: undefined;
  voices: MediaStreamTrack[];
  speakers: readonly Speaker[];
  quality: Quality;
  call: Call;
  room: Room;
  /** Everything said so far; comes with every welcome. */
  history: ChatMessage[];
  chat: ChatMessage;
  data: { from: string; topic: string; payload: unknown };
  /** Who waits to be let in; only moderators hear it. */
  knock: Member[];
  /** A moderator muted this source of ours. */
  muted: Source;
  /** A moderator asks us to unmute it; nobody but the person does. */
  unmuteAsked: Source;
  recording: RecordingEvent;
  transcription: TranscriptionEvent;
  caption: Caption;
  /** Whom a moderator shows large to everybody; null: nobody. */
  spotlight: string | null;
  /** The way back in for a page that is loaded again; keep it where the tab keeps things. */
  pass: Pass | null;
  /** Media that the server or the browser would not take. */
  refused: unknown;
}

export interface MeetingOptions extends SignalingOptions {
  local: LocalMedia;
  /** Encrypts all media end to end; a room that is made for it is not entered without. */
  encryption?: Encryption | null;
  /** How the camera is sent; simulcast where it is left out, and always where media is encrypted end to end. */
  camera?: CameraMode;
}

export class Meeting extends Emitter<MeetingEvents> {
  readonly local: LocalMedia;
  readonly #signaling: Signaling;
  readonly #roster = new Roster();
  readonly #encryption: Encryption | null;
  readonly #camera: CameraMode;
  #me = '';
  #limits: Limits | null = null;
  #state: MeetingState = { is: 'joining' };
  #floor: Floor | null = null;
  #mediaSteady = false;
  #wanted: readonly Wanted[] = [];
  #frugal = false;
  #digests: ReturnType<typeof setInterval> | undefined;

  constructor({ local, encryption = null, camera = 'simulcast', ...options }: MeetingOptions) {
    super();
    this.#encryption = encryption;
    this.#camera = camera;
    this.local = local;
    this.#signaling = new Signaling(options);
    this.#signaling.on('welcome', ({ welcome, resumed }) => this.#welcomed(welcome, resumed));
    this.#signaling.on('event', (event) => this.#heard(event));
    this.#signaling.on('link', () => this.#tellSteady());
    this.#signaling.on('over', (ending) => this.#end(ending));
  }

  get state(): MeetingState {
    return this.#state;
  }

  /** The own participant id; changes when the session has to be built anew. */
  get me(): string {
    return this.#me;
  }

  /** What the server will not go beyond; null before it said so. */
  get limits(): Limits | null {
    return this.#limits;
  }

  get voices(): MediaStreamTrack[] {
    return this.#floor?.voices ?? [];
  }

  /** Media is encrypted end to end. */
  get encrypted(): boolean {
    return this.#encryption !== null;
  }

  /** Whether what they send can be opened; always, where nothing is encrypted end to end. */
  keyOf(participantId: string): PeerKey {
    return this.#encryption?.of(participantId) ?? 'ready';
  }

  /** What proves who we are, while we are inside. */
  get pass(): Pass | null {
    return this.#signaling.pass;
  }

  start(): void {
    globalThis.addEventListener?.('online', this.#online);
    this.#digests = setInterval(() => void this.#tellDigest(), DIGEST_EVERY_MS);
    this.#signaling.start();
  }

  leave(): Promise<void> {
    return this.#signaling.leave();
  }

  /** What is on screen now, and how big. */
  show(wanted: readonly Wanted[]): void {
    this.#wanted = wanted;
    this.#floor?.show(wanted);
  }

  /** The moving picture of somebody, where one arrives. */
  picture(participantId: string, source: VideoSource): Picture | null {
    return this.#floor?.picture(participantId, source) ?? null;
  }

  async raiseHand(up: boolean): Promise<void> {
    await this.#ask({ t: 'hand', d: { up } });
  }

  async say(text: string, to?: string): Promise<void> {
    await this.#ask({ t: 'chat', d: to === undefined ? { text } : { text, to } });
  }

  /** A message between applications: any JSON, under a topic. */
  async send(topic: string, payload: JsonValue, to?: string): Promise<void> {
    const data = { topic, payload: payload as Record<string, never> }; // the schema has no word for "any JSON"
    await this.#ask({ t: 'data', d: to === undefined ? data : { ...data, to } });
  }

  async moderate(action: Moderation): Promise<void> {
    await this.#ask({ t: 'mod', d: action });
  }

  /** Starts or stops the recording; moderators only. */
  async record(on: boolean): Promise<void> {
    await this.#ask({ t: 'record', d: { on } });
  }

  /** Starts or stops the transcription; moderators only. */
  async transcribe(on: boolean): Promise<void> {
    await this.#ask({ t: 'transcribe', d: { on } });
  }

  /** How the media flows now, since the last time this was asked. */
  async figures(): Promise<Figures | null> {
    return (await this.#floor?.figures()) ?? null;
  }

  /** Sends no more than the smallest picture of the camera. */
  sendFrugally(frugal: boolean): void {
    this.#frugal = frugal;
    this.#floor?.sendFrugally(frugal);
  }

  #ask(request: Request): Promise<unknown> {
    return this.#signaling.ask(request);
  }

  #welcomed(welcome: Welcome, resumed: boolean): void {
    this.#me = welcome.participant_id;
    this.#limits = welcome.limits;
    this.#roster.reset(welcome.roster);
    // Whatever the server says of the room: with a secret nothing leaves unsealed, and without one nothing leaves at all.
    if (welcome.room?.encryption === 'e2ee' && !this.#encryption) return void this.leave();
    if (!resumed) this.#afresh();
    if (!resumed || !this.#floor) this.#build(welcome);
    else this.#floor.resume();
    this.#encryption?.roster(this.#roster.all);
    this.#encryption?.announce();
    this.#state = { is: 'inside', steady: true };
    this.emit('pass', this.#signaling.pass);
    this.emit('call', welcome.call);
    if (welcome.room) this.emit('room', welcome.room);
    this.emit('history', welcome.chat ?? []);
    this.emit('roster', this.#roster.all);
    this.#tellSteady();
  }

  /** The server tells a new session only what there is. */
  #afresh(): void {
    this.emit('spotlight', null);
    this.emit('knock', []);
  }

  #build(welcome: Welcome): void {
    this.#floor?.close();
    this.#mediaSteady = false;
    const encryption = this.#encryption;
    encryption?.begin({
      me: this.#me,
      send: (topic, message, to) => void this.send(topic, message, to).catch(() => undefined),
      changed: () => this.emit('pictures', undefined),
    });
    const ask = (request: Request) => this.#ask(request);
    const floor = new Floor({ welcome, local: this.local, ask, encryption, camera: this.#camera });
    this.#floor = floor;
    floor.on('pictures', () => this.emit('pictures', undefined));
    floor.on('voices', (voices) => this.emit('voices', voices));
    floor.on('refused', (error) => this.#refused(error));
    floor.on('lost', () => this.#lostMedia());
    floor.on('state', (state) => {
      this.#mediaSteady = state === 'connected';
      this.#tellSteady();
    });
    floor.show(this.#wanted);
    floor.sendFrugally(this.#frugal);
    floor.start();
  }

  /** While the socket is down too, the server may be: its next welcome says whether our place is still there. */
  #lostMedia(): void {
    if (this.#signaling.up) return this.#signaling.rejoin();
    this.#floor?.close();
    this.#floor = null;
  }

  /** A presence that still talks to the page from before a reload takes no new one: come in anew then. */
  #refused(error: unknown): void {
    if (error instanceof ProblemError && STALE_PRESENCE.has(error.code)) this.#signaling.rejoin();
    else this.emit('refused', error);
  }

  #heard(event: ServerEvent): void {
    switch (event.t) {
      case 'waiting':
        return this.#move({ is: 'waiting', position: event.d.position, moderated: isModerated(event.d) });
      case 'participant':
        return this.#changed(event.d.event, event.d.participant as Member);
      case 'hand':
        return this.#raised(event.d.participant_id, event.d.up);
      case 'slots':
        return this.#floor?.slots(event.d.slots);
      case 'layers':
        return this.#floor?.watched(event.d);
      case 'muted':
        if (event.d.muted) this.local.mutedFromAfar(event.d.source);
        return this.emit('muted', event.d.source);
      case 'unmute_asked':
        return this.emit('unmuteAsked', event.d.source);
      case 'recording':
        return this.emit('recording', event.d);
      case 'transcription':
        return this.emit('transcription', event.d);
      case 'caption':
        return this.emit('caption', event.d);
      case 'spotlight':
        return this.emit('spotlight', event.d.participant_id ?? null);
      case 'speakers':
        return this.emit('speakers', event.d);
      case 'quality':
        return this.emit('quality', event.d);
      case 'call':
        return this.emit('call', event.d);
      case 'room':
        return this.emit('room', event.d);
      case 'chat':
        return this.emit('chat', event.d);
      case 'data':
        if (event.d.topic === TOPIC) return this.#encryption?.hear(event.d.from, event.d.payload);
        return this.emit('data', event.d);
      case 'knock':
        return this.emit('knock', event.d.waiting as Member[]);
      default:
        return; // `admitted` and `denied` come before a `welcome` or `bye`, which say it all
    }
  }

  #changed(event: string, member: Member): void {
    const known = this.#roster.get(member.participant_id) !== undefined;
    if (event === 'left') this.#roster.drop(member.participant_id);
    else this.#roster.put(member);
    this.#encryption?.roster(this.#roster.all);
    const what = event === 'left' ? 'left' : 'joined';
    if (known === (what === 'left') && member.participant_id !== this.#me) this.emit('arrival', { what, member });
    this.emit('roster', this.#roster.all);
  }

  #raised(participantId: string, hand: boolean): void {
    const member = this.#roster.get(participantId);
    if (!member) return;
    this.#roster.put({ ...member, hand });
    this.emit('roster', this.#roster.all);
  }

  #tellSteady(): void {
    if (this.#state.is === 'inside') this.#move({ is: 'inside', steady: this.#signaling.up && this.#mediaSteady });
  }

  #move(state: MeetingState): void {
    this.#state = state;
    this.emit('state', state);
  }

  async #tellDigest(): Promise<void> {
    if (!this.#signaling.attached) return;
    const digest = (await this.#floor?.digest()) ?? {}; // in front of the door there is none
    await this.#ask({ t: 'stats', d: digest }).catch(() => undefined);
  }

  readonly #online = (): void => {
    this.#signaling.nudge();
    this.#floor?.nudge();
  };

  #end(ending: Ending): void {
    globalThis.removeEventListener?.('online', this.#online);
    clearInterval(this.#digests);
    this.#floor?.close();
    this.#floor = null;
    this.#encryption?.close();
    this.emit('pass', null);
    this.#move({ is: 'over', ending });
  }
}

/** A server that does not say so has somebody inside. */
const isModerated = ({ moderated }: { position: number; moderated?: boolean | null }): boolean => moderated ?? true;
