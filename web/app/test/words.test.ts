import { expect, test, vi } from 'vitest';
import { CannotEncrypt, CaptureError, ConnectionLost, ProblemError, type CaptureFailure } from '@calls/sdk';
import { pausedText } from '../src/components/Tile/paused';
import { speak } from '../src/i18n/t';
import { detailOf } from '../src/state/detail';
import { deviceHelp, devicesHelp, isDenied } from '../src/state/device-help';
import { refusalOf } from '../src/state/refusal';

test('each reason for a device that does not open has words of its own', () => {
  const failures = ['denied', 'missing', 'busy', 'insecure', 'unsupported'] as const;
  const words = failures.map((failure) => deviceHelp('camera', failure));
  expect(new Set(words).size).toBe(failures.length);
  for (const sentence of words) expect(sentence).toContain('camera');
});

test('what is the matter with both devices is said once, and else of each', () => {
  const failures = ['denied', 'canceled', 'missing', 'busy', 'insecure', 'unsupported'] as const;
  for (const failure of failures) {
    const told = devicesHelp({ microphone: failure, camera: failure });
    expect(told.length, failure).toBe(1);
    expect(told[0]).toMatch(/microphone.*camera/);
  }
  expect(devicesHelp({ microphone: 'busy', camera: 'missing' })).toEqual([deviceHelp('microphone', 'busy'), deviceHelp('camera', 'missing')]);
  expect(devicesHelp({ microphone: null, camera: 'background' })).toEqual([deviceHelp('camera', 'background')]);
  expect(devicesHelp({ microphone: null, camera: null })).toEqual([]);
});

test('devices that the page may not see are told from those that are not there', () => {
  expect((['denied', 'canceled', 'missing', null] as const).map((failure) => isDenied({ failure }))).toEqual([true, true, false, false]);
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

test('what goes wrong is told in the language of the page, not in that of the program', async () => {
  globalThis.document = { documentElement: { lang: '', dir: '' } } as Document;
  const failures: CaptureFailure[] = ['denied', 'missing', 'busy', 'insecure', 'unsupported', 'background'];
  const problem = new ProblemError({ type: '', title: '', status: 403, detail: 'only a moderator may', code: 'not-moderator', request_id: '' });
  const errors = [new ConnectionLost(), new CannotEncrypt(), problem, ...failures.map((failure) => new CaptureError(failure))];
  const logged = vi.spyOn(console, 'error').mockReturnValue();
  const unforeseen = new Error('x is not a function');
  const english = [...errors, unforeseen].map(detailOf);
  for (const language of ['de', 'ar'] as const) {
    await speak(language);
    const told = [...errors, unforeseen].map(detailOf);
    told.forEach((text, n) => {
      expect(text).not.toBe(english[n]);
      expect(text).not.toContain([...errors, unforeseen][n]!.message);
    });
  }
  for (const failure of failures) expect(english).not.toContain(failure);
  expect(logged).toHaveBeenCalledWith(unforeseen);
  logged.mockRestore();
  await speak('en');
});
