/** Says that the own screen is shared, and shows what the others see of it. */
import { t } from '../../i18n/t';
import { local, localState } from '../../state/devices';
import { Button } from '../Button/Button';
import { Video } from '../Video/Video';
import { Banner } from './Banner';

export function SharingBanner() {
  const { on, track } = localState.value.screen;
  if (!on) return null;
  const stop = (
    <Button look="danger" size="small" onClick={() => local.stopSharing()}>
      {t('control.shareStop')}
    </Button>
  );
  return (
    <Banner icon="share" tone="accent" picture={track && <Video track={track} whole />} action={stop}>
      {t('meeting.youPresent')}
    </Banner>
  );
}
