/** Tells the meeting that a picture of somebody is on screen, and how big. */
import { useEffect, useState } from 'preact/hooks';
import type { VideoSource } from '@calls/sdk';
import type { Screenful } from '../state/screenful';
import type { Size } from './useSize';

export function useOnScreen(screenful: Screenful, id: string, source: VideoSource, shown: boolean, size: Size): void {
  const { width, height } = size;
  const [tile] = useState(() => Symbol(id));
  useEffect(() => {
    const scale = globalThis.devicePixelRatio || 1;
    if (shown) screenful.put(tile, id, source, Math.round(width * scale), Math.round(height * scale));
    else screenful.drop(tile);
  }, [screenful, tile, id, source, shown, width, height]);
  useEffect(() => () => screenful.drop(tile), [screenful, tile]);
}
