/** When a recording is asked for again, and what can still be made of it. */
import type { Recording } from '@calls/sdk';

export const EVERY_MS = 3000;

/** The server lets a link be good for an hour. */
const LINKS_MS = 50 * 60_000;

export const LAYOUTS = ['grid', 'speaker', 'screen_first'] as const;
export type Layout = (typeof LAYOUTS)[number];

export const unfinished = ({ status }: Pick<Recording, 'status'>): boolean => status !== 'available' && status !== 'failed';

/** One that is finished only before its links expire. */
export const askAgainAfter = (last: Pick<Recording, 'status'> | null): number => (last && !unfinished(last) ? LINKS_MS : EVERY_MS);

type Composable = Pick<Recording, 'status' | 'mode' | 'files' | 'transcript'>;

/** Whether the file of everybody can be made once more: in a layout, or as it would have been; null: not now, or never. */
export function composable({ status, mode, files, transcript }: Composable): 'layout' | 'plain' | null {
  const tracks = files.filter(({ kind }) => kind === 'track');
  if (status !== 'available' || transcript?.status === 'queued' || tracks.length === 0) return null;
  if (mode === 'video' || mode === 'composite') return 'layout';
  const heard = tracks.some(({ source }) => source === 'microphone' || source === 'screen_audio');
  return mode === 'audio' && heard && !files.some(({ kind }) => kind === 'audio') ? 'plain' : null;
}
