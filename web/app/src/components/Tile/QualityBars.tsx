/** How good somebody's connection is: one bar for each point of its score, and the same in words. */
import type { Quality } from '@calls/sdk';
import { t } from '../../i18n/t';
import { qualityLevel } from '../../layout/quality';
import type { MeetingStore } from '../../state/meeting-store';

const BARS = [1, 2, 3, 4, 5];

/**
 * A component of its own, as scores come every second and the tile around it need not be drawn for that. `gone`: nothing
 * comes from there, whatever was said of it before.
 */
export function QualityBars({ store, id, gone }: { store: MeetingStore; id: string; gone: boolean }) {
  const last = store.quality.value.get(id);
  if (!last) return null;
  const quality = gone ? { ...last, score: 0 } : last;
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
