import { expect, test } from 'vitest';
import { hear, search, shownAt, turns, type Line, type Said } from '../src/layout/captions';

const said = (participant_id: string, text: string, final: boolean, start_ms = 0): Said => ({
  participant_id,
  text,
  final,
  start_ms,
  end_ms: start_ms + 500,
});

const take = (all: Said[], now = 0): readonly Line[] =>
  all.reduce<readonly Line[]>((lines, one) => hear(lines, one, one.participant_id, now), []);

const texts = (lines: readonly Line[]) => lines.map(({ participantId, text }) => `${participantId}: ${text}`);

test('words that are not final yet are replaced by better ones, and keep their place', () => {
  const lines = take([said('ann', 'good', false), said('bob', 'yes', true), said('ann', 'good morning', false), said('ann', 'good morning all', true)]);
  expect(texts(lines)).toEqual(['ann: good morning all', 'bob: yes']);
  expect(texts(take([said('ann', 'one', true), said('ann', 'two', true)]))).toEqual(['ann: one', 'ann: two']);
});

test('two who talk at once have a line each', () => {
  const lines = take([said('ann', 'a', false), said('bob', 'b', false), said('ann', 'a a', true), said('bob', 'b b', true)]);
  expect(texts(lines)).toEqual(['ann: a a', 'bob: b b']);
});

test('words that turn out to be none go', () => {
  expect(take([said('ann', 'hm', false), said('ann', '', true)])).toEqual([]);
});

test('captions show the last three lines, for a while', () => {
  const lines = take(['a', 'b', 'c', 'd'].map((text, at) => said('ann', text, true, at)), 1_000);
  expect(texts(shownAt(lines, 2_000))).toEqual(['ann: b', 'ann: c', 'ann: d']);
  expect(shownAt(lines, 20_000)).toEqual([]);
});

test('who goes on speaking is named once', () => {
  const lines = take([said('ann', 'a', true), said('ann', 'b', true), said('bob', 'c', true), said('ann', 'd', true)]);
  expect(turns(lines).map(texts)).toEqual([['ann: a', 'ann: b'], ['bob: c'], ['ann: d']]);
});

test('a search finds all of its words, in any order and case, and by speaker', () => {
  const lines = take([said('ann', 'The budget is fine', true), said('bob', 'Which budget', true)]);
  expect(texts(search(lines, 'FINE budget'))).toEqual(['ann: The budget is fine']);
  expect(texts(search(lines, 'bob'))).toEqual(['bob: Which budget']);
  expect(search(lines, '  ')).toBe(lines);
});
