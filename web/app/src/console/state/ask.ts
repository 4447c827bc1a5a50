/** Something that the server knows, asked for when it is shown and, where it changes, again. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Asked<T> {
  /** The last answer; kept while the next is awaited, so that nothing flickers. */
  value: T | null;
  error: unknown;
  again: () => void;
}

/** `on` names what the question depends on; `every` asks again after so many milliseconds, while the tab is in sight. */
export function useAsk<T>(ask: () => Promise<T>, on: readonly unknown[], every?: number): Asked<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const turn = useRef(0);

  const again = useCallback(() => {
    const mine = ++turn.current; // an answer that a newer question overtook is dropped
    ask().then(
      (answer) => {
        if (mine !== turn.current) return;
        setValue(answer);
        setError(null);
      },
      (problem: unknown) => mine === turn.current && setError(problem),
    );
  }, on);

  useEffect(() => {
    setValue(null);
    again();
    return () => void turn.current++;
  }, [again]);
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && again(), every);
    return () => clearInterval(timer);
  }, [again, every]);
  return { value, error, again };
}

interface PageOf<T> {
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
