/** The frame around every screen: who is in, where to go. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../components/Button/Button';
import { LanguagePicker } from '../components/LanguagePicker/LanguagePicker';
import { Toasts } from '../components/Toasts/Toasts';
import { Audit } from './screens/Audit';
import { CallPage } from './screens/CallPage';
import { Calls } from './screens/Calls';
import { Keys } from './screens/Keys';
import { Live } from './screens/Live';
import { RecordingPage } from './screens/RecordingPage';
import { Recordings } from './screens/Recordings';
import { RoomPage } from './screens/RoomPage';
import { Rooms } from './screens/Rooms';
import { Server } from './screens/Server';
import { SignIn } from './screens/SignIn';
import { WebhookPage } from './screens/WebhookPage';
import { Webhooks } from './screens/Webhooks';
import { key, signIn, signOut } from './state/api';
import { isBack, takeToken } from './state/issuer';
import { follow, pathOf, place, SCREENS, type Place } from './state/route';
import { t } from './words/t';

export function Console() {
  const [asked, setAsked] = useState(key.value !== null);
  useEffect(() => {
    if (!asked) void (isBack() ? takeToken() : signIn('').catch(() => {})).finally(() => setAsked(true)); // a server that runs with --dev wants no key
  }, []);
  if (!asked) return null;
  return (
    <>
      {key.value === null ? <SignIn /> : <Inside />}
      <Toasts />
    </>
  );
}

function Inside() {
  const where = place.value;
  const title = t(`nav.${where.screen}`);
  useEffect(() => {
    document.title = t('console.titleOf', { screen: title });
  }, [title]);
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const link = nav.current?.querySelector('[aria-current]');
    if (!nav.current || !link) return;
    const [frame, box] = [nav.current.getBoundingClientRect(), link.getBoundingClientRect()];
    // On a phone they do not all fit. Not by `scrollIntoView`, which moves the place that Tab goes on from.
    nav.current.scrollBy({ left: (box.left + box.right - frame.left - frame.right) / 2 });
  }, [where.screen]);
  return (
    <div class="console">
      <header class="console__head">
        <a class="console__brand" href={pathOf('live')} onClick={follow}>
          <img src="/icon.svg" alt="" width="28" height="28" />
          {t('console.title')}
        </a>
        <nav ref={nav} class="console__nav" aria-label={t('nav.label')}>
          {SCREENS.map((screen) => (
            <a key={screen} href={pathOf(screen)} aria-current={screen === where.screen ? 'page' : undefined} onClick={follow}>
              {t(`nav.${screen}`)}
            </a>
          ))}
        </nav>
        <LanguagePicker />
        {key.value && (
          <Button size="small" look="ghost" onClick={signOut}>
            {t('signIn.out')}
          </Button>
        )}
      </header>
      <main class="console__main" key={`${where.screen}/${where.id ?? ''}`}>
        <Shown where={where} />
      </main>
    </div>
  );
}

function Shown({ where: { screen, id, query } }: { where: Place }) {
  switch (screen) {
    case 'live':
      return <Live />;
    case 'calls':
      return id ? <CallPage callId={id} /> : <Calls query={query} />;
    case 'recordings':
      return id ? <RecordingPage recordingId={id} /> : <Recordings query={query} />;
    case 'rooms':
      return id ? <RoomPage roomId={id} /> : <Rooms />;
    case 'webhooks':
      return id ? <WebhookPage webhookId={id} /> : <Webhooks />;
    case 'keys':
      return <Keys />;
    case 'audit':
      return <Audit query={query} />;
    case 'server':
      return <Server />;
  }
}
