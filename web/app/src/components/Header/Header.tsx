/** Where we are, since when, and how others get here. */
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { elapsed } from '../../layout/text';
import { copyInvite } from '../../state/invite';
import type { MeetingStore } from '../../state/meeting-store';
import { Button, IconButton } from '../Button/Button';
import { Badges } from './Badges';
import './Header.css';

export function Header({ store }: { store: MeetingStore }) {
  const room = store.room.value;
  return (
    <header class="header">
      <img class="header__mark" src="/icon.svg" alt="" width="28" height="28" />
      <h1 class="header__title" dir="auto">{room?.name ?? t('meeting.stage')}</h1>
      <Badges store={store} />
      <Duration since={store.call.value?.started_at ?? null} />
      <span class="header__gap" />
      <span class="header__invite">
        <Button size="small" look="ghost" icon="link" onClick={copyInvite}>
          {t('meeting.copyLink')}
        </Button>
      </span>
      <IconButton icon="settings" label={t('settings.title')} onClick={() => (store.dialog.value = 'settings')} />
    </header>
  );
}

function Duration({ since }: { since: string | null }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (!since) return null;
  return <time class="header__time">{elapsed(Math.max(0, (now - Date.parse(since)) / 1000))}</time>;
}
