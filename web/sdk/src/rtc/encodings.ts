/** What a track is encoded as. */
import type { Source } from '../types';

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

const SCREEN_BITRATE = 2_500_000;
const VOICE_BITRATE = 40_000;
const SCREEN_AUDIO_BITRATE = 128_000;

/** A good bitrate for a picture of this size. */
export function bitrateFor(width: number, height: number): number {
  const bitrate = FULL.bitrate * ((width * height) / FULL.pixels) ** FULL.power;
  return Math.max(LEAST_BITRATE, Math.round(bitrate / 1000) * 1000);
}

export function encodingsFor(source: Source, track: MediaStreamTrack): RTCRtpEncodingParameters[] {
  switch (source) {
    case 'camera': {
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

/** VP8 first, since every browser sends it as simulcast; the others stay on offer behind it. */
export function preferVp8<T extends { mimeType: string }>(codecs: readonly T[]): T[] {
  const isVp8 = ({ mimeType }: T) => mimeType.toLowerCase() === 'video/vp8';
  return [...codecs.filter(isVp8), ...codecs.filter((codec) => !isVp8(codec))];
}

/** What still works where only a frame's first bytes are readable: H.264 and AV1 are parsed further, RED is repacked. */
const READABLE: ReadonlySet<string> = new Set(['video/vp8', 'video/vp9', 'video/rtx', 'audio/opus']);

/** The codecs that can carry frames which are encrypted end to end, VP8 first. */
export const readable = <T extends { mimeType: string }>(codecs: readonly T[]): T[] =>
  preferVp8(codecs.filter(({ mimeType }) => READABLE.has(mimeType.toLowerCase())));
