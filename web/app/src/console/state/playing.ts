/** Where the recording is that plays now, as a time of its call, so that the transcript goes along with it. */
import { signal } from '@preact/signals';
import type { Report } from './report';

/** Where a recording is in its call; in milliseconds. */
export interface Place {
  /** Its first moment, from the beginning of the call on. */
  begins: number;
  /** What was left out of its files, in order, counted from its first moment on as time went by. */
  pauses: { from: number; to: number }[];
}

/** Of a recording that begins then in its call. Behind a pause that never ended there is nothing. */
export function placeOf(begins: number, pauses: Report['pauses']): Place {
  const ended = pauses.flatMap(({ from_ms: from, to_ms: to }) => (to == null ? [] : [{ from, to }]));
  return { begins, pauses: ended.sort((a, b) => a.from - b.from) };
}

/** From a time of the file to one of the call. Where a pause is cut out of the file, it is over. */
export const inCall = ({ begins, pauses }: Place, ms: number): number =>
  begins + pauses.reduce((at, { from, to }) => (at < from ? at : at + to - from), ms);

/** From a time of the call to one of the file. What was said in a pause is in no file, which goes on after it there. */
export function inFile({ begins, pauses }: Place, ms: number): number {
  const at = ms - begins;
  const out = pauses.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, at) - from), 0);
  return Math.max(0, at - out);
}

/** In milliseconds from the beginning of the call; null while nothing was played. */
export const playing = signal<{ ms: number } | null>(null);

let player: HTMLMediaElement | null = null;

/** Players carry where they are, so that one that was never played is found too. */
const placeIn = ({ dataset }: HTMLMediaElement): Place => JSON.parse(dataset['place'] ?? '{"begins":0,"pauses":[]}') as Place;

/** The transcript goes along with this player. */
export function follow(media: HTMLMediaElement): void {
  player = media;
  playing.value = { ms: inCall(placeIn(media), media.currentTime * 1000) };
}

/** Plays on from a moment of the call. */
export function jump(ms: number): void {
  const found = player?.isConnected ? player : document.querySelector<HTMLMediaElement>('.recordings__player');
  if (!found) return;
  found.currentTime = inFile(placeIn(found), ms) / 1000;
  follow(found);
  void found.play().catch(() => undefined);
}
