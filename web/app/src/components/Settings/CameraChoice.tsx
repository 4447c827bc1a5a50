/** How the camera is sent, where the browser can do it in more than one way. */
import { CAMERA_MODES, canScale } from '@calls/sdk';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { prefer, prefs } from '../../state/prefs';
import { Choice } from '../Choice/Choice';

export function CameraChoice() {
  const [offered, setOffered] = useState(false);
  useEffect(() => void canScale().then(setOffered), []);
  if (!offered) return null;
  return (
    <div class="settings__camera">
      <Choice
        label={t('camera.mode')}
        options={CAMERA_MODES.map((value) => ({ value, label: t(`camera.${value}`) }))}
        chosen={prefs.value.camera}
        choose={(camera) => prefer({ camera })}
      />
      <p class="field__note">{t('camera.next')}</p>
    </div>
  );
}
