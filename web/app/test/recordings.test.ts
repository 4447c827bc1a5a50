// What the console makes of a recording and of its report.
import { describe, expect, test, vi } from 'vitest';
import type { Recording } from '@calls/sdk';
import { filtersIn } from '../src/console/state/filters';
import { inCall, inFile, jump, placeOf, playing } from '../src/console/state/playing';
import { composable } from '../src/console/state/recordings';
import { holes, lostPercent, namesIn, whole, type Report } from '../src/console/state/report';

const file = (more: Partial<Recording['files'][number]>): Recording['files'][number] => ({
  name: 'a.webm',
  kind: 'track',
  participant_id: 'part_1',
  user_id: 'ada',
  display_name: 'Ada',
  source: 'microphone',
  codec: 'opus',
  media_type: 'audio/webm',
  start_ms: 0,
  duration_ms: 1,
  size_bytes: 1,
  sha256: '',
  place: 'local',
  ...more,
});

describe('a recording is made again', () => {
  const recording = (mode: Recording['mode'], more: Partial<Recording> = {}) =>
    composable({ mode, status: 'available', files: [file({})], transcript: null, ...more });

  test('in a layout where it has pictures, and as it is where only its voices could not be mixed', () => {
    expect([recording('video'), recording('composite')]).toEqual(['layout', 'layout']);
    expect(recording('audio')).toBe('plain');
  });

  test('not where nothing would come of it', () => {
    expect(recording('tracks')).toBeNull();
    expect(recording('audio', { files: [file({}), file({ kind: 'audio', name: 'recording.m4a' })] })).toBeNull();
    expect(recording('audio', { files: [file({ source: 'camera' })] })).toBeNull();
    expect(recording('composite', { files: [] })).toBeNull();
  });

  test('not while it is made or written down', () => {
    for (const status of ['requested', 'active', 'processing', 'uploading', 'failed'] as const) {
      expect(recording('composite', { status })).toBeNull();
    }
    const transcript = { status: 'queued' } as Recording['transcript'];
    expect(recording('composite', { transcript })).toBeNull();
  });
});

describe('a report', () => {
  const track: Report['tracks'][number] = {
    participant_id: 'part_1',
    user_id: 'ada',
    source: 'camera',
    files: ['a.webm'],
    packets_received: 990,
    packets_lost: 10,
    bursts_dropped: 0,
    frames_written: 100,
    frames_unreadable: 0,
    silence_ms: 0,
    drift_ms: 0,
    gaps: [],
  };
  const none: Report = {
    begins_at: null,
    interruptions: [],
    pauses: [],
    tracks: [track],
    log_lines_unreadable: 0,
    files_unknown: 0,
    files_damaged: [],
    layout: null,
    not_composed: null,
    turns: [],
  };

  test('tells where something is missing in the order of the recording, and of whom', () => {
    const report: Report = {
      ...none,
      interruptions: [{ from_ms: 9_000, to_ms: null, reason: 'server_stopped' }],
      tracks: [{ ...track, gaps: [{ from_ms: 4_000, to_ms: 5_000, reason: 'loss' }] }],
    };
    const whose = { id: 'part_1', name: 'Ada', source: 'camera' };
    expect(holes(report, namesIn({ files: [file({})] })).lost).toEqual([
      { from_ms: 4_000, to_ms: 5_000, out_ms: 1_000, gaps: 1, who: whose, reason: 'loss' },
      { from_ms: 9_000, to_ms: null, out_ms: null, gaps: 1, who: null, reason: 'server_stopped' },
    ]);
    expect(holes(report, namesIn({ files: [] })).lost[0]?.who?.name).toBe('ada');
  });

  test('tells what was lost apart from what was not there, and gaps that follow each other as one', () => {
    const gap = (from: number, to: number, reason: string) => ({ from_ms: from * 1000, to_ms: to * 1000, reason }) as Report['tracks'][number]['gaps'][number];
    const speaks = [gap(1, 2, 'no_media'), gap(4, 5, 'no_media'), gap(5.5, 6, 'loss'), gap(9.5, 11, 'no_media'), gap(30, 31, 'no_media')];
    const other = { ...track, participant_id: 'part_2', gaps: [gap(3, 4, 'no_media')] };
    const { lost, meant } = holes({ ...none, tracks: [{ ...track, gaps: speaks }, other] }, namesIn({ files: [] }));
    const told = ({ from_ms, to_ms, out_ms, gaps, who }: (typeof meant)[number]) => [who?.id, from_ms, to_ms, out_ms, gaps];
    expect(lost.map(told)).toEqual([['part_1', 5_500, 6_000, 500, 1]]);
    expect(meant.map(told)).toEqual([
      ['part_1', 1_000, 11_000, 3_500, 3],
      ['part_2', 3_000, 4_000, 1_000, 1],
      ['part_1', 30_000, 31_000, 1_000, 1],
    ]);
  });

  test('tells a pause as the cut that it is in the files', () => {
    const pauses = [
      { from_ms: 10_000, to_ms: 15_000, reason: 'paused' },
      { from_ms: 20_000, to_ms: 22_000, reason: 'paused' },
    ];
    const { meant } = holes({ ...none, pauses }, namesIn({ files: [] }));
    expect(meant.map(({ from_ms, out_ms }) => [from_ms, out_ms])).toEqual([
      [10_000, 5_000],
      [15_000, 2_000],
    ]);
  });

  test('is whole where nothing is missing but what was meant to be', () => {
    const pauses = [{ from_ms: 0, to_ms: 1, reason: 'paused' }];
    const off = ['no_media', 'unpublished', 'left'].map((reason) => ({ ...track, gaps: [{ from_ms: 0, to_ms: 9, reason }] }));
    expect(whole({ ...none, pauses, tracks: off })).toBe(true);
    expect(whole({ ...none, tracks: [{ ...track, gaps: [{ from_ms: 0, to_ms: 9, reason: 'loss' }] }] })).toBe(false);
    expect(whole({ ...none, tracks: [{ ...track, frames_unreadable: 1 }] })).toBe(false);
    expect(whole({ ...none, tracks: [{ ...track, bursts_dropped: 1 }] })).toBe(false);
    expect(whole({ ...none, interruptions: [{ from_ms: 0, to_ms: 1, reason: 'recorder_crashed' }] })).toBe(false);
    expect(whole({ ...none, files_damaged: ['a.webm'] })).toBe(false);
    expect(whole({ ...none, files_unknown: 1 })).toBe(false);
    expect(whole({ ...none, log_lines_unreadable: 1 })).toBe(false);
  });

  test('tells the share of what was lost, of nothing too', () => {
    expect(lostPercent(track)).toBe(1);
    expect(lostPercent({ ...track, packets_received: 0, packets_lost: 0 })).toBe(0);
  });
});

