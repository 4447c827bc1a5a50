/** The one peer connection of a session: what we send, and the slots we receive in. */
import { Emitter } from '../emitter';
import type { IceServer, Layers, PublishedMid, Source } from '../types';
import type { Encryption } from '../e2ee/encryption';
import { askForDescriptors } from './descriptors';
import { activate, codecsFor, encodingsFor, fit, readable, shrink, smallest, type CameraMode } from './encodings';
import { Negotiator, type Exchange } from './negotiator';
import { Recovery } from './recovery';

export interface MediaLinkEvents {
  /** Mids, tracks or directions may have changed. */
  settled: undefined;
  state: RTCPeerConnectionState;
  /** This connection will not come back. */
  lost: undefined;
  refused: unknown;
}

type Kind = 'audio' | 'video';

export class MediaLink extends Emitter<MediaLinkEvents> {
  readonly #connection: RTCPeerConnection;
  readonly #negotiator: Negotiator;
  readonly #recovery: Recovery;
  readonly #sending = new Map<Source, RTCRtpTransceiver>();
  readonly #slots: Record<Kind, RTCRtpTransceiver[]> = { audio: [], video: [] };
  readonly #layers = new Map<string, readonly string[]>();
  readonly #encryption: Encryption | null;
  readonly #camera: CameraMode;
  #frugal = false;
  #closed = false;

