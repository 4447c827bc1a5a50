/** What a track is encoded as. */
import type { Source } from '../types';

/** With what not all of the standard's libraries of types know yet (WebRTC-SVC §4.1). */
export type Encoding = RTCRtpEncodingParameters & { scalabilityMode?: string };

/** The rids of a camera's simulcast layers, smallest first: the order the server counts them in. */
const RIDS = ['q', 'h', 'f'];

/**
 * From how many pixels on browsers encode so many layers. Of those that are too many, libwebrtc leaves out the last, which is the **largest**:
 * three of a picture of 640 × 480 would come as 160 × 120 and 320 × 240.
 */
const LAYERS_FROM = [
  { layers: 3, pixels: 960 * 540 },
  { layers: 2, pixels: 480 * 270 },
  { layers: 1, pixels: 0 },
];

/** What 720p costs; other sizes follow by the power that codecs show. */
const FULL = { pixels: 1280 * 720, bitrate: 1_700_000, power: 0.75 };

/** No layer is worth sending for less. */
const LEAST_BITRATE = 80_000;

/** How a camera is sent: as one encoding of VP8 for each size, or as one of VP9 with all sizes in it, which costs less to send (SVC). */
export const CAMERA_MODES = ['simulcast', 'scalable'] as const;
export type CameraMode = (typeof CAMERA_MODES)[number];

/** Three sizes that predict each other in key pictures only, each in three rates (WebRTC-SVC §6). */
const SCALABLE = 'L3T3_KEY';

const SCREEN_BITRATE = 2_500_000;
const VOICE_BITRATE = 40_000;
const SCREEN_AUDIO_BITRATE = 128_000;

/** A good bitrate for a picture of this size. */
export function bitrateFor(width: number, height: number): number {
  const bitrate = FULL.bitrate * ((width * height) / FULL.pixels) ** FULL.power;
  return Math.max(LEAST_BITRATE, Math.round(bitrate / 1000) * 1000);
}

/** This browser can send a camera as one scalable stream. */
export async function canScale(): Promise<boolean> {
  const video = { contentType: 'video/VP9', width: 1280, height: 720, framerate: 30, bitrate: FULL.bitrate, scalabilityMode: SCALABLE };
  const asked = globalThis.navigator?.mediaCapabilities?.encodingInfo({ type: 'webrtc', video });
  return (await asked?.catch(() => null))?.supported ?? false; // a browser that does not know the question cannot
}

export function encodingsFor(source: Source, track: MediaStreamTrack, mode: CameraMode = 'simulcast'): Encoding[] {
  switch (source) {
    case 'camera': {
      if (mode === 'scalable') {
        const { width, height } = sizeOf(track);
        return [{ scalabilityMode: SCALABLE, maxBitrate: bitrateFor(width, height) }];
      }
      const encodings = RIDS.slice(-layersOf(sizeOf(track))).map((rid) => ({ rid }));
      fit(encodings, track);
      return encodings;
    }
    case 'screen':
      return [{ maxBitrate: SCREEN_BITRATE }];
    case 'microphone':
      return [{ maxBitrate: VOICE_BITRATE, priority: 'high' }];
    case 'screen_audio':
      return [{ maxBitrate: SCREEN_AUDIO_BITRATE }];
  }
}

/** Makes a camera's encodings halves of each other up to the whole picture, as many as browsers encode of it; any further ones are not encoded. */
export function fit(encodings: RTCRtpEncodingParameters[], track: MediaStreamTrack): void {
  const size = sizeOf(track);
  const layers = Math.min(layersOf(size), encodings.length);
  for (const [layer, encoding] of encodings.entries()) {
    const down = 2 ** Math.max(0, layers - 1 - layer);
    encoding.scaleResolutionDownBy = down;
    encoding.maxBitrate = bitrateFor(size.width / down, size.height / down);
  }
}

type Size = { width: number; height: number };

function sizeOf(track: MediaStreamTrack): Size {
  const { width = 1280, height = 720 } = track.getSettings();
  return { width, height };
}

const layersOf = ({ width, height }: Size): number =>
  LAYERS_FROM.find(({ pixels }) => width * height >= pixels)?.layers ?? 1;

/**
 * Switches encodings on and off as the server's `layers` says; true where anything changed.
 * A track without rids is either watched or not.
 */
export function activate(encodings: RTCRtpEncodingParameters[], rids: readonly string[]): boolean {
  let changed = false;
  for (const encoding of encodings) {
    const active = encoding.rid ? rids.includes(encoding.rid) : rids.length > 0;
    changed ||= encoding.active !== active;
    encoding.active = active;
  }
  return changed;
}

/** The cheapest of the encodings alone, where any of them is watched. */
export function smallest(encodings: readonly RTCRtpEncodingParameters[], rids: readonly string[]): readonly string[] {
  const rid = encodings[0]?.rid;
  return rids.length > 0 && rid ? [rid] : rids;
}

/** Of a scalable stream, which has no encodings to choose from, only the smallest size; true where that changed anything. */
export function shrink(encodings: Encoding[], frugal: boolean): boolean {
  const down = frugal ? 4 : 1;
  const scalable = encodings.filter(({ scalabilityMode, scaleResolutionDownBy = 1 }) => scalabilityMode === SCALABLE && scaleResolutionDownBy !== down);
  for (const encoding of scalable) encoding.scaleResolutionDownBy = down;
  return scalable.length > 0;
}

/** This codec first; the others stay on offer behind it. */
function prefer<T extends { mimeType: string }>(codecs: readonly T[], name: string): T[] {
  const isIt = ({ mimeType }: T) => mimeType.toLowerCase() === name;
  return [...codecs.filter(isIt), ...codecs.filter((codec) => !isIt(codec))];
}

/** VP8 first, since every browser sends it as simulcast. */
export const preferVp8 = <T extends { mimeType: string }>(codecs: readonly T[]): T[] => prefer(codecs, 'video/vp8');

/** What a camera is sent in, the best first. */
export const codecsFor = <T extends { mimeType: string }>(mode: CameraMode, codecs: readonly T[]): T[] =>
  mode === 'scalable' ? prefer(codecs, 'video/vp9') : preferVp8(codecs);

/** What still works where only a frame's first bytes are readable: H.264 and AV1 are parsed further, RED is repacked. */
const READABLE: ReadonlySet<string> = new Set(['video/vp8', 'video/vp9', 'video/rtx', 'audio/opus']);

/** The codecs that can carry frames which are encrypted end to end, VP8 first. */
export const readable = <T extends { mimeType: string }>(codecs: readonly T[]): T[] =>
  preferVp8(codecs.filter(({ mimeType }) => READABLE.has(mimeType.toLowerCase())));
