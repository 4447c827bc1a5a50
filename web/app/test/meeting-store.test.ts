import type { Member, Role } from '@calls/sdk';
import { LocalMedia } from '@calls/sdk';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeSocket, openFake, welcome } from '../../sdk/test/fake-socket';
import { fakePage } from './page';

// `Floor` is what needs a browser's peer connection; the store does not look at it.
vi.mock('../../sdk/src/rtc/link', async () => {
  const { Emitter } = await import('../../sdk/src/emitter');
  class MediaLink extends Emitter<object> {
    sent = () => null;
    send = async () => false;
    publishes = () => false;
    wantSlots = () => false;
    slotMids = () => [];
    negotiate = async () => {};
    resume = async () => {};
    sendFrugally() {}
    stats = async () => [];
    close() {}
  }
  return { MediaLink };
});

const page = fakePage();
const { MeetingStore } = await import('../src/state/meeting-store');
const { t } = await import('../src/i18n/t');
const { clearToasts, toasts } = await import('../src/state/toasts');

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
});
afterEach(() => vi.useRealTimers());

const member = (id: string, role: Role = 'participant'): Member => ({
  participant_id: id,
  user_id: id,
  role,
  audio: false,
  video: false,
  screen: false,
  hand: false,
  reconnecting: false,
  joined_at: '2024-01-01T00:00:00Z',
  left_at: null,
});

async function entering() {
  const enter = () => Promise.resolve({ token: 'join', ws_url: 'ws://server/ws' });
  const store = new MeetingStore({ local: new LocalMedia(), enter, openSocket: openFake });
  await vi.advanceTimersByTimeAsync(10);
  FakeSocket.last.accept();
  return store;
}

const greet = (session: string, role: Role) =>
  FakeSocket.last.say({ t: 'welcome', seq: 1, d: { ...welcome(session), roster: [member('part_1', role), member('part_2')] } });

async function inside(role: Role = 'moderator') {
  const store = await entering();
  greet('s1', role);
  return store;
}

test('a moderator who is one no more hears of nobody at the door', async () => {
  const store = await inside();
  FakeSocket.last.say({ t: 'knock', seq: 2, d: { waiting: [member('part_9')] } });
  expect(store.waiting.value.length).toBe(1);
  FakeSocket.last.say({ t: 'participant', seq: 3, d: { event: 'role_changed', participant: member('part_1') } });
  expect(store.waiting.value).toEqual([]);
});

test('one at the door is named, several are counted in one note, and who is gone is not asked about', async () => {
  const store = await inside();
  clearToasts();
  const knock = (seq: number, ...ids: string[]) => FakeSocket.last.say({ t: 'knock', seq, d: { waiting: ids.map((id) => member(id)) } });
  const notes = () => toasts.value.map(({ text, action }) => `${text}: ${action?.label}`);
  knock(2, 'ann');
  expect(notes()).toEqual(['ann wants to come in: Let in']);
  knock(3, 'ann', 'bob', 'cid');
  expect(notes()).toEqual(['3 people wait to come in: Show']);
  toasts.value[0]?.action?.run();
  expect(store.panel.value).toBe('people');
  knock(4, 'cid');
  expect(notes()).toEqual(['cid wants to come in: Let in']);
  knock(5);
  expect(notes()).toEqual([]);
});

test('those who come within moments are one note, and so are those who go', async () => {
  await inside();
  clearToasts();
  const event = (seq: number, event: string, id: string) => FakeSocket.last.say({ t: 'participant', seq, d: { event, participant: member(id) } });
  const notes = () => toasts.value.map(({ text }) => text);
  event(2, 'joined', 'ada');
  expect(notes()).toEqual(['ada joined']);
  event(3, 'joined', 'bob');
  expect(notes()).toEqual(['ada and 1 other joined']);
  await vi.advanceTimersByTimeAsync(4_000);
  event(4, 'joined', 'cid');
  event(5, 'left', 'part_2');
  expect(notes()).toEqual(['ada and 2 others joined', 'part_2 left']);
  await vi.advanceTimersByTimeAsync(6_000);
  event(6, 'joined', 'dan');
  expect(notes()).toEqual(['dan joined']);
});