  constructor(iceServers: IceServer[], exchange: Exchange, encryption: Encryption | null, camera: CameraMode) {
    super();
    this.#encryption = encryption;
    this.#camera = encryption ? 'simulcast' : camera; // which layer a sealed frame of VP9 is of cannot be read
    const connection = new RTCPeerConnection({
      iceServers: iceServers.map(rtcIceServer),
      bundlePolicy: 'max-bundle',
      ...encryption?.connectionOptions,
    });
    this.#connection = connection;
    this.#negotiator = new Negotiator({
      connection,
      exchange,
      published: () => this.#published(),
      settled: () => this.#settled(),
      refused: (error) => this.emit('refused', error),
    });
    this.#recovery = new Recovery({ restart: () => this.#restart(), lost: () => this.emit('lost', undefined) });
    connection.onconnectionstatechange = () => {
      if (this.#closed) return;
      this.#recovery.on(connection.connectionState);
      this.emit('state', connection.connectionState);
    };
  }

  /** What is sent for this source now; null also where nothing ever was. */
  sent(source: Source): MediaStreamTrack | null {
    return this.#sending.get(source)?.sender.track ?? null;
  }

  /** There is an m-line for this source, whether or not it carries anything now. */
  publishes(source: Source): boolean {
    return this.#sending.has(source);
  }

  /** Sends this track, or nothing, for this source. True: takes effect with the next {@link negotiate}. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<boolean> {
    const transceiver = this.#sending.get(source);
    if (!transceiver) {
      if (track) this.#sending.set(source, this.#added(source, track));
      return track !== null;
    }
    await transceiver.sender.replaceTrack(track);
    if (track && source === 'camera') await this.#refit(transceiver.sender, track);
    // A camera that is off keeps its m-line, as it will be back; a screen that is no longer shared gives it up.
    const direction = track || !isScreen(source) ? 'sendonly' : 'inactive';
    if (transceiver.direction === direction) return false;
    transceiver.direction = direction;
    return true;
  }

  /** Sees to it that there are this many slots. True: takes effect with the next {@link negotiate}. */
  wantSlots(kind: Kind, count: number): boolean {
    const slots = this.#slots[kind];
    const missing = count - slots.length;
    for (let n = 0; n < missing; n += 1) slots.push(this.#slot(kind));
    return missing > 0;
  }

  /** The mids of the slots that are agreed upon. */
  slotMids(kind: Kind): string[] {
    return this.#slots[kind].flatMap(({ mid, currentDirection }) => (mid !== null && currentDirection ? [mid] : []));
  }

  /** What arrives in a slot. */
  slotTrack(mid: string): MediaStreamTrack | null {
    const slot = [...this.#slots.audio, ...this.#slots.video].find((transceiver) => transceiver.mid === mid);
    return slot?.receiver.track ?? null;
  }

  negotiate(): Promise<void> {
    return this.#negotiator.negotiate();
  }

  /** The socket is back: repeats an offer that was lost with it. */
  resume(): Promise<void> {
    return this.#negotiator.resume();
  }

  /** The network changed under us. */
  nudge(): void {
    this.#recovery.nudge();
  }

  /** Encodes only what somebody watches. */
  async watched({ mid, rids }: Layers): Promise<void> {
    this.#layers.set(mid, rids);
    await this.#applyLayers(mid);
  }

  /** Sends no more than the smallest encoding of the camera. */
  sendFrugally(frugal: boolean): void {
    this.#frugal = frugal;
    for (const mid of this.#layers.keys()) void this.#applyLayers(mid);
    void this.#shrink();
  }

  async stats(): Promise<Iterable<RTCStats>> {
    const report = await this.#connection.getStats();
    const all: RTCStats[] = [];
    report.forEach((stats: RTCStats) => all.push(stats));
    return all;
  }

  close(): void {
    this.#closed = true;
    this.#recovery.stop();
    this.#connection.close();
  }

  #slot(kind: Kind): RTCRtpTransceiver {
    const slot = this.#connection.addTransceiver(kind, { direction: 'recvonly' });
    this.#limitCodecs(slot, kind);
    if (kind === 'video') askForDescriptors(slot);
    this.#encryption?.guard(slot.receiver, 'in');
    return slot;
  }

  /** The server forwards encrypted frames by what of them is readable; not every codec leaves enough. */
  #limitCodecs(transceiver: RTCRtpTransceiver, kind: Kind): void {
    const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs;
    if (this.#encryption && codecs) transceiver.setCodecPreferences(readable(codecs));
  }

  #added(source: Source, track: MediaStreamTrack): RTCRtpTransceiver {
    const transceiver = this.#connection.addTransceiver(track, {
      direction: 'sendonly',
      sendEncodings: encodingsFor(source, track, this.#camera),
    });
    const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs;
    if (source === 'camera' && codecs) transceiver.setCodecPreferences(codecsFor(this.#camera, codecs));
    this.#limitCodecs(transceiver, track.kind as Kind);
    this.#encryption?.guard(transceiver.sender, 'out');
    return transceiver;
  }

  #published(): PublishedMid[] {
    return [...this.#sending].flatMap(([source, { mid, direction }]) =>
      mid !== null && direction === 'sendonly' ? [{ mid, source }] : [],
    );
  }

  #settled(): void {
    for (const mid of this.#layers.keys()) void this.#applyLayers(mid);
    void this.#shrink();
    this.emit('settled', undefined);
  }

  #restart(): void {
    this.#connection.restartIce();
    void this.#negotiator.negotiate();
  }

  /** Another camera may have another size. */
  async #refit(sender: RTCRtpSender, track: MediaStreamTrack): Promise<void> {
    const parameters = sender.getParameters();
    fit(parameters.encodings, track);
    // As below: what is refused now is as it was, and the picture comes, in a size that suits it less.
    await sender.setParameters(parameters).catch(() => undefined);
    await this.#shrink();
  }

  /** Of one scalable stream there are no encodings to choose from. */
  async #shrink(): Promise<void> {
    const sender = this.#camera === 'scalable' ? this.#sending.get('camera')?.sender : undefined;
    const parameters = sender?.getParameters();
    if (sender && parameters && shrink(parameters.encodings, this.#frugal)) await sender.setParameters(parameters).catch(() => undefined);
  }

  async #applyLayers(mid: string): Promise<void> {
    const rids = this.#layers.get(mid);
    const sender = [...this.#sending.values()].find((transceiver) => transceiver.mid === mid)?.sender;
    if (!rids || !sender) return;
    const parameters = sender.getParameters();
    // The browser refuses parameters that a negotiation has overtaken; it then ends in `settled`, which asks again.
    const allowed = this.#frugal ? smallest(parameters.encodings, rids) : rids;
    if (activate(parameters.encodings, allowed)) await sender.setParameters(parameters).catch(() => undefined);
  }
}

const isScreen = (source: Source): boolean => source === 'screen' || source === 'screen_audio';

function rtcIceServer({ urls, username, credential }: IceServer): RTCIceServer {
  return { urls, ...(username != null && { username }), ...(credential != null && { credential }) };
}
