/** Something that the server knows, asked for when it is shown and, where it changes, again. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Poll } from './poll';

export interface Asked<T> {
  /** The last answer; kept while the next is awaited, so that nothing flickers. */
  value: T | null;
  error: unknown;
  again: () => void;
}

/**
 * `on` names what the question depends on; `every` asks again so many milliseconds after each answer, while the tab is in sight. It may
 * depend on the answer.
 */
export function useAsk<T>(ask: () => Promise<T>, on: readonly unknown[], every?: number | ((last: T | null) => number | undefined)): Asked<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const pause = useRef(every);
  pause.current = every;
  const poll = useMemo(
    () =>
      new Poll<T>({
        ask,
        every: (last) => (typeof pause.current === 'function' ? pause.current(last) : pause.current),
        inSight: () => document.visibilityState === 'visible',
        told: (answer) => {
          setValue(answer);
          setError(null);
        },
        failed: setError,
      }),
    on,
  );
  useEffect(() => {
    setValue(null);
    poll.again();
    return () => poll.stop();
  }, [poll]);
  return { value, error, again: () => poll.again() };
}

export interface PageOf<T> {
  data: T[];
  next_cursor?: string | null | undefined;
  has_more: boolean;
}

export interface Pages<T> {
  rows: T[] | null;
  error: unknown;
  /** Asks for the next page; null where there is none. */
  more: (() => void) | null;
  again: () => void;
}

/** A list that grows by a page each time that somebody wants more. */
export function usePages<T>(ask: (cursor: string | undefined) => Promise<PageOf<T>>, on: readonly unknown[]): Pages<T> {
  const [rows, setRows] = useState<T[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const turn = useRef(0);

  const load = (from: string | undefined) => {
    const mine = ++turn.current;
    ask(from).then(
      (page) => {
        if (mine !== turn.current) return;
        setRows((known) => (from && known ? [...known, ...page.data] : page.data));
        setCursor(page.has_more ? (page.next_cursor ?? null) : null);
        setError(null);
      },
      (problem: unknown) => mine === turn.current && setError(problem),
    );
  };
  useEffect(() => {
    setRows(null);
    load(undefined);
    return () => void turn.current++;
  }, on);
  return { rows, error, more: cursor ? () => load(cursor) : null, again: () => load(undefined) };
}

/** Every page, one after the other, as far as `most` rows. */
export async function all<T>(ask: (cursor: string | undefined) => Promise<PageOf<T>>, most: number): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    rows.push(...page.data);
    cursor = page.has_more ? (page.next_cursor ?? undefined) : undefined;
  } while (cursor && rows.length < most);
  return rows;
}
