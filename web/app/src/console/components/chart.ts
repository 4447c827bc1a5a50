/** Where the lines of a chart run. */
export interface Point {
  /** Milliseconds since 1970. */
  at: number;
  /** Null: not known, the line breaks. */
  value: number | null;
}

export interface Series {
  name: string;
  points: readonly Point[];
}

export interface Frame {
  from: number;
  to: number;
  top: number;
}

/** Breathing room where there is only one moment, in ms. */
const SHORTEST = 1000;

/** A round number at or above this one: 1, 2 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * (1 - 1e-9)) ?? 10 * power;
}

export function frameOf(series: readonly Series[], top?: number): Frame {
  const points = series.flatMap(({ points }) => points);
  const at = points.map((point) => point.at);
  const from = Math.min(...at);
  const highest = Math.max(0, ...points.map(({ value }) => value ?? 0));
  return { from, to: Math.max(from + SHORTEST, ...at), top: top ?? roundUp(highest) };
}

/** The `d` of one line in a box of this size; y grows downwards. */
export function line(points: readonly Point[], { from, to, top }: Frame, width: number, height: number): string {
  let pen: 'M' | 'L' = 'M';
  return points
    .map(({ at, value }) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const x = ((at - from) / (to - from)) * width;
      const y = height - (Math.min(value, top) / top) * height;
      const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      const dot = pen === 'M' ? 'h.1' : ''; // a lone point is seen as well; no browser draws a line without any length
      pen = 'L';
      return step + dot;
    })
    .join('');
}
