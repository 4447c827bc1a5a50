/** One thing large, the others in a strip: a shared screen, or somebody who is pinned. */
import type { Member } from '@calls/sdk';
import { useRef } from 'preact/hooks';
import { useOnScreen } from '../../hooks/useOnScreen';
import { useSize } from '../../hooks/useSize';
import { t } from '../../i18n/t';
import { nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { Icon } from '../Icon/Icon';
import { pausedText } from '../Tile/paused';
import { Tile } from '../Tile/Tile';
import { Video } from '../Video/Video';
import './Stage.css';

interface StageProps {
  store: MeetingStore;
  /** Whose screen, or, where nobody shares one, whose face. */
  presenter: Member | undefined;
  pinned: Member | undefined;
}

export function Stage({ store, presenter, pinned }: StageProps) {
  const strip = store.seated.value.filter((member) => member !== pinned);
  return (
    <div class="stage">
      <div class="stage__main">
        {pinned ? <Tile store={store} member={pinned} /> : presenter && <Screen store={store} presenter={presenter} />}
      </div>
      <div class="stage__strip">
        {strip.map((member) => (
          <Tile key={member.participant_id} store={store} member={member} />
        ))}
      </div>
    </div>
  );
}

function Screen({ store, presenter }: { store: MeetingStore; presenter: Member }) {
  const ref = useRef<HTMLElement>(null);
  const size = useSize(ref);
  const name = nameOf(presenter);
  useOnScreen(store.screenful, presenter.participant_id, 'screen', true, size);
  const picture = store.picture(presenter.participant_id, 'screen');
  const paused = pausedText(picture?.paused ?? null);
  return (
    <section ref={ref} class="screen" aria-label={t('tile.screen', { name })} data-screen={presenter.participant_id}>
      {picture && !paused && <Video track={picture.track} whole />}
      {paused && <p class="screen__paused">{paused}</p>}
      <p class="screen__banner">
        <Icon name="share" size={16} />
        {t('meeting.presenting', { name })}
      </p>
    </section>
  );
}
