/** What everybody has to know of the meeting all the time. */
import { t } from '../../i18n/t';
import type { MeetingStore } from '../../state/meeting-store';
import { Badge } from '../Badge/Badge';

export function Badges({ store }: { store: MeetingStore }) {
  const recording = store.recording.value;
  return (
    <>
      {recording === 'on' && <Badge icon="record" tone="live" text={t(store.onlyVoices.value ? 'recording.badgeVoices' : 'recording.badge')} />}
      {recording === 'paused' && <Badge icon="record" tone="plain" text={t('recording.badgePaused')} />}
      {store.captions.running.value && <Badge icon="transcript" tone="live" text={t('captions.badge')} />}
      {store.meeting.encrypted && <Badge icon="lock" tone={store.strangers ? 'warn' : 'plain'} text={t(store.strangers ? 'e2ee.badgeStrangers' : 'e2ee.badge')} />}
      {store.room.value?.locked && <Badge icon="lock" tone="warn" text={t('meeting.locked')} />}
    </>
  );
}
