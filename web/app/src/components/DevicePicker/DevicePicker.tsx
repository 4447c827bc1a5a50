/** Which microphone, camera and speaker. */
import { testTone, type Device } from '@calls/sdk';
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { canChooseSpeaker, choose, chooseSpeaker, devices, local, localState, speaker } from '../../state/devices';
import { attempt } from '../../state/announce';
import { isDenied } from '../../state/device-help';
import { Button } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';
import './DevicePicker.css';

interface DevicePickerProps {
  /** How loud the microphone is, where nothing else beside shows that. */
  level?: ComponentChildren;
}

export function DevicePicker({ level }: DevicePickerProps) {
  const { microphone, camera } = localState.value; // which device is in use follows what is open
  const { microphones, cameras, speakers } = devices.value;
  return (
    <div class="devices">
      <Picker
        icon="microphone"
        label={t('device.microphone')}
        options={microphones}
        denied={isDenied(microphone)}
        chosen={local.chosen('microphone')}
        choose={(id) => void choose('microphone', id)}
      />
      {level && <div class="devices__below">{level}</div>}
      <Picker
        icon="camera"
        label={t('device.camera')}
        options={cameras}
        denied={isDenied(camera)}
        chosen={local.chosen('camera')}
        choose={(id) => void choose('camera', id)}
      />
      {canChooseSpeaker && speakers.length > 0 && (
        <Picker
          icon="speaker"
          label={t('device.speaker')}
          options={speakers}
          chosen={speaker.value || speakers[0]?.id}
          choose={chooseSpeaker}
        />
      )}
      <ToneTest />
    </div>
  );
}

function ToneTest() {
  const [playing, setPlaying] = useState(false);
  const play = () => {
    setPlaying(true);
    attempt(testTone(speaker.value).finally(() => setPlaying(false)));
  };
  return (
    <div class="devices__below" role="status">
      <Button size="small" icon="speaker" disabled={playing} onClick={play}>
        {t(playing ? 'device.testing' : 'device.test')}
      </Button>
    </div>
  );
}

interface PickerProps {
  icon: IconName;
  label: string;
  options: readonly Device[];
  /** The browser tells none, as it may not. */
  denied?: boolean;
  chosen: string | undefined;
  choose: (id: string) => void;
}

function Picker({ icon, label, options, denied = false, chosen, choose: pick }: PickerProps) {
  const id = useId();
  return (
    <div class="devices__row">
      <Icon name={icon} size={20} />
      <label class="visually-hidden" for={id}>
        {label}
      </label>
      <select
        class="devices__select"
        id={id}
        value={chosen ?? options[0]?.id ?? ''}
        disabled={options.length === 0}
        onChange={(event) => pick(event.currentTarget.value)}
      >
        {options.length === 0 && <option value="">{t(denied ? 'device.notAllowed' : 'device.none')}</option>}
        {options.map((option) => (
          <option key={option.id} value={option.id} dir="auto">
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
