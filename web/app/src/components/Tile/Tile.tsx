/** One person: their picture or avatar, their name, and how they are doing. */
import type { Member } from '@calls/sdk';
import { useRef, useState } from 'preact/hooks';
import { useOnScreen } from '../../hooks/useOnScreen';
import { useVisibleSize } from '../../hooks/useSize';
import { t } from '../../i18n/t';
import { nameOf } from '../../state/announce';
import { localState } from '../../state/devices';
import type { MeetingStore } from '../../state/meeting-store';
import { prefs } from '../../state/prefs';
import { Avatar } from '../Avatar/Avatar';
import { IconButton } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import { Video } from '../Video/Video';
import { pausedText } from './paused';
import { QualityBars } from './QualityBars';
import './Tile.css';

interface TileProps {
  store: MeetingStore;
  member: Member;
}

export function Tile({ store, member }: TileProps) {
  const ref = useRef<HTMLElement>(null);
  const size = useVisibleSize(ref);
  const id = member.participant_id;
  const self = id === store.me.value;
  const { camera, microphone } = localState.value;
  const muted = self ? !microphone.on : !member.audio;
  const speaking = store.speaking.value.has(id) && !muted;

  const wanted = prefs.value.traffic !== 'audio';
  useOnScreen(store.screenful, id, 'camera', !self && member.video && wanted, size);
  const picture = self || !member.video || !wanted ? null : store.picture(id, 'camera');
  const locked = store.locked(id);
  const paused = locked ?? pausedText(picture?.paused ?? null);
  const track = self ? camera.track : (picture?.track ?? null);
  const [still, setStill] = useState(false);
  const name = nameOf(member);
  return (
    <article
      ref={ref}
      class={speaking ? 'tile tile--speaking' : 'tile'}
      aria-label={self ? t('app.youNamed', { name }) : name}
      data-participant={id}
    >
      <Avatar name={name} />
      {track && !paused && <Video track={track} mirrored={self && prefs.value.mirror} still={self ? undefined : setStill} />}
      {member.hand && (
        <p class="tile__hand">
          <Icon name="hand" size={18} />
          <span class="visually-hidden">{t('tile.hand')}</span>
        </p>
      )}
      {!self && <PinButton store={store} id={id} name={name} />}
      <Reacting store={store} id={id} />
      <Note text={member.reconnecting ? t('tile.reconnecting') : (paused ?? (still ? t('tile.still') : null))} />
      <p class="tile__name">
        {muted ? (
          <span class="tile__muted">
            <Icon name="microphone-off" size={15} />
            <span class="visually-hidden">{t('tile.muted')}</span>
          </span>
        ) : (
          speaking && <Voice />
        )}
        <span class="tile__text" dir="auto">{self ? t('app.you') : name}</span>
        <QualityBars store={store} id={id} gone={still || member.reconnecting} />
      </p>
    </article>
  );
}

function Reacting({ store, id }: { store: MeetingStore; id: string }) {
  const reaction = store.reactions.shown.value.get(id);
  if (!reaction) return null;
  return (
    <p class="tile__reaction">
      <Icon name={reaction} size={34} />
      <span class="visually-hidden">{t(`reaction.${reaction}`)}</span>
    </p>
  );
}

/** Three bars that dance: speaking is never told by a colour alone. */
function Voice() {
  return (
    <span class="tile__voice">
      <i />
      <i />
      <i />
      <span class="visually-hidden">{t('tile.speaking')}</span>
    </span>
  );
}

function Note({ text }: { text: string | null }) {
  return text ? <p class="tile__note">{text}</p> : null;
}

function PinButton({ store, id, name }: { store: MeetingStore; id: string; name: string }) {
  const pinned = store.pinned.value === id;
  return (
    <div class="tile__pin">
      <IconButton
        icon="pin"
        label={t(pinned ? 'tile.unpin' : 'tile.pin', { name })}
        pressed={pinned}
        onClick={() => (store.pinned.value = pinned ? null : id)}
      />
    </div>
  );
}
