// The pure parts of the console.
import { describe, expect, test } from 'vitest';
import { frameOf, line, roundUp } from '../src/console/components/chart';
import { bytes, csv } from '../src/console/state/format';
import { parse, total } from '../src/console/state/prometheus';

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
    expect(line(points, frame, 100, 50)).toBe('M0.0 50.0h0L25.0 0.0M100.0 25.0h0');
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
  expect([0, 999, 1000, 1_234_567].map(bytes)).toEqual(['0 byte', '999 byte', '1 kB', '1.2 MB']);
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
});
