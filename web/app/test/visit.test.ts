import { afterEach, expect, test, vi } from 'vitest';
import { FakeSocket } from '../../sdk/test/fake-socket';
import { fakePage } from './page';

fakePage();
const { visitKey } = await import('../src/state/route');
const { Visit } = await import('../src/state/visit');
const { identity, rememberStay, stayIn } = await import('../src/state/memory');

const ROOM = 'room_1';
const getUserMedia = vi.fn(() => new Promise<never>(() => {})); // asks, and nobody answers

vi.stubGlobal('WebSocket', FakeSocket);
vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
vi.stubGlobal('navigator', { languages: ['en'], mediaDevices: { getUserMedia, enumerateDevices: async () => [], addEventListener() {} } });
afterEach(() => rememberStay(ROOM, null));

/** The tab was in the room, and is loaded again. */
async function cameBack(secret: string | null) {
  (await identity.claim(ROOM)).release();
  rememberStay(ROOM, { pass: { token: 'kept', ws_url: 'ws://server/ws' }, name: 'Ada', microphone: true, camera: true });
  return new Visit(ROOM, null, secret);
}

test('a tab that is loaded again is on its way in before its devices answer', async () => {
  const visit = await cameBack(null);
  await vi.waitFor(() => expect(visit.phase.value.is).toBe('meeting'));
  expect(getUserMedia).toHaveBeenCalled();
  await vi.waitFor(() => expect(FakeSocket.last.url).toBe('ws://server/ws'));
  expect(stayIn(ROOM)).toMatchObject({ microphone: true, camera: true });
  visit.close();
});

test('a tab that cannot encrypt any more says so in front of the door', async () => {
  const visit = await cameBack('a secret'); // nothing here can encrypt
  await vi.waitFor(() => expect(visit.phase.value.is).toBe('lobby'));
  expect(visit.refusal.value?.text).toContain('cannot encrypt end to end');
  visit.close();
});

test('another token or key in the link is another visit, and the same link is the same', () => {
  const link = { at: 'meet', roomId: ROOM, token: null, secret: null } as const;
  const keys = [link, { ...link, secret: 'k' }, { ...link, token: 'k' }, { ...link, roomId: 'room_2' }].map(visitKey);
  expect(new Set(keys).size).toBe(4);
  expect(visitKey({ ...link })).toBe(visitKey(link));
});
