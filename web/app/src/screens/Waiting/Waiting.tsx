/** Before the meeting is there: connecting, or in front of a door that somebody has to open. */
import { Button } from '../../components/Button/Button';
import { Centered } from '../../components/Centered/Centered';
import { SelfPreview } from '../../components/SelfPreview/SelfPreview';
import { t, tn } from '../../i18n/t';
import { rememberedName } from '../../state/memory';
import type { MeetingStore } from '../../state/meeting-store';
import './Waiting.css';

/** The line in front of the door. */
interface Line {
  position: number;
  /** Somebody is inside who can open it. */
  moderated: boolean;
}

export function Waiting({ store, line }: { store: MeetingStore; line: Line | null }) {
  const head = (
    <div class="waiting__picture">
      <SelfPreview name={rememberedName()} />
    </div>
  );
  const stop = <Button onClick={() => void store.meeting.leave()}>{t(line ? 'waiting.leave' : 'app.cancel')}</Button>;
  return <Centered live head={head} title={t(titleOf(line))} text={line && textOf(line)} actions={stop} />;
}

function titleOf(line: Line | null) {
  if (!line) return 'joining.title';
  return line.moderated ? 'waiting.title' : 'waiting.titleNobody';
}

const textOf = ({ moderated, position }: Line): string =>
  moderated ? `${t('waiting.text')} ${tn('waiting.position', position)}` : t('waiting.textNobody');
