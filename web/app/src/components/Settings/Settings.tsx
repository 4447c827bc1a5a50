/** Devices, and how a person likes the page. */
import { LANGUAGES, type Language } from '../../i18n/languages';
import { language, t } from '../../i18n/t';
import { canChooseSpeaker, localState } from '../../state/devices';
import { CAPTION_SIZES, prefer, prefs, THEMES } from '../../state/prefs';
import { Button } from '../Button/Button';
import { Check } from '../Check/Check';
import { Choice } from '../Choice/Choice';
import { DeviceHelp } from '../DeviceHelp/DeviceHelp';
import { DevicePicker } from '../DevicePicker/DevicePicker';
import { Dialog } from '../Dialog/Dialog';
import { MicMeter } from '../MicMeter/MicMeter';
import { CameraChoice } from './CameraChoice';
import { BackgroundChoice } from './BackgroundChoice';
import { VoiceChoices } from './VoiceChoices';

const TONGUES = (Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, label: LANGUAGES[value] }));

export function Settings({ close }: { close: () => void }) {
  const { microphone } = localState.value;
  const { theme, captionSize, mirror, selfHidden } = prefs.value;
  const foot = (done: () => void) => (
    <Button look="primary" onClick={done}>
      {t('app.close')}
    </Button>
  );
  return (
    <Dialog title={t('settings.title')} closed={close} foot={foot}>
      <DeviceHelp />
      <DevicePicker level={<MicMeter track={microphone.on ? microphone.track : null} />} />
      <BackgroundChoice />
      <VoiceChoices />
      <CameraChoice />
      {!canChooseSpeaker && <p class="dialog__text">{t('device.speakerFixed')}</p>}
      <Check label={t('settings.mirror')} checked={mirror} onChange={(next) => prefer({ mirror: next })} />
      <Check label={t('settings.selfHidden')} checked={selfHidden} onChange={(next) => prefer({ selfHidden: next })} />
      <Choice
        label={t('settings.language')}
        options={TONGUES}
        chosen={language()}
        choose={(next) => prefer({ language: next })}
      />
      <Choice
        label={t('settings.theme')}
        options={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        chosen={theme}
        choose={(next) => prefer({ theme: next })}
      />
      <Choice
        label={t('settings.captionSize')}
        options={CAPTION_SIZES.map((value) => ({ value, label: t(`size.${value}`) }))}
        chosen={captionSize}
        choose={(next) => prefer({ captionSize: next })}
      />
    </Dialog>
  );
}
