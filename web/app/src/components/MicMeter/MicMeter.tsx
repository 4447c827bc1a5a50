/** Shows that the microphone hears something. */
import { meter } from '@calls/sdk';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import './MicMeter.css';

const BARS = [0.12, 0.24, 0.36, 0.48, 0.6, 0.72, 0.84];

export function MicMeter({ track }: { track: MediaStreamTrack | null }) {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    setLevel(0);
    return track ? meter(track, setLevel) : undefined;
  }, [track]);
  return (
    <span
      class="mic-meter"
      role="meter"
      aria-label={t('device.level')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(level * 100)}
    >
      {BARS.map((bar) => (
        <i key={bar} class={level >= bar ? 'mic-meter__bar mic-meter__bar--lit' : 'mic-meter__bar'} />
      ))}
    </span>
  );
}
