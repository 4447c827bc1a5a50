import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProblemError } from '../src/errors';
import { Signaling, type Ending } from '../src/signaling/signaling';
import { FakeSocket, openFake, welcome } from './fake-socket';

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
});
afterEach(() => vi.useRealTimers());

const enter = () => Promise.resolve({ token: 'join', ws_url: 'ws://server/ws' });
const soon = () => vi.advanceTimersByTimeAsync(300);

async function inside(session = 's1') {
  const entered = vi.fn(enter);
  const signaling = new Signaling({ enter: entered, openSocket: openFake });
  const endings: Ending[] = [];
  signaling.on('over', (ending) => endings.push(ending));
  signaling.start();
  await soon();
  FakeSocket.last.accept().say({ t: 'welcome', seq: 1, d: welcome(session) });
  return { signaling, entered, endings };
}

const bye = (reason: string, retry: string) => ({ t: 'bye', d: { reason, retry } });

test('the first frame is hello with the join token', async () => {
  await inside();
  expect(FakeSocket.last.sent).toEqual([{ t: 'hello', d: { token: 'join' } }]);
});

test('a dropped socket resumes its session with the last event it saw', async () => {
  const { signaling, entered } = await inside();
  const welcomes: boolean[] = [];
  signaling.on('welcome', ({ resumed }) => welcomes.push(resumed));
  FakeSocket.last.say({ t: 'speakers', seq: 7, d: [] });

  FakeSocket.last.close();
  await soon();
  FakeSocket.last.accept();

  const resume = { session: 's1', last_seq: 7 };
  expect(FakeSocket.last.sent).toEqual([{ t: 'hello', d: { token: 'resume-s1', resume } }]);
  FakeSocket.last.say({ t: 'welcome', d: welcome('s1') });
  expect(welcomes).toEqual([true]);
  expect(entered).toHaveBeenCalledTimes(1);
});

test('a server that lost the session is entered anew', async () => {
  const { signaling, entered } = await inside();
  const welcomes: boolean[] = [];
  signaling.on('welcome', ({ resumed }) => welcomes.push(resumed));

  FakeSocket.last.say(bye('lost', 'rejoin'));
  await soon();
  FakeSocket.last.accept().say({ t: 'welcome', d: welcome('s2') });

  expect(entered).toHaveBeenCalledTimes(2);
  expect(welcomes).toEqual([false]);
});

test('somebody who was removed does not come back', async () => {
  const { endings } = await inside();
  FakeSocket.last.say(bye('removed', 'no'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(endings).toEqual([{ by: 'bye', reason: 'removed' }]);
  expect(FakeSocket.opened).toHaveLength(1);
});

test('a socket that does not answer in time is taken for gone', async () => {
  const { signaling } = await inside();
  const asked = signaling.ask({ t: 'hand', d: { up: true } });
  const failed = expect(asked).rejects.toThrow('the connection was lost');
  await vi.advanceTimersByTimeAsync(11_000);
  await failed;
  expect(FakeSocket.opened).toHaveLength(2);
});

test('an answer finds its request, and a refusal is thrown as the problem it is', async () => {
  const { signaling } = await inside();
  const hand = signaling.ask({ t: 'hand', d: { up: true } });
  const chat = signaling.ask({ t: 'chat', d: { text: 'hi' } });
  FakeSocket.last.say({ re: 2, t: 'error', d: { status: 403, code: 'forbidden', title: 'No', detail: '' } });
  FakeSocket.last.say({ re: 1, t: 'ok', d: { fine: true } });
  await expect(hand).resolves.toEqual({ fine: true });
  await expect(chat).rejects.toMatchObject({ code: 'forbidden' });
});

test('waiting to be let in and losing the socket keeps the place in the queue', async () => {
  const entered = vi.fn(enter);
  const signaling = new Signaling({ enter: entered, openSocket: openFake });
  signaling.start();
  await soon();
  FakeSocket.last.accept().say({ t: 'waiting', seq: 1, d: { position: 1 } });
  await vi.advanceTimersByTimeAsync(300_000);
  FakeSocket.last.close();
  await soon();
  FakeSocket.last.accept();
  expect(FakeSocket.last.sent).toEqual([{ t: 'hello', d: { token: 'join' } }]);
  expect(entered).toHaveBeenCalledTimes(1);
});

test('a page that is loaded again comes back with its pass, and by the door when that is refused', async () => {
  const entered = vi.fn(enter);
  const pass = { token: 'old', ws_url: 'ws://server/ws' };
  new Signaling({ enter: entered, pass, openSocket: openFake }).start();
  FakeSocket.last.accept();
  expect(FakeSocket.last.sent).toEqual([{ t: 'hello', d: { token: 'old' } }]);

  FakeSocket.last.say(bye('unauthorized', 'no'));
  await soon();
  FakeSocket.last.accept();

  expect(FakeSocket.last.sent).toEqual([{ t: 'hello', d: { token: 'join' } }]);
});

test('a token whose place is gone is not tried for ever', async () => {
  const entered = vi.fn(enter);
  const signaling = new Signaling({ enter: entered, openSocket: openFake });
  const endings: Ending[] = [];
  signaling.on('over', (ending) => endings.push(ending));
  signaling.start();
  for (let tries = 0; tries < 3; tries += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    FakeSocket.last.accept().say(bye('lost', 'rejoin'));
  }
  await vi.advanceTimersByTimeAsync(10_000);
  expect(entered).toHaveBeenCalledTimes(3);
  expect(endings).toEqual([{ by: 'bye', reason: 'lost' }]);
});

test('a refusal at the door ends it at once; a busy server is asked again', async () => {
  const problem = (status: number) =>
    new ProblemError({ type: '', title: 'x', status, detail: '', code: 'room-full', request_id: '' });
  const entered = vi.fn(enter).mockRejectedValueOnce(problem(503)).mockRejectedValueOnce(problem(409));
  const signaling = new Signaling({ enter: entered, openSocket: openFake });
  const endings: Ending[] = [];
  signaling.on('over', (ending) => endings.push(ending));
  signaling.start();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(entered).toHaveBeenCalledTimes(2);
  expect(endings).toMatchObject([{ by: 'problem', problem: { code: 'room-full' } }]);
});

test('a server that stays away is given up after two minutes', async () => {
  const entered = vi.fn(enter).mockRejectedValue(new Error('offline'));
  const signaling = new Signaling({ enter: entered, openSocket: openFake });
  const endings: Ending[] = [];
  signaling.on('over', (ending) => endings.push(ending));
  signaling.start();
  await vi.advanceTimersByTimeAsync(140_000);
  expect(endings).toEqual([{ by: 'unreachable' }]);
});
