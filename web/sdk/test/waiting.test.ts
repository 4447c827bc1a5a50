import { beforeEach, expect, test, vi } from 'vitest';
import { LocalMedia } from '../src/devices/local-media';
import { failureOf } from '../src/devices/capture';
import { Meeting, type MeetingState } from '../src/meeting/meeting';
import { FakeSocket, openFake } from './fake-socket';

beforeEach(() => {
  FakeSocket.opened = [];
});

async function knocking() {
  const enter = () => Promise.resolve({ token: 'join', ws_url: 'ws://server/ws' });
  const meeting = new Meeting({ local: new LocalMedia(), enter, openSocket: openFake });
  const states: MeetingState[] = [];
  meeting.on('state', (state) => states.push(state));
  meeting.start();
  await vi.waitFor(() => FakeSocket.last.accept());
  return { meeting, states };
}

test('who waits learns whether anybody is there who could let them in', async () => {
  const { meeting, states } = await knocking();
  FakeSocket.last.say({ t: 'waiting', seq: 1, d: { position: 1, moderated: false } });
  FakeSocket.last.say({ t: 'waiting', seq: 2, d: { position: 1, moderated: true } });
  FakeSocket.last.say({ t: 'waiting', seq: 3, d: { position: 1 } }); // a server of before
  expect(states.map((state) => state.is === 'waiting' && state.moderated)).toEqual([false, true, true]);
  await meeting.leave();
});

test('who stops waiting has left', async () => {
  const { meeting, states } = await knocking();
  FakeSocket.last.say({ t: 'waiting', seq: 1, d: { position: 1 } });
  await meeting.leave();
  expect(FakeSocket.last.sent.at(-1)).toMatchObject({ t: 'leave' });
  expect(states.at(-1)).toEqual({ is: 'over', ending: { by: 'bye', reason: 'left' } });
});

test('a device that does not open says in one word why', () => {
  const failed = (name: string) => failureOf(Object.assign(new Error(), { name }));
  expect(failed('NotAllowedError')).toBe('denied');
  expect(failed('NotFoundError')).toBe('missing');
  expect(failed('NotReadableError')).toBe('busy');
});
