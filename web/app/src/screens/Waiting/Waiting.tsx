/** Before the meeting is there: connecting, or in front of a door that somebody has to open. */
import { Button } from '../../components/Button/Button';
import { SelfPreview } from '../../components/SelfPreview/SelfPreview';
import { t, tn } from '../../i18n/t';
import { rememberedName } from '../../state/memory';
import type { MeetingStore } from '../../state/meeting-store';
import './Waiting.css';

export function Waiting({ store, position }: { store: MeetingStore; position: number | null }) {
  return (
    <main class="waiting">
      <div class="waiting__picture">
        <SelfPreview name={rememberedName()} />
      </div>
      <div class="waiting__words" role="status">
        <span class="waiting__pulse" aria-hidden="true" />
        <h1 class="waiting__title">{t(position === null ? 'joining.title' : 'waiting.title')}</h1>
        {position !== null && (
          <p class="waiting__text">
            {t('waiting.text')} {tn('waiting.position', position)}
          </p>
        )}
      </div>
      <Button onClick={() => void store.meeting.leave()}>{t(position === null ? 'app.cancel' : 'waiting.leave')}</Button>
    </main>
  );
}
