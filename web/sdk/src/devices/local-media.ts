/**
 * The own microphone, camera and screen: what is open, what is muted, what failed and why. It knows nothing of a
 * meeting, so a lobby previews with the very tracks that the meeting then sends.
 */
import { Emitter } from '../emitter';
import { CaptureError, type CaptureFailure } from '../errors';
import type { Source } from '../types';
import { AS_IT_IS, asSeen, type Look } from './background';
import { capture, captureScreen } from './capture';
import { VOICE, asWished, type VoiceSettings } from './voice';

export interface LocalTrack {
  track: MediaStreamTrack | null;
  /** A muted microphone stays open, so that it is back at once; a camera that is off is closed. */
  on: boolean;
  failure: CaptureFailure | null;
}

export type LocalState = Readonly<Record<Source, LocalTrack>>;

/** The two that `getUserMedia` opens. */
export type UserDevice = 'microphone' | 'camera';

export interface LocalMediaEvents {
  changed: LocalState;
}

const DEVICES: readonly UserDevice[] = ['microphone', 'camera'];

const deviceOf = (kind: string): UserDevice => (kind === 'audio' ? 'microphone' : 'camera');

/** A device on its way from being asked for to being there. */
interface Opening {
  device: UserDevice;
  id: symbol;
}

const CLOSED: LocalTrack = { track: null, on: false, failure: null };

export class LocalMedia extends Emitter<LocalMediaEvents> {
  #state: LocalState = { microphone: CLOSED, camera: CLOSED, screen: CLOSED, screen_audio: CLOSED };
  readonly #chosen: Partial<Record<UserDevice, string>>;
  /** Whether it is heard or seen once it is open: a device may be muted while it opens, or while another one takes its place. */
  readonly #live: Record<UserDevice, boolean> = { microphone: false, camera: false };
  /** The opening under way. One that is no longer here was overtaken: what it brings is stopped. */
  readonly #openings: Partial<Record<Source, symbol>> = {};
  #voice: VoiceSettings;
  #look: Look;

  /** `chosen`: device ids from an earlier time; those that are gone fall back to any. `voice`, `look`: how one likes to sound and to be seen. */
  constructor(chosen: Partial<Record<UserDevice, string>> = {}, voice: VoiceSettings = VOICE, look: Look = AS_IT_IS) {
    super();
    this.#chosen = { ...chosen };
    this.#voice = voice;
    this.#look = look;
  }

  get state(): LocalState {
    return this.#state;
  }

  /** The device in use, or the one that would be. */
  chosen(device: UserDevice): string | undefined {
    return this.#state[device].track?.getSettings().deviceId ?? this.#chosen[device];
  }

  /** It is on, or will be once it is open. */
  wished(device: UserDevice): boolean {
    return this.#openings[device] ? this.#live[device] : this.#state[device].on;
  }

