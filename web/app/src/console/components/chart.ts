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

/** How long the line of a lone point is. */
const DASH = 6;

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
    .map(({ at, value }, index) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const x = ((at - from) / (to - from)) * width;
      const y = height - (Math.min(value, top) / top) * height;
      const lone = pen === 'M' && (points[index + 1]?.value ?? null) === null; // it is seen as well, as a dash
      const step = lone ? `M${(x - DASH / 2).toFixed(1)} ${y.toFixed(1)}h${DASH}` : `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = 'L';
      return step;
    })
    .join('');
}