describe('a recording that was paused is shorter than the call', () => {
  // It begins 60 s into the call; of what is told of it, the second pause comes first.
  const place = placeOf(60_000, [
    { from_ms: 20_000, to_ms: 22_000, reason: 'paused' },
    { from_ms: 10_000, to_ms: 15_000, reason: 'paused' },
    { from_ms: 40_000, to_ms: null, reason: 'paused' },
  ]);

  test('so what was said after a pause is that much earlier in the file', () => {
    const seeks = [59_000, 60_000, 69_999, 75_000, 79_999, 82_000, 99_000].map((ms) => inFile(place, ms));
    expect(seeks).toEqual([0, 0, 9_999, 10_000, 14_999, 15_000, 32_000]);
  });

  test('and what was said in a pause is where the file goes on after it', () => {
    expect([70_000, 72_000, 75_000].map((ms) => inFile(place, ms))).toEqual([10_000, 10_000, 10_000]);
  });

  test('and the line that is marked is the one that was said then', () => {
    const marked = [0, 9_999, 10_000, 14_999, 15_000, 33_000].map((ms) => inCall(place, ms));
    expect(marked).toEqual([60_000, 69_999, 75_000, 79_999, 82_000, 100_000]);
    for (let ms = 0; ms < 33_000; ms += 500) expect(inFile(place, inCall(place, ms))).toBe(ms);
  });

  test('and its player plays from where the line was said, and marks it', () => {
    const player = { dataset: { place: JSON.stringify(place) }, currentTime: 0, play: () => Promise.resolve() };
    vi.stubGlobal('document', { querySelector: () => player });
    jump(82_000);
    expect([player.currentTime, playing.value]).toEqual([15, { ms: 82_000 }]);
    vi.unstubAllGlobals();
  });
});

test('what an address narrows a list by becomes what the API is asked', () => {
  const query = new URLSearchParams({ status: 'failed', from: '2026-11-29', to: 'nonsense', other: 'x', mode: '' });
  const filters = filtersIn(query, ['status', 'mode', 'from', 'to']);
  expect(filters).toEqual({ status: 'failed', from: new Date('2026-11-29T00:00:00').toISOString() });
});
