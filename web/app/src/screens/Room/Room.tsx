/** The meeting itself. */
import { useRef } from 'preact/hooks';
import { Banner } from '../../components/Banner/Banner';
import { ConsentBanner } from '../../components/Banner/ConsentBanner';
import { SharingBanner } from '../../components/Banner/SharingBanner';
import { Captions } from '../../components/Captions/Captions';
import { Chat } from '../../components/Chat/Chat';
import { DropZone } from '../../components/Files/DropZone';
import { Figures } from '../../components/Figures/Figures';
import { Grid } from '../../components/Grid/Grid';
import { Header } from '../../components/Header/Header';
import { People } from '../../components/People/People';
import { Stage } from '../../components/Stage/Stage';
import { Transcript } from '../../components/Transcript/Transcript';
import { Toolbar } from '../../components/Toolbar/Toolbar';
import { HearBanner, Voices } from '../../components/Voices/Voices';
import { useLate } from '../../hooks/useLate';
import { useMutedHint } from '../../hooks/useMutedHint';
import { usePushToTalk } from '../../hooks/usePushToTalk';
import { t } from '../../i18n/t';
import { prefs } from '../../state/prefs';
import type { MeetingStore } from '../../state/meeting-store';
import { RoomDialog } from './RoomDialog';
import './Room.css';

/** A repair that is done by then is not worth a word. */
const SAY_AFTER_MS = 1_000;

export function Room({ store, steady }: { store: MeetingStore; steady: boolean }) {
  const shaky = useLate(!steady, SAY_AFTER_MS);
  const connected = useRef(false); // ever
  connected.current ||= steady;
  const panel = store.panel.value;
  const main = store.main.value;
  useMutedHint();
  usePushToTalk(prefs.value.shortcuts);
  return (
    <DropZone store={store} className={panel ? 'room room--panel' : 'room'}>
      <Header store={store} />
      <main class="room__main">
        {shaky && (
          <Banner icon="warning" tone="warn">
            {t(connected.current ? 'meeting.reconnecting' : 'joining.title')}
          </Banner>
        )}
        <ConsentBanner store={store} />
        <HearBanner />
        <SharingBanner />
        <div class="room__people">
          {main ? <Stage store={store} main={main} /> : <Grid store={store} />}
        </div>
        {prefs.value.captions && <Captions store={store} />}
      </main>
      {panel === 'chat' && <Chat store={store} />}
      {panel === 'people' && <People store={store} />}
      {panel === 'transcript' && <Transcript store={store} />}
      {panel === 'figures' && <Figures store={store} />}
      <footer class="room__controls">
        <Toolbar store={store} />
      </footer>
      <Voices store={store} />
      <RoomDialog store={store} />
    </DropZone>
  );
}
