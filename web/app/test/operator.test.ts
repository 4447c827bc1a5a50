// What the console says of keys, of fields, and of a recording that is not finished.
import { describe, expect, test } from 'vitest';
import { ProblemError, type Recording, type Schemas } from '@calls/sdk';
import { isOwn, revoking } from '../src/console/state/keys';
import { lengthOf, sizeOf } from '../src/console/state/recordings';
import { wrongUrl, wrongWith } from '../src/console/state/refusal';

const refusal = (pointer: string, detail: string) =>
  new ProblemError({ type: '', title: '', status: 422, code: 'invalid-body', request_id: '', detail: `the body has a bad field at ${pointer}: ${detail}`, errors: [{ pointer, detail }] });

describe('what is wrong with a field', () => {
  test('stands at that field, without the words that say where', () => {
    const error = refusal('/action', 'must be one of key.revoke');
    expect(wrongWith('action', error)).toBe('must be one of key.revoke');
    expect(wrongWith('actor', error)).toBeUndefined();
    expect(wrongWith('action', new Error('else'))).toBeUndefined();
  });

  test('of an address that is none is said in the language of the page', () => {
    const error = refusal('/url', 'must be a URL, as in "https://app.example.org/hooks"');
    for (const url of ['nonsense', 'ftp://app.example.org']) expect(wrongUrl(url, error)).toMatch(/^This is no web address/);
    expect(wrongUrl('http://app.example.org', refusal('/url', 'must begin with https://'))).toBe('must begin with https://');
  });
});

describe('before a key is revoked it is said', () => {
  const key = (name: string, more: Partial<Schemas['ApiKey']> = {}) =>
    ({ name, scopes: ['keys'], expires_at: null, revoked_at: null, ...more }) as Schemas['ApiKey'];
  const [own, other] = [key('calls_own'), key('calls_other')];

  test('that one signs oneself out', () => {
    expect(isOwn('calls_own', 'calls_own1234')).toBe(true);
    expect([isOwn('calls_own', 'calls_other1234'), isOwn('calls_own', ''), isOwn('calls_own', null)]).toEqual([false, false, false]);
    expect(revoking(own, [own, other], 'calls_own1234')).toEqual(['key.revokeText', 'key.revokeOwn']);
    expect(revoking(other, [own, other], 'calls_own1234')).toEqual(['key.revokeText']);
  });

  test('that it is the last one that manages keys, where all are known', () => {
    const useless = [key('a', { scopes: ['rooms'] }), key('b', { revoked_at: '2026-01-01T00:00:00Z' }), key('c', { expires_at: '2026-01-01T00:00:00Z' })];
    expect(revoking(other, [other, ...useless], null)).toEqual(['key.revokeText', 'key.revokeLast']);
    expect(revoking(other, null, null)).toEqual(['key.revokeText']);
    expect(revoking(key('a', { scopes: ['rooms'] }), [other, ...useless], null)).toEqual(['key.revokeText']);
  });
});

test('a recording has a length and a size once it has files, and says for how long it has run until then', () => {
  const one = (status: Recording['status'], files: unknown[] = []) =>
    ({ status, files, duration_seconds: 281, size_bytes: files.length * 2000 }) as unknown as Recording;
  const told = [one('active'), one('processing'), one('failed'), one('available', [{}]), one('processing', [{}])];
  expect(told.map(lengthOf)).toEqual(['4:41 so far', '–', '–', '4:41', '4:41']);
  expect(told.map(sizeOf)).toEqual(['–', '–', '–', '2 kB', '2 kB']);
});
