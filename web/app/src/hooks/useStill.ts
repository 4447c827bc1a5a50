/** Tells whether a picture that moved stands still: the network at the other end may be gone, which the server learns later. */
import { useEffect } from 'preact/hooks';
import { Stillness } from '../layout/stillness';

const LOOK_EVERY_MS = 1_000;

export function useStill(ref: { current: HTMLVideoElement | null }, track: MediaStreamTrack, told: ((still: boolean) => void) | undefined): void {
  useEffect(() => {
    if (!told) return;
    const stillness = new Stillness();
    const look = () => {
      const frames = document.hidden ? null : ref.current?.getVideoPlaybackQuality?.().totalVideoFrames;
      told(stillness.of(frames ?? null));
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      told(false); // of a track that is not shown nobody knows
    };
  }, [ref, track, told]);
}
