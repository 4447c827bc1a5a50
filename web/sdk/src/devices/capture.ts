/** Opening devices, and saying in one word why one did not open. */
import { CaptureError, type CaptureFailure } from '../errors';
import { VOICE, constraintsOf, type VoiceSettings } from './voice';

const FACE: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};

export interface Wish {
  /** True: any; a device id: that one, if it is still there. */
  microphone?: boolean | string;
  camera?: boolean | string;
}

/** The tracks that were wished for. */
export async function capture({ microphone = false, camera = false }: Wish, voice: VoiceSettings = VOICE): Promise<MediaStreamTrack[]> {
  if (!navigator.mediaDevices) throw new CaptureError(globalThis.isSecureContext ? 'unsupported' : 'insecure');
  const ask = (firmly: boolean) =>
    navigator.mediaDevices.getUserMedia({
      audio: constrain(microphone, constraintsOf(voice), firmly),
      video: constrain(camera, FACE, firmly),
    });
  try {
    // A browser that is asked for a device by preference alone may well give another one. One that is gone gives way to any.
    const stream = await ask(true).catch((error: unknown) => {
      if (!isGone(error)) throw error;
      return ask(false);
    });
    return stream.getTracks();
  } catch (error) {
    throw new CaptureError(failureOf(error));
  }
}

/** A screen, window or tab, with its sound where the browser gives it. */
export async function captureScreen(): Promise<MediaStreamTrack[]> {
  if (!canShareScreen()) throw new CaptureError('unsupported');
  try {
    const wish = { video: { frameRate: { ideal: 15, max: 30 } }, audio: true };
    const tracks = (await navigator.mediaDevices.getDisplayMedia(wish)).getTracks();
    for (const track of tracks) if (track.kind === 'video') track.contentHint = 'detail';
    return tracks;
  } catch (error) {
    // Closing the browser's picker is no failure; it looks just like a refused permission.
    throw new CaptureError(failureOf(error) === 'denied' ? 'canceled' : failureOf(error));
  }
}

/** Phones, as a rule, cannot. */
export const canShareScreen = (): boolean => 'getDisplayMedia' in (globalThis.navigator?.mediaDevices ?? {});

export function failureOf(error: unknown): CaptureFailure {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unsupported';
  }
}

const isGone = (error: unknown): boolean => (error as Error | null)?.name === 'OverconstrainedError';

function constrain(wish: boolean | string, base: MediaTrackConstraints, firmly: boolean): MediaTrackConstraints | boolean {
  if (!wish) return false;
  return wish === true ? base : { ...base, deviceId: firmly ? { exact: wish } : { ideal: wish } };
}
