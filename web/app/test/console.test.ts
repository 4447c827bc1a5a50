// The pure parts of the console.
import { describe, expect, test } from 'vitest';
import { frameOf, line, roundUp } from '../src/console/components/chart';
import { bytes, csv } from '../src/console/state/format';
import { listed, pointsOf, read, SUBJECTS } from '../src/console/state/health';
import type { QualitySample, WireMember } from '@calls/sdk';
import { layers } from '../src/console/state/layers';
import { parse, total } from '../src/console/state/prometheus';
import { emptySince, peopleOf, spells, tell, type Happened } from '../src/console/state/timeline';

describe('a chart', () => {
  test('ends at a round number above its highest value', () => {
    expect([0, 0.3, 1, 4, 5, 5.1, 99, 100].map(roundUp)).toEqual([1, 0.5, 1, 5, 5, 10, 100, 100]);
  });

  test('runs from its first moment to its last, and breaks where nothing is known', () => {
    const points = [
      { at: 0, value: 0 },
      { at: 1000, value: 10 },
      { at: 2000, value: null },
      { at: 4000, value: 5 },
    ];
    const frame = frameOf([{ name: 'a', points }]);
    expect(frame).toEqual({ from: 0, to: 4000, top: 10 });
    expect(line(points, frame, 100, 50)).toBe('M0.0 50.0L25.0 0.0M97.0 25.0h6');
  });

  test('has a width where there is only one moment', () => {
    expect(frameOf([{ name: 'a', points: [{ at: 7, value: 1 }] }], 5)).toEqual({ from: 7, to: 1007, top: 5 });
  });
});

describe('a file for spreadsheets', () => {
  test('quotes what RFC 4180 wants quoted', () => {
    expect(csv([['a', 'b'], ['x,y', 'say "hi"'], [1, null]])).toBe('a,b\r\n"x,y","say ""hi"""\r\n1,\r\n');
  });

  test('has no cell that is taken for a formula', () => {
    expect(csv([['=1+1', '@x', '-2', -2]])).toBe("'=1+1,'@x,'-2,-2\r\n");
  });
});

test('sizes are written in the unit that fits them', () => {
  expect([0, 999, 1000, 1_234_567].map(bytes)).toEqual(['0 bytes', '999 bytes', '1 kB', '1.2 MB']);
});

test('Prometheus’s format is read, labels and all', () => {
  const samples = parse('# TYPE a counter\na{b="x",c="y\\"z"} 3\na{b="w"} 4\nplain 1.5e3\n\nbroken');
  expect(samples).toEqual([
    { name: 'a', labels: { b: 'x', c: 'y\\"z' }, value: 3 },
    { name: 'a', labels: { b: 'w' }, value: 4 },
    { name: 'plain', labels: {}, value: 1500 },
  ]);
  expect(total(samples, 'a')).toBe(7);
  expect(total(samples, 'c')).toBeNull();
  expect([total(samples, 'a', { b: 'x' }), total(samples, 'a', { b: 'z' })]).toEqual([3, null]);
});

describe('what the server counts', () => {
  const figure = (name: string) => {
    const found = SUBJECTS.flatMap(({ figures }) => figures).find((one) => one.name === name);
    if (!found) throw new Error(`${name} is not shown`);
    return found;
  };

  test('is told in words, and what is a bad sign is marked', () => {
    const samples = parse('calls_actors{actor="call"} 2\ncalls_actors{actor="participant"} 7\ncalls_facts_waiting 1\ncalls_recording_disk_full 0');
    expect(read(figure('calls_actors'), samples)).toEqual({ text: '2', bad: false });
    expect(read(figure('calls_facts_waiting'), samples)).toEqual({ text: '1', bad: true });
    expect(read(figure('calls_recording_disk_full'), samples)).toEqual({ text: false, bad: false });
    expect(read(figure('calls_recordings_failed_total'), samples)).toEqual({ text: '0', bad: false }); // what never happened is not counted
  });

  test('is drawn from its second point on, of counters what they gain each second', () => {
    const past = [1, 3, 7].map((value, index) => ({ at: index * 2000, samples: parse(`a ${value}`) }));
    const plot = { label: 'server.cpu', unit: 'unit.percent', name: 'a' } as const;
    expect(pointsOf(plot, past.slice(0, 1))).toEqual([]);
    expect(pointsOf(plot, past).map(({ value }) => value)).toEqual([1, 3, 7]);
    expect(pointsOf({ ...plot, rate: true }, past.slice(0, 2))).toEqual([]);
    expect(pointsOf({ ...plot, rate: true, scale: 10 }, past).map(({ value }) => value)).toEqual([10, 20]);
  });

  test('stands whole at the end, by name', () => {
    const names = listed(parse('process_b 1\ncalls_b{x="2"} 1\ncalls_b{x="1"} 1\ncalls_a_bucket 1\ngo_x 1\ncalls_a 1')).map(({ name }) => name);
    expect(names).toEqual(['calls_a', 'calls_b', 'calls_b', 'process_b']);
  });
});

