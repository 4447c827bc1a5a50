/** What a score of a connection, 0 (gone) to 5 (perfect), is called. */

export type QualityLevel = 'good' | 'fair' | 'poor' | 'gone';

export interface QualityLook {
  /** Of five. */
  bars: number;
  level: QualityLevel;
}

export function qualityLevel(score: number): QualityLook {
  const bars = Math.min(5, Math.max(0, Math.round(score)));
  return { bars, level: bars >= 4 ? 'good' : bars === 3 ? 'fair' : bars > 0 ? 'poor' : 'gone' };
}
