/** Where the recording is that plays now, as a time of its call, so that the transcript goes along with it. */
import { signal } from '@preact/signals';

/** In milliseconds from the beginning of the call; null while nothing was played. */
export const playing = signal<{ ms: number } | null>(null);

let player: { media: HTMLMediaElement; offset: number } | null = null;

/** A recording whose first moment is `offset` milliseconds into the call. */
export function follow(media: HTMLMediaElement, offset: number): void {
  player = { media, offset };
  playing.value = { ms: offset + media.currentTime * 1000 };
}

/** Plays on from a moment of the call. */
export function jump(ms: number): void {
  const found = player?.media.isConnected ? player.media : document.querySelector<HTMLMediaElement>('.recordings__player');
  if (!found) return;
  const offset = Number(found.dataset['offset'] ?? 0);
  found.currentTime = Math.max(0, (ms - offset) / 1000);
  follow(found, offset);
  void found.play().catch(() => undefined);
}
