import { expect, test } from 'vitest';
import { afterwards, type Closed } from '../src/signaling/afterwards';
import { backoff } from '../src/signaling/backoff';

const closed = (change: Partial<Closed>): Closed => ({
  bye: null,
  returning: false,
  downForMs: 0,
  keptForMs: 30_000,
  ...change,
});

test('without a last word the session is resumed while the server keeps it', () => {
  expect(afterwards(closed({ downForMs: 29_000 }))).toEqual({ do: 'reopen' });
  expect(afterwards(closed({ downForMs: 31_000 }))).toEqual({ do: 'rejoin' });
});

test('a token that is no longer good stops a newcomer, but not one who could join anew', () => {
  const bye = { reason: 'unauthorized', retry: 'no' } as const;
  expect(afterwards(closed({ bye }))).toEqual({ do: 'stop', reason: 'unauthorized' });
  expect(afterwards(closed({ bye, returning: true }))).toEqual({ do: 'rejoin' });
});

test('pauses double, are random, and have a ceiling', () => {
  const longest = [0, 1, 2, 3, 20].map((failures) => backoff(failures, () => 1));
  expect(longest).toEqual([250, 500, 1000, 2000, 8000]);
  expect(backoff(3, () => 0)).toBe(0);
});
