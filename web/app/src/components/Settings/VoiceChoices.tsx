/** How one sounds to others. */
import { canDenoise, NOISES } from '@calls/sdk';
import { t } from '../../i18n/t';
import { sound } from '../../state/devices';
import { prefs } from '../../state/prefs';
import { Check } from '../Check/Check';
import { Choice } from '../Choice/Choice';

const OFFERED = NOISES.filter((noise) => noise !== 'enhanced' || canDenoise());

export function VoiceChoices() {
  const { echoCancellation, autoGainControl, noise } = prefs.value.voice;
  return (
    <>
      <Choice
        label={t('voice.noise')}
        options={OFFERED.map((value) => ({ value, label: t(`voice.noise.${value}`) }))}
        chosen={noise}
        choose={(next) => void sound({ noise: next })}
      />
      <Check label={t('voice.echo')} checked={echoCancellation} onChange={(on) => void sound({ echoCancellation: on })} />
      <Check label={t('voice.gain')} checked={autoGainControl} onChange={(on) => void sound({ autoGainControl: on })} />
    </>
  );
}
