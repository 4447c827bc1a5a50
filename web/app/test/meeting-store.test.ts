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
const { consentKey } = await import('../src/state/consent');
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

/** What the banner asks to take note of. */
const asked = ({ consent, onlyVoices }: Awaited<ReturnType<typeof entering>>) =>
  consent.asked.value.length > 0 ? t(consentKey(consent.asked.value, onlyVoices.value)) : null;

const recorded = (seq: number, event: string, mode = 'composite') =>
  FakeSocket.last.say({ t: 'recording', seq, d: { event, recording_id: 'rec_1', mode, by: null } });
const transcribed = (seq: number, event: string) => FakeSocket.last.say({ t: 'transcription', seq, d: { event, language: 'en-US' } });

/** Comes in while this is kept already. */
async function late(kept: { recording?: boolean; transcription?: boolean }, call_id = 'call_1') {
  const store = await entering();
  const { call, ...rest } = welcome('s1');
  FakeSocket.last.say({ t: 'welcome', seq: 1, d: { ...rest, call: { ...call, call_id, ...kept }, roster: [member('part_1', 'host')] } });
  return store;
}

test('people are told what is kept of them: voices and pictures, or voices only', async () => {
  const store = await inside();
  recorded(2, 'started', 'audio');
  expect([store.recording.value, store.onlyVoices.value, asked(store)]).toEqual(['on', true, t('consent.voices')]);
  recorded(3, 'stopped', 'audio');
  expect(asked(store)).toBe(null);
  recorded(4, 'started');
  expect([store.onlyVoices.value, asked(store)]).toEqual([false, t('consent.recording')]);
});

test('a banner asks for recording and transcription together, or for what has begun since', async () => {
  const store = await inside();
  transcribed(2, 'started');
  expect(asked(store)).toBe(t('consent.transcription'));
  recorded(3, 'started');
  expect(asked(store)).toBe(t('consent.recordingTranscription'));
  recorded(4, 'stopped');
  store.consent.understand(['transcription']);
  expect(asked(store)).toBe(null);
  recorded(5, 'started');
  expect(asked(store)).toBe(t('consent.recording'));
  store.consent.understand(['recording']);
  expect(asked(store)).toBe(null);
  recorded(6, 'stopped');
  recorded(7, 'started');
  expect(asked(store)).toBe(t('consent.recording'));
});

test('whoever comes in while it is recorded and transcribed is asked for both, without a note', async () => {
  clearToasts();
  const store = await late({ recording: true, transcription: true }, 'call_2');
  recorded(2, 'started', 'audio');
  expect(asked(store)).toBe(t('consent.voicesTranscription'));
  expect(toasts.value).toEqual([]);
});

test('what was taken note of is not asked again after a reload, but in another call, or when it begins anew', async () => {
  const before = await late({ transcription: true }, 'call_3');
  before.consent.understand(['transcription']);
  expect(asked(await late({ transcription: true }, 'call_3'))).toBe(null);
  expect(asked(await late({ transcription: true }, 'call_4'))).toBe(t('consent.transcription'));
  await late({ transcription: false }, 'call_3');
  expect(asked(await late({ transcription: true }, 'call_3'))).toBe(t('consent.transcription'));
});

test('a host learns where a recording that has stopped can be found, and others that it has stopped', async () => {
  const opened = vi.fn();
  vi.stubGlobal('open', opened);
  for (const [role, text] of [['host', t('recording.stoppedHost')], ['moderator', t('recording.stopped')]] as const) {
    await inside(role);
    recorded(2, 'started');
    clearToasts();
    recorded(3, 'stopped');
    expect(toasts.value.map((note) => note.text)).toEqual([text]);
    toasts.value[0]?.action?.run();
  }
  expect(opened.mock.calls).toEqual([['/console/recordings/rec_1', '_blank', 'noopener']]);
});

