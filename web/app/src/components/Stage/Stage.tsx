/** One thing large, the others in a strip: a shared screen, somebody who is pinned or in the spotlight, or who speaks. */
import { t } from '../../i18n/t';
import type { Main } from '../../layout/stage';
import { nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { Icon } from '../Icon/Icon';
import { Tile } from '../Tile/Tile';
import { Screen, ScreenTile } from './Screen';
import './Stage.css';

export function Stage({ store, main }: { store: MeetingStore; main: Main }) {
  const large = store.members.value.find(({ participant_id }) => participant_id === main.id);
  if (!large) return null;
  const screen = main.shows === 'screen';
  const strip = store.tiles.value.filter((member) => screen || member !== large);
  const screens = store.presenters.value.filter((member) => !screen || member !== large);
  return (
    <div class="stage">
      <div class="stage__main">
        {screen ? <Screen store={store} presenter={large} /> : <Tile store={store} member={large} />}
        {store.spotlight.value === large.participant_id && (
          <p class="stage__spotlight">
            <Icon name="spotlight" size={16} />
            {t('meeting.spotlight', { name: nameOf(large) })}
          </p>
        )}
      </div>
      <div class="stage__strip">
        {screens.map((member) => (
          <ScreenTile key={`${member.participant_id}/screen`} store={store} presenter={member} />
        ))}
        {strip.map((member) => (
          <Tile key={member.participant_id} store={store} member={member} />
        ))}
      </div>
    </div>
  );
}
