/** What is done to a microphone before anybody hears it. */

/** `standard`: the browser's own; `enhanced`: RNNoise in a worklet, which cuts more and costs about 5 % of a core. */
export type Noise = 'off' | 'standard' | 'enhanced';

export const NOISES: readonly Noise[] = ['off', 'standard', 'enhanced'];

export interface VoiceSettings {
  echoCancellation: boolean;
  autoGainControl: boolean;
  noise: Noise;
}

export const VOICE: VoiceSettings = { echoCancellation: true, autoGainControl: true, noise: 'standard' };

/** This browser runs worklets, and may compile WebAssembly. */
export const canDenoise = (): boolean => 'AudioWorkletNode' in globalThis && 'WebAssembly' in globalThis;

/** What the browser itself is asked to do; two suppressors on one voice only hurt it. */
export const constraintsOf = ({ echoCancellation, autoGainControl, noise }: VoiceSettings): MediaTrackConstraints => ({
  echoCancellation,
  autoGainControl,
  noiseSuppression: noise === 'standard',
});

/** The microphone as it shall be heard. Where the worklet does not run, the browser's own suppression is switched on instead. */
export async function asWished(raw: MediaStreamTrack, settings: VoiceSettings): Promise<MediaStreamTrack> {
  if (settings.noise !== 'enhanced' || !canDenoise()) return raw;
  try {
    const { denoise } = await import('./denoise');
    return await denoise(raw);
  } catch {
    await raw.applyConstraints(constraintsOf({ ...settings, noise: 'standard' })).catch(() => undefined);
    return raw;
  }
}
