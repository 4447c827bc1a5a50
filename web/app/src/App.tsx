/** Which screen is shown. */
import { useEffect, useState } from 'preact/hooks';
import { Brand } from './components/Brand/Brand';
import { Centered } from './components/Centered/Centered';
import { Toasts } from './components/Toasts/Toasts';
import { t } from './i18n/t';
import { Farewell } from './screens/Farewell/Farewell';
import { Landing } from './screens/Landing/Landing';
import { Lobby } from './screens/Lobby/Lobby';
import { Nowhere } from './screens/Nowhere/Nowhere';
import { Room } from './screens/Room/Room';
import { Waiting } from './screens/Waiting/Waiting';
import type { MeetingStore } from './state/meeting-store';
import { route, visitKey } from './state/route';
import { Visit } from './state/visit';

export function App() {
  const where = route.value;
  return (
    <>
      {where.at === 'landing' ? (
        <Landing />
      ) : 'RTCPeerConnection' in globalThis ? (
        <Meet key={visitKey(where)} roomId={where.roomId} token={where.token} secret={where.secret} />
      ) : (
        <Unsupported />
      )}
      <Toasts />
    </>
  );
}

interface MeetProps {
  roomId: string;
  token: string | null;
  secret: string | null;
}

function Meet({ roomId, token, secret }: MeetProps) {
  const [visit] = useState(() => new Visit(roomId, token, secret));
  useEffect(() => () => visit.close(), [visit]);
  const room = visit.room.value;
  useEffect(() => {
    document.title = room ? `${room.name} · ${t('app.name')}` : t('app.name');
    return () => (document.title = t('app.name'));
  }, [room]);

  const phase = visit.phase.value;
  switch (phase.is) {
    case 'returning':
      return null;
    case 'lobby':
      return <Lobby visit={visit} />;
    case 'meeting':
      return <Inside store={phase.store} />;
    case 'nowhere':
      return <Nowhere visit={visit} why={phase.why} />;
    case 'over':
      return <Farewell visit={visit} ending={phase.ending} />;
  }
}

function Inside({ store }: { store: MeetingStore }) {
  const state = store.state.value;
  switch (state.is) {
    case 'joining':
      return <Waiting store={store} line={null} />;
    case 'waiting':
      return <Waiting store={store} line={state} />;
    case 'inside':
      return <Room store={store} steady={state.steady} />;
    case 'over':
      return null; // the visit moves on in the same breath
  }
}

function Unsupported() {
  return <Centered head={<Brand />} title={t('unsupported.title')} text={t('unsupported.text')} />;
}
