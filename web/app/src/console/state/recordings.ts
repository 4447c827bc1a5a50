/** When a recording is asked for again, and what can still be made of it. */
import type { Recording } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { t } from '../words/t';
import { bytes } from './format';

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

/** How long it is; while it runs, for how long it has run, as what comes of it ends with the last that somebody sent. */
export function lengthOf({ status, files, duration_seconds }: Pick<Recording, 'status' | 'files' | 'duration_seconds'>): string {
  const time = elapsed(duration_seconds);
  if (status === 'active') return t('recording.soFar', { time });
  return files.length > 0 ? time : t('value.none');
}

/** Of all its files, once there are some. */
export const sizeOf = ({ files, size_bytes }: Pick<Recording, 'files' | 'size_bytes'>): string =>
  files.length > 0 ? bytes(size_bytes) : t('value.none');
