/** Lists that grow while they are looked at: each time only what is new is asked for. */
import type { PageOf } from './ask';

export interface Grown<T> {
  /** Oldest first. */
  rows: T[];
  /** Nothing that was there is missing any more. */
  complete: boolean;
}

/** Pages of one question: what there is shows while the rest is still to come. */
const PAGES_AT_ONCE = 10;

/** Between one question and the next, while something is missing. */
const REST_MS = 100;

/** When a list is asked for again: the rest of it soon, and what is new after a pause, or never. */
export const growing =
  (pause: number | undefined) =>
  (last: Grown<unknown> | null): number | undefined =>
    last && !last.complete ? REST_MS : pause;

/**
 * A list whose pages run from its first row to its newest; `next_cursor` says where to go on, at its end too. It may be asked for again
 * before the answer is there: a page that came twice counts once.
 */
export function forwards<T>(ask: (after: string | undefined) => Promise<PageOf<T>>): () => Promise<Grown<T>> {
  let rows: T[] = [];
  let after: string | undefined;
  return async () => {
    for (let pages = 0; pages < PAGES_AT_ONCE; pages += 1) {
      const from = after;
      const page = await ask(from);
      if (after !== from) continue; // the other question was answered first, and goes on from there
      rows = [...rows, ...page.data];
      after = page.next_cursor ?? after;
      if (!page.has_more) return { rows, complete: true };
    }
    return { rows, complete: false };
  };
}

interface Backwards<T> {
  ask: (cursor: string | undefined) => Promise<PageOf<T>>;
  keyOf: (row: T) => string;
  /** Milliseconds since 1970. */
  atOf: (row: T) => number;
  /** Of more rows than these the oldest are not kept. */
  most: number;
}

/** A list whose pages run from its newest row to its first. */
export function backwards<T>({ ask, keyOf, atOf, most }: Backwards<T>): () => Promise<Grown<T>> {
  let known = new Map<string, T>();
  /** Behind the rows that are known; undefined: nothing was asked yet, null: there is nothing behind them. */
  let behind: string | null | undefined;

  return async () => {
    const fresh = new Map<string, T>();
    let met = behind === undefined; // the rows that are known
    let cursor: string | null | undefined;
    for (let pages = 0; cursor !== null && pages < PAGES_AT_ONCE; pages += 1) {
      const page: PageOf<T> = await ask(cursor);
      const meets = !met && page.data.some((row) => known.has(keyOf(row)));
      for (const row of page.data) fresh.set(keyOf(row), row);
      cursor = meets ? behind : page.has_more ? (page.next_cursor ?? null) : null;
      met ||= meets;
      if (met && known.size + fresh.size >= most) cursor = null;
    }
    const together = [...new Map([...(met ? known : []), ...fresh])]; // with a gap in between, what is before it is asked for anew
    together.sort(([, a], [, b]) => atOf(a) - atOf(b));
    known = new Map(together.slice(-most));
    behind = cursor;
    return { rows: [...known.values()], complete: cursor === null };
  };
}
