/** What a track is encoded as. */
import type { Source } from '../types';

/** Simulcast layers of a camera, smallest first: the order the server counts them in. */
const LAYERS = [
  { rid: 'q', down: 4 },
  { rid: 'h', down: 2 },
  { rid: 'f', down: 1 },
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
      const { width = 1280, height = 720 } = track.getSettings();
      return LAYERS.map(({ rid, down }) => ({
        rid,
        scaleResolutionDownBy: down,
        maxBitrate: bitrateFor(width / down, height / down),
      }));
    }
    case 'screen':
      return [{ maxBitrate: SCREEN_BITRATE }];
    case 'microphone':
      return [{ maxBitrate: VOICE_BITRATE, priority: 'high' }];
    case 'screen_audio':
      return [{ maxBitrate: SCREEN_AUDIO_BITRATE }];
  }
}

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

/** Of the encodings that are watched, the cheapest, where any is. */
export function smallest(rids: readonly string[]): readonly string[] {
  return rids.length > 0 && LAYERS[0] ? [LAYERS[0].rid] : [];
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
