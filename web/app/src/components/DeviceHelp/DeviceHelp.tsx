/** Why there is no picture or sound, and what to do about it. */
import type { ComponentChildren } from 'preact';
import { t } from '../../i18n/t';
import { deviceHelp } from '../../state/device-help';
import { local, localState } from '../../state/devices';
import { Button } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import './DeviceHelp.css';

export function DeviceHelp({ children }: { children?: ComponentChildren }) {
  const { microphone, camera } = localState.value;
  const failed = (['microphone', 'camera'] as const).filter((device) => localState.value[device].failure);
  if (failed.length === 0) return null;
  const retry = () => void local.open({ microphone: microphone.failure !== null, camera: camera.failure !== null });
  return (
    <div class="device-help" role="status">
      <Icon name="warning" size={20} />
      <div class="device-help__text">
        {failed.map((device) => {
          const { failure } = localState.value[device];
          return failure && <p key={device}>{deviceHelp(device, failure)}</p>;
        })}
        {children && <p class="device-help__soft">{children}</p>}
      </div>
      <Button size="small" onClick={retry}>
        {t('device.retry')}
      </Button>
    </div>
  );
}
