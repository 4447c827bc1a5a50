/** What is said now, written under the pictures. Not a live region: whoever listens to a screen reader hears the voices. */
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { shownAt, turns } from '../../layout/captions';
import type { MeetingStore } from '../../state/meeting-store';
import { prefs } from '../../state/prefs';
import './Captions.css';

/** How often it is looked whether a line has stood long enough. */
const LOOK_EVERY_MS = 1_000;

export function Captions({ store }: { store: MeetingStore }) {
  const [, look] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => look((count) => count + 1), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const lines = shownAt(store.captions.lines.value, Date.now());
  if (lines.length === 0) return null;
  return (
    <div class={`captions captions--${prefs.value.captionSize}`} role="region" aria-label={t('captions.title')}>
      <div class="captions__end">
        <div>
          {turns(lines).map((said) => (
            <div key={said[0]?.key}>
              <p class="captions__who">
                <strong class="captions__name" dir="auto">{said[0]?.name}</strong>
              </p>
              {said.map(({ key, text }) => (
                <p class="captions__line" key={key}>
                  <span dir="auto">{text}</span>
                </p>
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
