/** The device pickers once more, in the middle of a meeting. */
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../i18n/t';
import { localState } from '../../state/devices';
import { Button } from '../Button/Button';
import { DevicePicker } from '../DevicePicker/DevicePicker';
import { MicMeter } from '../MicMeter/MicMeter';
import './DeviceSettings.css';

export function DeviceSettings({ close }: { close: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby="device-settings" onClose={close}>
      <h2 class="dialog__title" id="device-settings">
        {t('device.settings')}
      </h2>
      <DevicePicker />
      <MicMeter track={localState.value.microphone.track} />
      <div class="dialog__foot">
        <Button look="primary" onClick={() => ref.current?.close()}>
          {t('app.close')}
        </Button>
      </div>
    </dialog>
  );
}
