/** Says what is kept of people, until somebody has taken note of it. */
import { t } from '../../i18n/t';
import { consentKey } from '../../state/consent';
import type { MeetingStore } from '../../state/meeting-store';
import { Button } from '../Button/Button';
import { Banner } from './Banner';

export function ConsentBanner({ store }: { store: MeetingStore }) {
  const asked = store.consent.asked.value.filter((kept) => kept !== 'recording' || store.recording.value === 'on');
  if (asked.length === 0) return null;
  const agree = (
    <Button size="small" onClick={() => store.consent.understand(asked)}>
      {t('consent.agree')}
    </Button>
  );
  return (
    <Banner icon={asked.includes('recording') ? 'record' : 'transcript'} tone="warn" action={agree}>
      {t(consentKey(asked, store.onlyVoices.value))}
    </Banner>
  );
}