  /** Opens what is wished under one question to the person; where that fails, finds out which one it was. */
  async open({ microphone, camera }: Record<UserDevice, boolean> = { microphone: true, camera: true }): Promise<void> {
    if (!microphone && !camera) return;
    const wish = { microphone: microphone && this.#wish('microphone'), camera: camera && this.#wish('camera') };
    const openings = DEVICES.filter((device) => wish[device]).map((device) => this.#begin(device, true));
    const tracks = await capture(wish, this.#voice).catch(() => null);
    await Promise.all(
      openings.map((opening) => {
        const track = tracks?.find(({ kind }) => deviceOf(kind) === opening.device);
        return track ? this.#treated(opening, track) : this.#capture(opening);
      }),
    );
  }

  /** Switches a device on or off. It does not throw: a failure is in the state. */
  async turn(device: UserDevice, on: boolean): Promise<void> {
    this.#live[device] = on;
    if (!on) return device === 'camera' ? this.#close('camera') : this.#set(device, { on: false });
    if (this.#state[device].track) this.#set(device, { on: true });
    else if (!this.#openings[device]) await this.#open(device);
  }

  /** Takes another device of the kind; opens it at once if the kind is open, muted or not as it was. */
  async choose(device: UserDevice, id: string): Promise<void> {
    this.#chosen[device] = id;
    await this.#openAgain(device);
  }

  /** Treats the microphone differently from now on; one that is open is opened again, muted or not as it was. */
  async sound(voice: VoiceSettings): Promise<void> {
    this.#voice = voice;
    await this.#openAgain('microphone');
  }

  /** Shows something else behind the person from now on; a camera that is open is opened again. */
  async show(look: Look): Promise<void> {
    this.#look = look;
    await this.#openAgain('camera');
  }

  /** Shares a screen; throws {@link CaptureError} where nothing came of it. Nothing is shared that was stopped before it was picked. */
  async shareScreen(): Promise<void> {
    const opening = Symbol('screen');
    this.#openings.screen = opening;
    const tracks = await captureScreen();
    if (this.#openings.screen !== opening) return tracks.forEach((track) => track.stop());
    delete this.#openings.screen;
    for (const track of tracks) this.#opened(track.kind === 'audio' ? 'screen_audio' : 'screen', track, true);
  }

  stopSharing(): void {
    this.#close('screen');
    this.#close('screen_audio');
  }

  /** A moderator muted us: nobody but the person unmutes it. */
  mutedFromAfar(source: Source): void {
    if (source === 'microphone') void this.turn('microphone', false);
    else if (source === 'camera') void this.turn('camera', false);
    else this.stopSharing();
  }

  close(): void {
    for (const source of Object.keys(this.#state) as Source[]) this.#close(source);
  }

  #wish(device: UserDevice): boolean | string {
    return this.#chosen[device] ?? true;
  }

  #begin(device: UserDevice, live = this.#live[device]): Opening {
    const id = Symbol(device);
    this.#live[device] = live;
    this.#openings[device] = id;
    return { device, id };
  }

  /** True for the one opening that may still say what becomes of its device, and that only once. */
  #arrived({ device, id }: Opening): boolean {
    if (this.#openings[device] !== id) return false;
    delete this.#openings[device];
    return true;
  }

  #open(device: UserDevice): Promise<void> {
    return this.#capture(this.#begin(device));
  }

  /** With what is wished for now; also where it is still opening with what was wished for before. */
  async #openAgain(device: UserDevice): Promise<void> {
    if (!this.#state[device].track && !this.#openings[device]) return;
    this.#close(device);
    await this.#open(device);
  }

  async #capture(opening: Opening): Promise<void> {
    const { device, id } = opening;
    if (this.#openings[device] !== id) return;
    try {
      const [track] = await capture({ [device]: this.#wish(device) }, this.#voice);
      if (track) await this.#treated(opening, track);
    } catch (error) {
      this.#failed(opening, error instanceof CaptureError ? error.failure : 'unsupported');
    }
  }

  /** A device as others shall hear or see it. */
  async #treated(opening: Opening, raw: MediaStreamTrack): Promise<void> {
    const { device, id } = opening;
    if (this.#openings[device] !== id) return raw.stop();
    try {
      const track = await (device === 'microphone' ? asWished(raw, this.#voice) : asSeen(raw, this.#look));
      if (this.#arrived(opening)) this.#opened(device, track, this.#live[device]);
      else track.stop();
    } catch {
      this.#failed(opening, 'background');
    }
  }

  #failed(opening: Opening, failure: CaptureFailure): void {
    if (this.#arrived(opening)) this.#set(opening.device, { track: null, on: false, failure });
  }

  #opened(source: Source, track: MediaStreamTrack, on: boolean): void {
    this.#state[source].track?.stop();
    // Unplugged, or stopped by the browser's own button.
    track.onended = () => this.#ended(source, track);
    this.#set(source, { track, on, failure: null });
  }

  #ended(source: Source, track: MediaStreamTrack): void {
    if (this.#state[source].track !== track) return;
    if (source === 'screen' || source === 'screen_audio') return this.stopSharing();
    this.#set(source, { track: null, on: false });
    delete this.#chosen[source];
    void this.#open(source); // another one may be there
  }

  #close(source: Source): void {
    delete this.#openings[source];
    const { track } = this.#state[source];
    if (track) track.onended = null;
    track?.stop();
    this.#set(source, CLOSED);
  }

  #set(source: Source, change: Partial<LocalTrack>): void {
    const next = { ...this.#state[source], ...change };
    if (next.track && source === 'microphone') next.track.enabled = next.on;
    this.#state = { ...this.#state, [source]: next };
    this.emit('changed', this.#state);
  }
}
