/** How good somebody's connection is: one bar for each point of its score, and the same in words. */
import type { Quality } from '@calls/sdk';
import { t } from '../../i18n/t';
import { qualityLevel } from '../../layout/quality';
import type { MeetingStore } from '../../state/meeting-store';

const BARS = [1, 2, 3, 4, 5];

/** A component of its own, as scores come every second and the tile around it need not be drawn for that. */
export function QualityBars({ store, id }: { store: MeetingStore; id: string }) {
  const quality = store.quality.value.get(id);
  if (!quality) return null;
  const { bars, level } = qualityLevel(quality.score);
  const words = t('quality.words', { level: t(`quality.${level}`), score: quality.score.toFixed(1) });
  return (
    <span class={`quality quality--${level}`} role="img" aria-label={words} title={details(words, quality)}>
      {BARS.map((bar) => (
        <i key={bar} class={bar <= bars ? 'quality__lit' : undefined} />
      ))}
    </span>
  );
}

function details(words: string, { loss, rtt_ms }: Quality): string {
  const lost = t('quality.loss', { percent: (loss * 100).toFixed(1) });
  return [words, lost, rtt_ms != null && t('quality.delay', { ms: rtt_ms })].filter(Boolean).join(' · ');
}
