import { expect, test } from 'vitest';
import { ProblemError } from '@calls/sdk';
import { pausedText } from '../src/components/Tile/paused';
import { deviceHelp } from '../src/state/device-help';
import { refusalOf } from '../src/state/refusal';

test('each reason for a device that does not open has words of its own', () => {
  const failures = ['denied', 'missing', 'busy', 'insecure', 'unsupported'] as const;
  const words = failures.map((failure) => deviceHelp('camera', failure));
  expect(new Set(words).size).toBe(failures.length);
  for (const sentence of words) expect(sentence).toContain('camera');
});

test('a picture that is paused says why; one that nobody looks at says nothing', () => {
  expect(pausedText('bandwidth')).toBe('Picture paused: the network is slow');
  expect(pausedText('codec')).toBe('This browser cannot show this picture');
  expect(pausedText('muted')).toBe('Picture paused at the other end');
  expect([pausedText('hidden'), pausedText(null)]).toEqual([null, null]);
});

const refused = (code: string, detail = '') =>
  refusalOf(new ProblemError({ type: '', title: 'Odd', status: 403, detail, code, request_id: '' }));

test('a door that is not there or not for us is told from one that stays shut', () => {
  expect(refused('not-found').nowhere).toBe('not-found');
  expect(refused('unauthorized').nowhere).toBe('unauthorized');
  expect(refused('room-locked')).toMatchObject({ nowhere: null, password: false });
  expect(refused('wrong-password')).toMatchObject({ nowhere: null, password: true });
});

test('a refusal that has no words here is told in the server’s', () => {
  expect(refused('brand-new', 'the moon is full').text).toContain('the moon is full');
});
