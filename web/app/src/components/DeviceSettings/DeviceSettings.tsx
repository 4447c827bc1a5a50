/** The devices once more, in the middle of a meeting: which ones, and why one does not work. */
import { t } from '../../i18n/t';
import { canChooseSpeaker, localState } from '../../state/devices';
import { Button } from '../Button/Button';
import { DeviceHelp } from '../DeviceHelp/DeviceHelp';
import { DevicePicker } from '../DevicePicker/DevicePicker';
import { Dialog } from '../Dialog/Dialog';
import { MicMeter } from '../MicMeter/MicMeter';

export function DeviceSettings({ close }: { close: () => void }) {
  const { microphone } = localState.value;
  const foot = (done: () => void) => (
    <Button look="primary" onClick={done}>
      {t('app.close')}
    </Button>
  );
  return (
    <Dialog title={t('device.settings')} closed={close} foot={foot}>
      <DeviceHelp />
      <DevicePicker />
      <MicMeter track={microphone.on ? microphone.track : null} />
      {!canChooseSpeaker && <p class="dialog__text">{t('device.speakerFixed')}</p>}
    </Dialog>
  );
}
