/**
 * The media side of one session: it keeps the peer connection as the local devices, the screen and the server want
 * it. A session that is lost takes its floor with it; the next one builds a fresh floor from the same wishes.
 */
import type { LocalMedia } from '../devices/local-media';
import type { Encryption } from '../e2ee/encryption';
import { Emitter } from '../emitter';
import { Digester, type Digest } from '../rtc/digest';
import { Figurer, type Figures } from '../rtc/figures';
import type { CameraMode } from '../rtc/encodings';
import { MediaLink } from '../rtc/link';
import type { Layers, PublishedMid, Request, SlotState, Source, VideoSource, ViewSlot, Welcome } from '../types';
import { SlotBook } from './slot-book';
import { assign, type Wanted } from './view';

/** More people than these at once are not heard apart. */
const AUDIO_SLOTS = 3;

/** Video slots of the first offer; a small meeting never asks for more. */
const FIRST_VIDEO_SLOTS = 4;

/** The most pictures on one page, and a screen beside them. */
const MOST_VIDEO_SLOTS = 10;

/** Changes on screen within this time are told together. */
const VIEW_AFTER_MS = 100;

const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];

/** What can be muted on the wire; a screen is shared or not. */
const MUTABLE: readonly Source[] = ['microphone', 'camera'];

export interface Picture {
  track: MediaStreamTrack;
  /** `key`: encrypted with a key that we have not been given. */
  paused: NonNullable<SlotState['paused']> | 'key' | null;
}

export interface FloorEvents {
  /** {@link Floor.picture} may answer differently now. */
  pictures: undefined;
  /** {@link Floor.voices} does. */
  voices: MediaStreamTrack[];
  state: RTCPeerConnectionState;
  lost: undefined;
  refused: unknown;
}

export interface FloorOptions {
  welcome: Welcome;
  local: LocalMedia;
  ask: (request: Request) => Promise<unknown>;
  /** Where media is encrypted end to end. */
  encryption: Encryption | null;
  camera: CameraMode;
}

export class Floor extends Emitter<FloorEvents> {
  readonly #options: FloorOptions;
  readonly #link: MediaLink;
  readonly #book = new SlotBook();
  readonly #digester = new Digester();
  readonly #figurer = new Figurer();
  readonly #told = new Map<Source, boolean>();
  readonly #forgetLocal: () => void;
  #wanted: readonly Wanted[] = [];
  /** As the server has it; null: it has none, or may have missed the last one. */
  #view: ViewSlot[] | null = null;
  #viewTimer: ReturnType<typeof setTimeout> | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FloorOptions) {
    super();
    this.#options = options;
    const { welcome, local, ask, encryption, camera } = options;
    const exchange = async (sdp: string, publish: PublishedMid[]) => {
      const { sdp: answer } = (await ask({ t: 'offer', d: { sdp, publish } })) as { sdp: string };
      return answer;
    };
    this.#link = new MediaLink(welcome.ice_servers, exchange, encryption, camera);
    this.#link.on('settled', () => this.#settled());
    this.#link.on('state', (state) => this.emit('state', state));
    this.#link.on('lost', () => this.emit('lost', undefined));
    this.#link.on('refused', (error) => this.emit('refused', error));
    this.#forgetLocal = local.on('changed', () => this.sync());
  }

  start(): void {
    const { limits } = this.#options.welcome;
    this.#link.wantSlots('audio', Math.min(AUDIO_SLOTS, limits.audio_slots));
    this.#link.wantSlots('video', Math.min(FIRST_VIDEO_SLOTS, limits.video_slots));
    this.sync(true);
  }

  /** The socket is back, and with it the very session: repeats what got lost on the way. */
  resume(): void {
    this.#told.clear();
    this.#view = null;
    void this.#link.resume();
    this.sync();
    this.#tellViewSoon();
  }

  nudge(): void {
    this.#link.nudge();
  }

  slots(changes: readonly SlotState[]): void {
    this.#book.apply(changes);
    this.emit('pictures', undefined);
  }

  watched(layers: Layers): void {
    void this.#link.watched(layers);
  }

  /** What is on screen now; pictures that are not named are not sent to us. */
  show(wanted: readonly Wanted[]): void {
    this.#wanted = wanted.filter(({ width, height }) => width > 0 && height > 0);
    this.#tellViewSoon();
  }

  picture(participantId: string, source: VideoSource): Picture | null {
    const slot = this.#book.find(participantId, source);
    const track = slot && this.#link.slotTrack(slot.mid);
    if (!track) return null;
    const { encryption } = this.#options;
    const locked = encryption && encryption.of(participantId) !== 'ready';
    return { track, paused: locked ? 'key' : (slot.paused ?? null) };
  }

  get voices(): MediaStreamTrack[] {
    return this.#link.slotMids('audio').flatMap((mid) => this.#link.slotTrack(mid) ?? []);
  }

  async digest(): Promise<Digest> {
    return this.#digester.digest(await this.#link.stats());
  }

  async figures(): Promise<Figures> {
    return this.#figurer.figures(await this.#link.stats());
  }

  sendFrugally(frugal: boolean): void {
    this.#link.sendFrugally(frugal);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#viewTimer);
    this.#forgetLocal();
    this.#link.close();
  }

  /** Makes what is sent equal to what is open locally. Runs one after another; the last one sees the last state. */
  sync(offer = false): void {
    this.#syncing = this.#syncing.then(() => this.#sync(offer)).catch((error: unknown) => {
      if (!this.#closed) this.emit('refused', error);
    });
  }

  async #sync(offer: boolean): Promise<void> {
    if (this.#closed) return;
    const { state } = this.#options.local;
    let wanted = offer;
    for (const source of SOURCES) {
      const { track } = state[source];
      if (this.#link.sent(source) === track) continue;
      wanted = (await this.#link.send(source, track)) || wanted;
    }
    if (wanted) await this.#link.negotiate();
    for (const source of MUTABLE) await this.#tellMuted(source);
  }

  async #tellMuted(source: Source): Promise<void> {
    const { on } = this.#options.local.state[source];
    if (!this.#link.publishes(source) || this.#told.get(source) === !on) return;
    this.#told.set(source, !on);
    // If the socket drops first, `resume` tells it again.
    await this.#options.ask({ t: 'mute', d: { source, muted: !on } }).catch(() => this.#told.delete(source));
  }

  #settled(): void {
    this.emit('voices', this.voices);
    this.emit('pictures', undefined);
    this.#tellViewSoon();
  }

  #tellViewSoon(): void {
    this.#viewTimer ??= setTimeout(() => {
      this.#viewTimer = undefined;
      this.#tellView();
    }, VIEW_AFTER_MS);
  }

  #tellView(): void {
    const mids = this.#link.slotMids('video');
    if (this.#closed || mids.length === 0) return;
    const most = Math.min(MOST_VIDEO_SLOTS, this.#options.welcome.limits.video_slots);
    if (this.#link.wantSlots('video', Math.min(most, this.#wanted.length))) void this.#link.negotiate();
    const view = assign(mids, this.#view ?? [], this.#wanted);
    if (JSON.stringify(view) === JSON.stringify(this.#view)) return;
    this.#view = view;
    this.#options.ask({ t: 'view', d: { slots: view } }).catch(() => (this.#view = null));
  }
}
