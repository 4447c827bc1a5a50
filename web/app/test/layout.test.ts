import { expect, test } from 'vitest';
import en from '../src/i18n/en.json';
import { t, tn } from '../src/i18n/t';
import { gridLayout } from '../src/layout/grid';
import { EMPTY, page, seat, spoke } from '../src/layout/order';
import { qualityLevel } from '../src/layout/quality';
import { Stillness } from '../src/layout/stillness';
import { elapsed, goesOn, initials, pieces, roomIn } from '../src/layout/text';

test('four people fill a wide window two by two, and two a phone one below the other', () => {
  expect(gridLayout(4, 1280, 670, 12).columns).toBe(2);
  expect(gridLayout(2, 360, 560, 8).columns).toBe(1);
});

test('five people on a phone are as wide as half of it', () => {
  expect(gridLayout(5, 374, 700, 12)).toMatchObject({ columns: 2, width: 181, height: 225 });
});

test('a picture that stands for three looks is still, but not one that never moved or that nobody looked at', () => {
  const looks = (...counts: (number | null)[]) => {
    const stillness = new Stillness();
    return counts.map((count) => stillness.of(count)).at(-1);
  };
  expect(looks(1, 9, 9, 9)).toBe(false);
  expect(looks(1, 9, 9, 9, 9)).toBe(true);
  expect(looks(1, 9, 9, 9, 9, 10)).toBe(false);
  expect(looks(0, 0, 0, 0, 0, 0)).toBe(false);
  expect(looks(1, 9, null, null, null, null, 9, 9)).toBe(false);
});

test('a message goes on with the one before, but a file for one alone says so itself', () => {
  const [open, secret, file] = [{ from: 'ann' }, { from: 'ann', to: 'bob' }, { file: { name: 'plan.txt' } }];
  expect([goesOn(undefined, open), goesOn(open, open), goesOn(secret, secret), goesOn(open, secret)]).toEqual([false, true, true, false]);
  expect([goesOn(open, { ...open, ...file }), goesOn(secret, { ...secret, ...file })]).toEqual([true, false]);
});

test('tiles never leave their window', () => {
  for (let count = 1; count <= 12; count += 1) {
    const { columns, width, height } = gridLayout(count, 900, 500, 10);
    expect(columns * width + (columns - 1) * 10).toBeLessThanOrEqual(900);
    expect(Math.ceil(count / columns) * height + (Math.ceil(count / columns) - 1) * 10).toBeLessThanOrEqual(500);
  }
});

test('tiles are never narrower than 4:3, or 3:4 in an upright window, nor wider than 16:9, and fill about half of any window or more', () => {
  const windows = [[1280, 640], [1920, 940], [1024, 700], [800, 1200], [374, 690]] as const;
  for (const [width, height] of windows) {
    for (let count = 1; count <= 9; count += 1) {
      const tile = gridLayout(count, width, height, 12);
      const aspect = tile.width / tile.height;
      expect(aspect).toBeGreaterThan((height > width ? 3 / 4 : 4 / 3) - 0.02);
      expect(aspect).toBeLessThan(16 / 9 + 0.02);
      // One tile in a tall window is as wide as the window, and there it ends.
      const filled = (count * tile.width * tile.height) / (width * height);
      const full = count === 1 ? tile.width >= width - 1 || tile.height >= height - 1 : filled > 0.45;
      expect(full, `${count} in ${width}x${height}: ${filled.toFixed(2)}`).toBe(true);
    }
  }
});

test('a score is told in five bars and a word', () => {
  const told = (score: number) => Object.values(qualityLevel(score)).join(' ');
  expect([5, 4.5, 3.4, 1.6, 0.6, 0.4, -1, 9].map(told)).toEqual([
    '5 good', '5 good', '3 fair', '2 poor', '1 poor', '0 gone', '0 gone', '5 good',
  ]);
});

test('a window without size has tiles without size', () => {
  expect(gridLayout(3, 0, 0, 10)).toEqual({ columns: 1, width: 0, height: 0 });
});

test('who speaks on a later page changes places with the quietest of the first', () => {
  let seating = seat(EMPTY, ['a', 'b', 'c', 'd']);
  seating = spoke(seating, 'b', 10, 2);
  expect(seating.order).toEqual(['a', 'b', 'c', 'd']);
  seating = spoke(seating, 'd', 20, 2);
  expect(seating.order).toEqual(['d', 'b', 'c', 'a']);
});

test('faces keep their places when others come and go', () => {
  const seating = seat(seat(EMPTY, ['a', 'b', 'c']), ['c', 'x', 'a']);
  expect(seating.order).toEqual(['a', 'c', 'x']);
});

test('a page that is no longer there is the last one', () => {
  expect(page([1, 2, 3], 5, 2)).toEqual({ items: [3], page: 1, pages: 2 });
  expect(page([], 0, 2)).toEqual({ items: [], page: 0, pages: 1 });
});

test('an avatar shows the first letters of the first and last name', () => {
  expect(initials('Ada King Lovelace')).toBe('AL');
  expect(initials('élodie')).toBe('É');
  expect(initials('  ')).toBe('?');
});

test('only web addresses become links', () => {
  expect(pieces('see https://example.org/a?b=1. ok')).toEqual([
    { text: 'see ' },
    { text: 'https://example.org/a?b=1', href: 'https://example.org/a?b=1' },
    { text: '. ok' },
  ]);
  expect(pieces('javascript:alert(1)')).toEqual([{ text: 'javascript:alert(1)' }]);
});

test('a room is found in a code and in a link with its token', () => {
  expect(roomIn(' room_1ab ')).toEqual({ roomId: 'room_1ab', hash: '' });
  expect(roomIn('https://calls.example/meet/room_1ab#token=x')).toEqual({ roomId: 'room_1ab', hash: '#token=x' });
  expect(roomIn('hello')).toBeNull();
});

test('time shows hours only when there are any', () => {
  expect([elapsed(247), elapsed(3847)]).toEqual(['4:07', '1:04:07']);
});

test('numbers choose their form, and every plural has all forms', () => {
  expect(tn('people.count', 1)).toBe('1 person');
  expect(tn('people.count', 3)).toBe('3 people');
  expect(t('meeting.joined', { name: 'Ada' })).toBe('Ada joined');
  for (const key of Object.keys(en)) {
    if (key.endsWith('_other')) expect(en).toHaveProperty([key.replace(/_other$/, '_one')]);
  }
});
