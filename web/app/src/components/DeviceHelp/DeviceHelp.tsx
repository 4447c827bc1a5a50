/** Why there is no picture or sound, and what to do about it. */
import type { ComponentChildren } from 'preact';
import { t } from '../../i18n/t';
import { devicesHelp } from '../../state/device-help';
import { local, localState } from '../../state/devices';
import { Button } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import './DeviceHelp.css';

export function DeviceHelp({ children }: { children?: ComponentChildren }) {
  const { microphone, camera } = localState.value;
  const words = devicesHelp({ microphone: microphone.failure, camera: camera.failure });
  if (words.length === 0) return null;
  const retry = () => void local.open({ microphone: microphone.failure !== null, camera: camera.failure !== null });
  return (
    <div class="device-help" role="status">
      <Icon name="warning" size={20} />
      <div class="device-help__text">
        {words.map((text) => (
          <p key={text}>{text}</p>
        ))}
        {children && <p class="device-help__soft">{children}</p>}
      </div>
      <Button size="small" onClick={retry}>
        {t('device.retry')}
      </Button>
    </div>
  );
}
