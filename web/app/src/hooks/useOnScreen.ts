/** Tells the meeting that a picture of somebody is on screen, and how big. */
import { useEffect } from 'preact/hooks';
import type { VideoSource } from '@calls/sdk';
import type { Screenful } from '../state/screenful';
import type { Size } from './useSize';

export function useOnScreen(screenful: Screenful, id: string, source: VideoSource, shown: boolean, size: Size): void {
  const { width, height } = size;
  useEffect(() => {
    const scale = globalThis.devicePixelRatio || 1;
    if (shown) screenful.put(id, source, Math.round(width * scale), Math.round(height * scale));
    else screenful.drop(id, source);
  }, [screenful, id, source, shown, width, height]);
  useEffect(() => () => screenful.drop(id, source), [screenful, id, source]);
}
