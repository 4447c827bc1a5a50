/** Longest pause after the first failure; it doubles with each further one. */
const FIRST_MS = 250;

/** No pause is longer. */
const CAP_MS = 8_000;

/** No pause is longer while the server keeps our place: it may be back at any moment, and so should we. */
export const EAGER_CAP_MS = 1_500;

/**
 * How long to wait before the next try, in milliseconds: exponential with full jitter, so that a thousand clients
 * of a server that restarts do not come back at once.
 */
export function backoff(failures: number, random: () => number = Math.random, capMs = CAP_MS): number {
  return random() * Math.min(capMs, FIRST_MS * 2 ** failures);
}
