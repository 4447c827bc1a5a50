import { expect, test, vi } from 'vitest';
import { sortDevices, watchDevices, type Devices } from '../src/devices/list';
import { loudness } from '../src/devices/meter';
import { Roster } from '../src/meeting/roster';
import { SlotBook } from '../src/meeting/slot-book';
import { assign, type Wanted } from '../src/meeting/view';
import type { Member } from '../src/types';

const wish = (participantId: string, source: Wanted['source'] = 'camera'): Wanted => ({
  participantId,
  source,
  width: 318,
  height: 180,
});

const who = (view: ReturnType<typeof assign>) => view.map(({ mid, participant_id }) => `${mid}:${participant_id}`);

test('newcomers take free slots and those who have one keep it', () => {
  const first = assign(['3', '4', '5'], [], [wish('a'), wish('b')]);
  expect(who(first)).toEqual(['3:a', '4:b']);
  const second = assign(['3', '4', '5'], first, [wish('c'), wish('b'), wish('d')]);
  expect(who(second)).toEqual(['3:c', '4:b', '5:d']);
});

test('who finds no slot is left out until there are more', () => {
  const first = assign(['3'], [], [wish('a'), wish('b')]);
  expect(who(first)).toEqual(['3:a']);
  expect(who(assign(['3', '9'], first, [wish('a'), wish('b')]))).toEqual(['3:a', '9:b']);
});

test('a face and a screen of one person are two pictures', () => {
  expect(assign(['3', '4'], [], [wish('a', 'screen'), wish('a')]).map(({ source }) => source)).toEqual(['screen', 'camera']);
});

test('sizes are told in steps', () => {
  expect(assign(['3'], [], [wish('a')])).toMatchObject([{ width: 320, height: 192 }]);
});

test('a slot shows whom the server said last', () => {
  const book = new SlotBook();
  book.apply([{ mid: '3', participant_id: 'a', source: 'camera' }]);
  book.apply([{ mid: '4', participant_id: 'b', source: 'camera' }]);
  expect(book.find('a', 'camera')?.mid).toBe('3');
  book.apply([{ mid: '3', participant_id: null, source: null }]);
  expect(book.find('a', 'camera')).toBeNull();
  expect(book.find('b', 'camera')?.mid).toBe('4');
});

const member = (participant_id: string, joined_at: string, left_at: string | null = null): Member => ({
  participant_id,
  user_id: participant_id,
  role: 'participant',
  audio: false,
  video: false,
  screen: false,
  hand: false,
  reconnecting: false,
  joined_at,
  left_at,
});

test('the roster holds who is inside, first come first', () => {
  const roster = new Roster();
  roster.reset([member('b', '2024-01-02'), member('a', '2024-01-01'), member('c', '2024-01-01', '2024-01-03')]);
  expect(roster.all.map(({ participant_id }) => participant_id)).toEqual(['a', 'b']);
});

test('devices that the browser does not name yet are not offered', () => {
  const devices = sortDevices([
    { kind: 'audioinput', deviceId: '', label: '' },
    { kind: 'audioinput', deviceId: 'm', label: 'Headset' },
    { kind: 'videoinput', deviceId: 'c', label: 'Webcam' },
  ]);
  expect(devices).toEqual({ microphones: [{ id: 'm', label: 'Headset' }], cameras: [{ id: 'c', label: 'Webcam' }], speakers: [] });
});

test('silence is 0 on the meter, full scale is 1', () => {
  expect(loudness(new Float32Array(64))).toBe(0);
  expect(loudness(new Float32Array(64).fill(1))).toBe(1);
  expect(loudness(new Float32Array(64).fill(0.1))).toBeCloseTo(2 / 3);
});

test('what is plugged in is offered, and what is pulled out is not', async () => {
  const present = [{ kind: 'audioinput', deviceId: 'm', label: 'Built in' }];
  const media = Object.assign(new EventTarget(), { enumerateDevices: async () => present });
  vi.stubGlobal('navigator', { mediaDevices: media });
  let offered: Devices | undefined;
  const stop = watchDevices((devices) => (offered = devices));
  const labels = () => offered?.microphones.map(({ label }) => label);
  await vi.waitFor(() => expect(labels()).toEqual(['Built in']));
  present.push({ kind: 'audioinput', deviceId: 'h', label: 'Headset' });
  media.dispatchEvent(new Event('devicechange'));
  await vi.waitFor(() => expect(labels()).toEqual(['Built in', 'Headset']));
  present.pop();
  media.dispatchEvent(new Event('devicechange'));
  await vi.waitFor(() => expect(labels()).toEqual(['Built in']));
  stop();
  vi.unstubAllGlobals();
});
