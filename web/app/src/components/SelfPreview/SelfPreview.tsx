/** How one looks and sounds, before anybody else sees or hears it. */
import { t } from '../../i18n/t';
import { local, localState } from '../../state/devices';
import { Avatar } from '../Avatar/Avatar';
import { Icon } from '../Icon/Icon';
import { MicMeter } from '../MicMeter/MicMeter';
import { Video } from '../Video/Video';
import './SelfPreview.css';

export function SelfPreview({ name }: { name: string }) {
  const { microphone, camera } = localState.value;
  return (
    <section class="preview" aria-label={t('lobby.preview')}>
      {name ? <Avatar name={name} /> : <span class="preview__nobody"><Icon name="camera-off" size={40} /></span>}
      {camera.track ? <Video track={camera.track} mirrored /> : <p class="preview__note">{t(microphone.on ? 'lobby.cameraOff' : 'lobby.bothOff')}</p>}
      <span class="preview__meter">
        <MicMeter track={microphone.on ? microphone.track : null} />
      </span>
      <div class="preview__controls">
        <Toggle device="microphone" on={microphone.on} />
        <Toggle device="camera" on={camera.on} />
      </div>
    </section>
  );
}

function Toggle({ device, on }: { device: 'microphone' | 'camera'; on: boolean }) {
  return (
    <button
      class={on ? 'round-toggle' : 'round-toggle round-toggle--off'}
      type="button"
      aria-label={t(`control.${device}`)}
      aria-pressed={on}
      title={t(on ? `control.${device}Off` : `control.${device}On`)}
      onClick={() => void local.turn(device, !on)}
    >
      <Icon name={on ? device : `${device}-off`} size={24} />
    </button>
  );
}
