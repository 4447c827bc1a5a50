import { expect, test } from 'vitest';
import { handQueue, mainOf, type StageWish } from '../src/layout/stage';
import { readPrefs } from '../src/state/prefs';
import { affordable } from '../src/state/screenful';

const wish = (change: Partial<StageWish>): StageWish => ({
  layout: 'auto',
  pinned: null,
  spotlight: null,
  presenters: [],
  speaker: null,
  ...change,
});

test('one’s own pin goes before the spotlight, and that before a screen', () => {
  const all = wish({ pinned: 'ann', spotlight: 'bob', presenters: ['cid'], speaker: 'dan' });
  expect(mainOf(all)).toEqual({ shows: 'face', id: 'ann' });
  expect(mainOf({ ...all, pinned: null })).toEqual({ shows: 'face', id: 'bob' });
  expect(mainOf({ ...all, pinned: null, spotlight: null })).toEqual({ shows: 'screen', id: 'cid' });
});

test('whoever is pinned while they share is shown by their screen', () => {
  expect(mainOf(wish({ pinned: 'ann', presenters: ['ann'] }))).toEqual({ shows: 'screen', id: 'ann' });
});

test('a grid stays one while somebody shares, and speakers are large only where that is wished', () => {
  expect(mainOf(wish({ layout: 'grid', presenters: ['ann'] }))).toBeNull();
  expect(mainOf(wish({ speaker: 'ann' }))).toBeNull();
  expect(mainOf(wish({ layout: 'speaker', presenters: ['bob'], speaker: 'ann' }))).toEqual({ shows: 'face', id: 'ann' });
});

test('hands keep their order while others go up and down', () => {
  const queue = handQueue(handQueue([], ['bob', 'ann']), ['ann', 'bob', 'cid']);
  expect(queue).toEqual(['bob', 'ann', 'cid']);
  expect(handQueue(queue, ['ann', 'cid'])).toEqual(['ann', 'cid']);
});

test('whoever saves data sees small faces and whole screens; with sound only, nothing', () => {
  const face = { participantId: 'ann', source: 'camera', width: 900, height: 500 } as const;
  const screen = { participantId: 'ann', source: 'screen', width: 1200, height: 700 } as const;
  expect(affordable([face, screen], 'full')).toEqual([screen, face]);
  expect(affordable([face, screen], 'saver')).toEqual([screen, { ...face, width: 320, height: 180 }]);
  expect(affordable([face, screen], 'audio')).toEqual([]);
});

test('preferences that are broken or from another time become a whole set', () => {
  const first = readPrefs(null);
  expect(first).toMatchObject({ theme: 'system', layout: 'auto', traffic: 'full', language: null, shortcuts: true });
  expect(readPrefs('no json')).toEqual(first);
  expect(readPrefs('null')).toEqual(first);
  expect(readPrefs('{"theme":"pink","layout":"speaker","language":"xx","captions":"yes"}')).toEqual({ ...first, layout: 'speaker' });
});