test('of a recording that fails one note tells that, and none that it has stopped', async () => {
  await inside('host');
  recorded(2, 'started');
  clearToasts();
  recorded(3, 'failed');
  expect(toasts.value.map((note) => note.text)).toEqual([t('recording.failed')]);
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

test('who is cut off is shown nobody as speaking or well connected', async () => {
  const store = await inside();
  FakeSocket.last.say({ t: 'speakers', seq: 2, d: [{ participant_id: 'part_2', level_db: -20 }] });
  FakeSocket.last.say({ t: 'quality', seq: 3, d: { participant_id: 'part_2', score: 5, up_kbps: 0, down_kbps: 0, loss: 0, rtt_ms: 1 } });
  expect([store.speaking.value.size, store.quality.value.size]).toEqual([1, 1]);
  FakeSocket.last.close();
  expect([store.speaking.value.size, store.quality.value.size]).toEqual([0, 0]);
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

const said = (seq: number, from: string, to: string | null) =>
  FakeSocket.last.say({ t: 'chat', seq, d: { number: seq, from, name: from, text: 'psst', at: '2024-01-01T00:00:00Z', to } });

test('what is written to one person alone never goes to everybody because they leave', async () => {
  const store = await inside();
  const { writing, uploads } = store;
  writing.to('part_2');
  writing.draft.value = 'between us';
  expect([writing.reader.value?.participant_id, writing.gone.value]).toEqual(['part_2', false]);
  FakeSocket.last.say({ t: 'participant', seq: 2, d: { event: 'left', participant: member('part_2') } });
  expect([writing.reader.value?.participant_id, writing.gone.value, writing.draft.value]).toEqual(['part_2', true, 'between us']);
  clearToasts();
  uploads.share([new File(['x'], 'x.txt')]);
  expect([uploads.running.value.length, toasts.value.map(({ text }) => text)]).toEqual([0, ['x.txt was not shared: part_2 has left']]);
  writing.to(null);
  expect([writing.reader.value, writing.gone.value]).toEqual([null, false]);
});

test('who answers a private message to everybody is told so, and who answers it alike is not', async () => {
  const { writing, messages } = await inside();
  const whispered = () => writing.whispered(messages.value.at(-1), 'part_1')?.participant_id;
  said(2, 'part_2', 'part_1');
  expect(whispered()).toBe('part_2');
  writing.to('part_2');
  expect(whispered()).toBe(undefined);
  writing.to(null);
  said(3, 'part_2', null);
  expect(whispered()).toBe(undefined);
});

test('what could not be sent is there again for whom it was', async () => {
  const { writing } = await inside();
  writing.to('part_2');
  const reader = writing.reader.value;
  writing.to(null);
  writing.draft.value = 'hello all';
  writing.putBack('between us', reader);
  expect([writing.draft.value, writing.reader.value?.participant_id]).toEqual(['between us\nhello all', 'part_2']);
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

test('a tile that moves is wanted still, in whatever order it comes and goes', async () => {
  const store = await inside();
  const show = vi.spyOn(store.meeting, 'show');
  const [grid, stage] = [Symbol('grid'), Symbol('stage')];
  store.screenful.put(grid, 'part_2', 'camera', 320, 180);
  store.screenful.put(stage, 'part_2', 'camera', 960, 540);
  const large = { participantId: 'part_2', source: 'camera', width: 960, height: 540 };
  expect(show.mock.lastCall?.[0]).toEqual([large]);
  store.screenful.drop(grid);
  expect(show.mock.lastCall?.[0]).toEqual([large]);
  store.screenful.drop(stage);
  expect(show.mock.lastCall?.[0]).toEqual([]);
});

test('a tab that is hidden is sent nothing, whoever comes and goes meanwhile', async () => {
  const store = await inside();
  const tiles = [Symbol('a'), Symbol('b'), Symbol('c')] as const;
  const show = vi.spyOn(store.meeting, 'show');
  store.screenful.put(tiles[0], 'part_2', 'camera', 320, 180);
  expect(show.mock.lastCall?.[0].length).toBe(1);
  page.hide(true);
  await vi.advanceTimersByTimeAsync(4_000);
  store.screenful.put(tiles[1], 'part_3', 'camera', 320, 180);
  expect(show.mock.lastCall?.[0].length).toBe(2); // a glance at another tab costs nobody a key frame
  await vi.advanceTimersByTimeAsync(2_000);
  expect(show.mock.lastCall?.[0]).toEqual([]);
  store.screenful.drop(tiles[1]);
  store.screenful.put(tiles[2], 'part_4', 'camera', 320, 180);
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
