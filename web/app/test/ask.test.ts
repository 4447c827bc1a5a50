import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backwards, forwards } from '../src/console/state/growing';
import { Poll } from '../src/console/state/poll';
import { askAgainAfter } from '../src/console/state/recordings';
import { once, together } from '../src/console/state/together';

describe('a question that is asked again and again', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const poll = (ask: () => Promise<number>, every: (last: number | null) => number | undefined = () => 1000) => {
    const [told, failed] = [vi.fn(), vi.fn()];
    return { told, failed, poll: new Poll({ ask, every, inSight: () => true, told, failed }) };
  };
  const slow = (ms: number) => {
    let count = 0;
    return vi.fn(() => new Promise<number>((done) => setTimeout(done, ms, (count += 1))));
  };

  test('is answered also where an answer takes longer than the pause', async () => {
    const ask = slow(2500);
    const { poll: asking, told } = poll(ask);
    asking.again();
    await vi.advanceTimersByTimeAsync(7_100);
    expect(told.mock.calls.flat()).toEqual([1, 2]);
    expect(ask).toHaveBeenCalledTimes(3);
  });

  test('ends where its last answer says so', async () => {
    const ask = slow(10);
    const { poll: asking } = poll(ask, (last) => (last === 2 ? undefined : 1000));
    asking.again();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test('drops an answer that a newer question overtook, and all of them once it is stopped', async () => {
    const { poll: asking, told } = poll(slow(500));
    asking.again();
    await vi.advanceTimersByTimeAsync(100);
    asking.again();
    await vi.advanceTimersByTimeAsync(600);
    expect(told.mock.calls.flat()).toEqual([2]);
    asking.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveBeenCalledTimes(1);
  });

  test('is asked again after a failure', async () => {
    const ask = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValue(7);
    const { poll: asking, told, failed } = poll(ask);
    asking.again();
    await vi.advanceTimersByTimeAsync(1_100);
    expect([failed.mock.calls.length, told.mock.calls.flat()]).toEqual([1, [7]]);
  });
});

test('names that are wanted at the same moment are asked for together, and singly where they are not among them', async () => {
  const list = vi.fn(async () => new Map([['a', 'Ada'], ['b', 'Bo']]));
  const single = vi.fn(async (id: string) => id.toUpperCase());
  const ask = once(together({ list, single }), (name) => name !== 'Bo');
  expect(await ask('z')).toBe('Z');
  expect(list).toHaveBeenCalledTimes(0);
  expect(await Promise.all(['a', 'b', 'a', 'c'].map(ask))).toEqual(['Ada', 'Bo', 'Ada', 'C']);
  expect([list.mock.calls.length, single.mock.calls]).toEqual([1, [['z'], ['c']]]);
  await Promise.all(['a', 'b'].map(ask)); // the one is known, the other still changes
  expect([list.mock.calls.length, single.mock.calls.slice(2)]).toEqual([1, [['b']]]);
});

test('a recording that is finished is left alone, so that its player keeps its link', () => {
  expect([null, { status: 'processing' } as const].map(askAgainAfter)).toEqual([3000, 3000]);
  expect(askAgainAfter({ status: 'available' })).toBeGreaterThan(30 * 60_000);
});

const PAGE = 100;

/** A list on the server, newest last, as the rows' own numbers. */
class Listed {
  asked = 0;
  constructor(public count: number) {}

  forwards = async (after: string | undefined) => {
    this.asked += 1;
    const from = Number(after ?? 0);
    const data = Array.from({ length: Math.min(PAGE, this.count - from) }, (_, n) => from + n);
    return { data, next_cursor: String(from + data.length), has_more: from + data.length < this.count };
  };

  backwards = async (cursor: string | undefined) => {
    this.asked += 1;
    const to = Number(cursor ?? this.count);
    const data = Array.from({ length: Math.min(PAGE, to) }, (_, n) => to - 1 - n);
    return { data, next_cursor: to > PAGE ? String(to - PAGE) : null, has_more: to > PAGE };
  };
}

const upTo = (count: number, from = 0) => Array.from({ length: count - from }, (_, n) => from + n);

test('of a list that grows at its end only what is new is asked for', async () => {
  const list = new Listed(250);
  const ask = forwards(list.forwards);
  expect((await ask()).rows).toEqual(upTo(250));
  list.count = 260;
  list.asked = 0;
  expect(await ask()).toEqual({ rows: upTo(260), complete: true });
  expect(list.asked).toBe(1);
});

test('a list that is asked for again before its answer is there has each row once', async () => {
  const list = new Listed(250);
  const ask = forwards(list.forwards);
  const [, second] = await Promise.all([ask(), ask()]);
  expect(second).toEqual({ rows: upTo(250), complete: true });
  expect((await ask()).rows).toEqual(upTo(250));
});

describe('of a list whose newest come first', () => {
  const grown = (count: number, most = 5000) => {
    const list = new Listed(count);
    return { list, ask: backwards({ ask: list.backwards, keyOf: String, atOf: (row: number) => row, most }) };
  };

  test('rows come oldest first, and only what is new is asked for', async () => {
    const { list, ask } = grown(730);
    expect(await ask()).toEqual({ rows: upTo(730), complete: true });
    list.count = 740;
    list.asked = 0;
    expect(await ask()).toEqual({ rows: upTo(740), complete: true });
    expect(list.asked).toBe(1);
  });

  test('a long one shows its end before the rest is there', async () => {
    const { list, ask } = grown(2500);
    expect(await ask()).toEqual({ rows: upTo(2500, 1500), complete: false });
    list.count = 2510; // it grows meanwhile
    while (!(await ask()).complete);
    expect((await ask()).rows).toEqual(upTo(2510));
  });

  test('one that is too long keeps its end, and goes on', async () => {
    const { list, ask } = grown(900, 500);
    expect(await ask()).toEqual({ rows: upTo(900, 400), complete: true });
    list.count = 1000;
    expect(await ask()).toEqual({ rows: upTo(1000, 500), complete: true });
  });

  test.each([450, 5_000])('nothing is missing after %i came while nobody looked', async (more) => {
    const { list, ask } = grown(350, 100_000);
    await ask();
    list.count += more;
    let answer = await ask();
    while (!answer.complete) answer = await ask();
    expect(answer.rows).toEqual(upTo(350 + more));
  });
});
