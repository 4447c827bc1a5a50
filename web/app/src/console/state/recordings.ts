/** When a recording is asked for again. */
import type { Recording } from '@calls/sdk';

export const EVERY_MS = 3000;

/** The server lets a link be good for an hour. */
const LINKS_MS = 50 * 60_000;

export const unfinished = ({ status }: Pick<Recording, 'status'>): boolean => status !== 'available' && status !== 'failed';

/** One that is finished only before its links expire. */
export const askAgainAfter = (last: Pick<Recording, 'status'> | null): number => (last && !unfinished(last) ? LINKS_MS : EVERY_MS);
