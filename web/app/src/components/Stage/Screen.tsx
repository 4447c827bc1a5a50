/** Somebody's shared screen: large on the stage, or one tile among others. */
import type { Member } from '@calls/sdk';
import { useRef, useState } from 'preact/hooks';
import { useOnScreen } from '../../hooks/useOnScreen';
import { useVisibleSize } from '../../hooks/useSize';
import { t } from '../../i18n/t';
import { nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { prefs } from '../../state/prefs';
import { IconButton } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import { pausedText } from '../Tile/paused';
import { Video } from '../Video/Video';
import './Screen.css';

interface ScreenProps {
  store: MeetingStore;
  presenter: Member;
}

export function Screen({ store, presenter }: ScreenProps) {
  const ref = useRef<HTMLElement>(null);
  const name = nameOf(presenter);
  const canFill = document.fullscreenEnabled;
  const [aspect, setAspect] = useState<number>();
  return (
    <section
      ref={ref}
      class="screen"
      style={aspect ? { '--aspect': String(aspect) } : undefined}
      aria-label={t('tile.screen', { name })}
      data-screen={presenter.participant_id}
    >
      <Shared store={store} presenter={presenter} frame={ref} shaped={setAspect} />
      <Presenting name={name} />
      {canFill && (
        <div class="screen__fill">
          <IconButton icon="expand" label={t('tile.fullscreen')} onClick={() => void fill(ref.current)} />
        </div>
      )}
    </section>
  );
}

/** The same among the faces. */
export function ScreenTile({ store, presenter }: ScreenProps) {
  const ref = useRef<HTMLElement>(null);
  const name = nameOf(presenter);
  return (
    <section ref={ref} class="screen screen--tile" aria-label={t('tile.screen', { name })} data-screen={presenter.participant_id}>
      <Shared store={store} presenter={presenter} frame={ref} />
      <Presenting name={name} />
    </section>
  );
}

/** The name apart from what surrounds it, as only the name may be cut. */
function Presenting({ name }: { name: string }) {
  const [before, after] = t('meeting.presenting', { name: '\0' }).split('\0');
  return (
    <p class="screen__banner">
      <Icon name="share" size={16} />
      <span class="screen__words">
        {before && <span>{before}</span>}
        <bdi dir="auto">{name}</bdi>
        {after && <span>{after}</span>}
      </span>
    </p>
  );
}

interface SharedProps extends ScreenProps {
  frame: { current: HTMLElement | null };
  /** Hears what its width is of its height. */
  shaped?: ((aspect: number) => void) | undefined;
}

function Shared({ store, presenter, frame, shaped }: SharedProps) {
  const size = useVisibleSize(frame);
  const wanted = prefs.value.traffic !== 'audio';
  useOnScreen(store.screenful, presenter.participant_id, 'screen', wanted, size);
  const picture = wanted ? store.picture(presenter.participant_id, 'screen') : null;
  const paused = wanted ? pausedText(picture?.paused ?? null) : t('traffic.noPicture');
  return (
    <>
      {picture && !paused && <Video track={picture.track} whole shaped={shaped} />}
      <p class={paused ? 'screen__paused' : 'screen__paused screen__paused--waiting'}>{paused ?? t('meeting.pictureWaits')}</p>
    </>
  );
}

async function fill(element: HTMLElement | null): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await element?.requestFullscreen();
}
