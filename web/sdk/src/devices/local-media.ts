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

const CLOSED: LocalTrack = { track: null, on: false, failure: null };

export class LocalMedia extends Emitter<LocalMediaEvents> {
  #state: LocalState = { microphone: CLOSED, camera: CLOSED, screen: CLOSED, screen_audio: CLOSED };
  readonly #chosen: Partial<Record<UserDevice, string>>;
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

  /** Opens what is wished under one question to the person; where that fails, finds out which one it was. */
  async open({ microphone, camera }: Record<UserDevice, boolean> = { microphone: true, camera: true }): Promise<void> {
    if (!microphone && !camera) return;
    const wish = { microphone: microphone && this.#wish('microphone'), camera: camera && this.#wish('camera') };
    try {
      const tracks = await capture(wish, this.#voice);
      await Promise.all(tracks.map((track) => this.#treated(track.kind === 'audio' ? 'microphone' : 'camera', track)));
    } catch {
      await Promise.all([microphone && this.#open('microphone'), camera && this.#open('camera')]);
    }
  }

  /** Switches a device on or off. It does not throw: a failure is in the state. */
  async turn(device: UserDevice, on: boolean): Promise<void> {
    const { track } = this.#state[device];
    if (on) await (track ? this.#set(device, { on: true }) : this.#open(device));
    else if (device === 'camera') this.#close('camera');
    else this.#set(device, { on: false });
  }

  /** Takes another device of the kind; opens it at once if the kind is open. */
  async choose(device: UserDevice, id: string): Promise<void> {
    this.#chosen[device] = id;
    const { track, on } = this.#state[device];
    if (!track) return;
    this.#close(device);
    await this.#open(device);
    if (!on) this.#set(device, { on: false });
  }

  /** Treats the microphone differently from now on; one that is open is opened again, muted or not as it was. */
  async sound(voice: VoiceSettings): Promise<void> {
    this.#voice = voice;
    const { track, on } = this.#state.microphone;
    if (!track) return;
    this.#close('microphone');
    await this.#open('microphone');
    if (!on) this.#set('microphone', { on: false });
  }

  /** Shows something else behind the person from now on; a camera that is open is opened again. */
  async show(look: Look): Promise<void> {
    this.#look = look;
    if (!this.#state.camera.track) return;
    this.#close('camera');
    await this.#open('camera');
  }

  /** Shares a screen; throws {@link CaptureError} where nothing came of it. */
  async shareScreen(): Promise<void> {
    for (const track of await captureScreen()) this.#opened(track.kind === 'audio' ? 'screen_audio' : 'screen', track);
  }

  stopSharing(): void {
    this.#close('screen');
    this.#close('screen_audio');
  }

  /** A moderator muted us: nobody but the person unmutes it. */
  mutedFromAfar(source: Source): void {
    if (source === 'microphone') this.#set('microphone', { on: false });
    else if (source === 'camera') this.#close('camera');
    else this.stopSharing();
  }

  close(): void {
    for (const source of Object.keys(this.#state) as Source[]) this.#close(source);
  }

  #wish(device: UserDevice): boolean | string {
    return this.#chosen[device] ?? true;
  }

  async #open(device: UserDevice): Promise<void> {
    try {
      const [track] = await capture({ [device]: this.#wish(device) }, this.#voice);
      if (track) await this.#treated(device, track);
    } catch (error) {
      this.#set(device, { track: null, on: false, failure: error instanceof CaptureError ? error.failure : 'unsupported' });
    }
  }

  /** A device as others shall hear or see it. */
  async #treated(device: UserDevice, raw: MediaStreamTrack): Promise<void> {
    if (device === 'microphone') return this.#opened(device, await asWished(raw, this.#voice));
    try {
      this.#opened(device, await asSeen(raw, this.#look));
    } catch {
      this.#set(device, { track: null, on: false, failure: 'background' });
    }
  }

  #opened(source: Source, track: MediaStreamTrack): void {
    this.#state[source].track?.stop();
    // Unplugged, or stopped by the browser's own button.
    track.onended = () => this.#ended(source, track);
    this.#set(source, { track, on: true, failure: null });
  }

  #ended(source: Source, track: MediaStreamTrack): void {
    if (this.#state[source].track !== track) return;
    if (source === 'screen' || source === 'screen_audio') return this.stopSharing();
    this.#set(source, { track: null, on: false });
    delete this.#chosen[source];
    void this.#open(source); // another one may be there
  }

  #close(source: Source): void {
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