test('people are told what is kept of them: voices and pictures, or voices only', async () => {
  const store = await inside();
  clearToasts();
  const recording = (seq: number, event: string, mode: string) =>
    FakeSocket.last.say({ t: 'recording', seq, d: { event, recording_id: 'rec_1', mode, by: null } });
  const notes = () => toasts.value.map(({ text }) => text);
  recording(2, 'started', 'audio');
  expect([store.recording.value, store.onlyVoices.value]).toEqual(['on', true]);
  expect(notes()).toEqual([t('recording.startedVoices')]);
  clearToasts();
  recording(3, 'stopped', 'audio');
  recording(4, 'started', 'composite');
  expect(store.onlyVoices.value).toBe(false);
  expect(notes()).toEqual([t('recording.stopped'), t('recording.started')]);
});

test('whoever comes in while it is recorded is told once, and rightly', async () => {
  await entering();
  clearToasts();
  const { call, ...rest } = welcome('s1');
  FakeSocket.last.say({ t: 'welcome', seq: 1, d: { ...rest, call: { ...call, recording: true }, roster: [member('part_1')] } });
  FakeSocket.last.say({ t: 'recording', seq: 2, d: { event: 'started', recording_id: 'rec_1', mode: 'audio', by: null } });
  expect(toasts.value.map(({ text }) => text)).toEqual([t('recording.startedVoices')]);
});

test('a new session begins without the spotlight and the line of the one before', async () => {
  const store = await inside();
  FakeSocket.last.say({ t: 'knock', seq: 2, d: { waiting: [member('part_9')] } });
  FakeSocket.last.say({ t: 'spotlight', seq: 3, d: { participant_id: 'part_2' } });
  expect([store.spotlight.value, store.waiting.value.length]).toEqual(['part_2', 1]);
  FakeSocket.last.say({ t: 'bye', d: { reason: 'lost', retry: 'rejoin' } });
  await vi.advanceTimersByTimeAsync(2_000);
  FakeSocket.last.accept();
  greet('s2', 'moderator');
  expect([store.spotlight.value, store.waiting.value.length]).toEqual([null, 0]);
});

test('a resumed session keeps both', async () => {
  const store = await inside();
  FakeSocket.last.say({ t: 'knock', seq: 2, d: { waiting: [member('part_9')] } });
  FakeSocket.last.say({ t: 'spotlight', seq: 3, d: { participant_id: 'part_2' } });
  FakeSocket.last.close();
  await vi.advanceTimersByTimeAsync(2_000);
  FakeSocket.last.accept();
  greet('s1', 'moderator');
  expect([store.spotlight.value, store.waiting.value.length]).toEqual(['part_2', 1]);
});

test('files that are on their way are given up when the meeting is over', async () => {
  const store = await inside();
  const cancel = vi.fn();
  store.uploads.running.value = [{ id: 1, name: 'large.iso', size: 9, sent: 0.1, cancel }];
  const leaving = store.meeting.leave();
  await vi.advanceTimersByTimeAsync(1_000);
  await leaving;
  expect(cancel).toHaveBeenCalledTimes(1);
});

test('a tab that is hidden is sent nothing, whoever comes and goes meanwhile', async () => {
  const store = await inside();
  const show = vi.spyOn(store.meeting, 'show');
  store.screenful.put('part_2', 'camera', 320, 180);
  expect(show.mock.lastCall?.[0].length).toBe(1);
  page.hide(true);
  await vi.advanceTimersByTimeAsync(4_000);
  store.screenful.put('part_3', 'camera', 320, 180);
  expect(show.mock.lastCall?.[0].length).toBe(2); // a glance at another tab costs nobody a key frame
  await vi.advanceTimersByTimeAsync(2_000);
  expect(show.mock.lastCall?.[0]).toEqual([]);
  store.screenful.drop('part_3', 'camera');
  store.screenful.put('part_4', 'camera', 320, 180);
  expect(show.mock.lastCall?.[0]).toEqual([]);
  page.hide(false);
  expect(show.mock.lastCall?.[0].length).toBe(2);
});

test('whoever waits at the door notices that nobody answers any more', async () => {
  const store = await entering();
  FakeSocket.last.say({ t: 'waiting', seq: 1, d: { position: 1, moderated: true } });
  const { last: socket } = FakeSocket;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(socket.sent.at(-1)).toMatchObject({ t: 'stats' });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(socket.readyState).toBe(3);
  expect(FakeSocket.last).not.toBe(socket);
  expect(store.state.value.is).not.toBe('over');
});
