import { expect, test } from 'vitest';
import { subjectOf } from '../src/token';

function token(claims: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const encoded = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return `e30.${encoded}.signature`;
}

test('a token tells whose it is, in any script', () => {
  expect(subjectOf(token({ sub: 'zoë-Ж-??>>', room: 'room_1' }))).toBe('zoë-Ж-??>>');
});

test('what is no token is nobody’s', () => {
  expect(['', 'x', 'a.b.c', token({}), token({ sub: 7 }), 'e30.bnVsbA.s'].map(subjectOf)).toEqual(Array(6).fill(null));
});
