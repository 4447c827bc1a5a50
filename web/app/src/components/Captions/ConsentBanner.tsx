/** Says that words are written down, until somebody has taken note of it. */
import { t } from '../../i18n/t';
import type { MeetingStore } from '../../state/meeting-store';
import { Banner } from '../Banner/Banner';
import { Button } from '../Button/Button';

export function ConsentBanner({ store }: { store: MeetingStore }) {
  if (!store.captions.running.value || store.captions.known.value) return null;
  const agree = (
    <Button size="small" onClick={() => (store.captions.known.value = true)}>
      {t('captions.agree')}
    </Button>
  );
  return (
    <Banner icon="transcript" tone="warn" action={agree}>
      {t('captions.consent')}
    </Banner>
  );
}
