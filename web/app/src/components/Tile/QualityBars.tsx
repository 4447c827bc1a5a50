/** How good a connection is, told only where it is not good: three bars of which some are dim. */
import { t } from '../../i18n/t';

/** From this score on, a connection is nothing to speak of. */
const GOOD = 3.5;

/** Below this one, a single bar is left. */
const POOR = 2;

export function QualityBars({ score }: { score: number | undefined }) {
  if (score === undefined || score >= GOOD) return null;
  const level = score < POOR ? 'poor' : 'fair';
  return (
    <span class={`quality quality--${level}`} title={t('tile.quality', { score: score.toFixed(1) })}>
      <i />
      <i />
      <i />
      <span class="visually-hidden">{t('tile.slow')}</span>
    </span>
  );
}