describe('a timeline', () => {
  const name = (id: string) => ({ part_a: 'Ada', part_b: 'Bob' })[id] ?? 'somebody';
  const event = (type: string, data: Record<string, unknown>, second = 0): Happened => ({
    event_id: `evt_${second}`,
    type,
    timestamp: new Date(second * 1000).toISOString(),
    data,
  });

  test('says who came, what they switched on and off, and why they went', () => {
    const member = (audio: boolean, screen = false) => ({ audio, video: true, screen });
    const told = tell(
      [
        event('call.initiated', {}),
        event('participant.joined', { participant_id: 'part_a', member: member(true) }, 1),
        event('participant.media_changed', { participant_id: 'part_a', member: member(false, true) }, 2),
        event('participant.media_changed', { participant_id: 'part_a', member: member(false, true) }, 3),
        event('transcription.utterance', { utterance: {} }, 4),
        event('participant.left', { participant_id: 'part_a', reason: 'timed_out' }, 5),
      ],
      name,
    );
    expect(told.map(({ text }) => text)).toEqual([
      'The call was created',
      'Ada joined',
      'Ada: sound off, screen on',
      'Ada left: the connection was lost',
    ]);
  });

  describe('names everybody who was in a call', () => {
    const ada = { user_id: 'ada', display_name: 'Ada', role: 'host', audio: true } as WireMember;
    const bob = { user_id: 'bob', display_name: 'Bob', role: 'participant', audio: true } as WireMember;
    const came = [
      event('participant.joined', { participant_id: 'part_a', member: ada }, 1),
      event('participant.joined', { participant_id: 'part_b', member: bob }, 2),
      event('participant.role_changed', { participant_id: 'part_b', role: 'moderator' }, 3),
    ];
    const left = [...came, event('participant.left', { participant_id: 'part_b', reason: 'timed_out' }, 4)];
    const inside: WireMember[] = [{ ...ada, participant_id: 'part_a' }];

    test('those who left while it goes on too', () => {
      const people = peopleOf({ status: 'active', participants: inside }, left);
      expect(people.map(({ display_name, role, audio, left_at }) => [display_name, role, audio, left_at])).toEqual([
        ['Ada', 'host', true, undefined],
        ['Bob', 'moderator', false, '1970-01-01T00:00:04.000Z'],
      ]);
      expect(peopleOf({ status: 'active', participants: inside }, came)).toHaveLength(1); // that Bob left is not told yet
    });

    test('after its end as the server lists them', () => {
      expect(peopleOf({ status: 'ended', participants: inside }, left)).toBe(inside);
    });

    test('and since when nobody is in it', () => {
      const all = (rows: Happened[]) => ({ rows, complete: true });
      const gone = [...left, event('participant.left', { participant_id: 'part_a', reason: 'left' }, 6)];
      const people = peopleOf({ status: 'active', participants: [] }, gone);
      expect(emptySince('active', people, all(gone))).toBe('1970-01-01T00:00:06.000Z');
      expect(emptySince('active', people, { rows: gone, complete: false })).toBeNull(); // somebody may have come back
      expect(emptySince('active', people, null)).toBeNull();
      expect(emptySince('ended', people, all(gone))).toBeNull();
      expect(emptySince('active', peopleOf({ status: 'active', participants: inside }, left), all(left))).toBeNull();
      expect(emptySince('active', peopleOf({ status: 'active', participants: [] }, left), all(left))).toBeNull(); // when Ada left is not told yet
      const hidden = { ...ada, participant_id: 'part_h', hidden: true };
      expect(emptySince('active', [hidden, ...people], all(gone))).toBe('1970-01-01T00:00:06.000Z');
      expect(emptySince('active', [], all([]))).toBeNull();
    });
  });

  test('tells once that a connection is bad, and once that it is good again', () => {
    const sample = (second: number, score: number) =>
      ({ at: new Date(second * 1000).toISOString(), participant_id: 'part_b', score, loss: 0.2 }) as QualitySample;
    const told = spells([4, 2, 1.5, 2.8, 3.5, 4].map((score, second) => sample(second, score)), name);
    expect(told.map(({ at, tone }) => [at, tone])).toEqual([[1000, 'bad'], [4000, 'good']]);
  });

  test('tells which layers somebody sends and gets, once each time that they change', () => {
    const told = layers(
      [
        [360, 360, 2, 0],
        [360, 350, 2, 0],
        [360, 180, 2, 1],
        [360, 170, 2, 1],
        [720, null, 2, 2],
        [720, 360, 2, 0],
        [null, null, 0, 0],
        [null, null, null, null],
      ].map(
        ([up_height, down_height, pictures, reduced_pictures], second) =>
          ({ at: new Date(second * 1000).toISOString(), participant_id: 'part_b', up_height, down_height, pictures, reduced_pictures }) as QualitySample,
      ),
      name,
    );
    expect(told.map(({ text }) => text)).toEqual([
      'Bob sends a picture 360 px high',
      'Bob gets pictures 360 px high',
      'Bob gets pictures 180 px high, 1 of 2 smaller than their tile',
      'Bob sends a picture 720 px high',
      'Bob gets pictures 360 px high',
    ]);
    expect(told.map(({ tone }) => tone)).toEqual(['plain', 'plain', 'busy', 'plain', 'plain']);
  });
});
