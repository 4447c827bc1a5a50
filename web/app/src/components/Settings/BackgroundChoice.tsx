/** What others see behind oneself. */
import { BACKGROUNDS, canReplaceBackground } from '@calls/sdk';
import { useRef } from 'preact/hooks';
import { t } from '../../i18n/t';
import { look } from '../../state/devices';
import { prefs } from '../../state/prefs';
import { toast } from '../../state/toasts';
import { Button } from '../Button/Button';
import { Choice } from '../Choice/Choice';

const OFFERED = canReplaceBackground();

export function BackgroundChoice() {
  const picker = useRef<HTMLInputElement>(null);
  if (!OFFERED) return null;
  const { background } = prefs.value;
  const picked = async (file: File | undefined) => {
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => null);
    if (picture) await look('image', picture);
    else toast(t('background.noPicture', { name: file.name }), { tone: 'bad' });
  };
  return (
    <>
      <Choice
        label={t('background.title')}
        options={BACKGROUNDS.map((value) => ({ value, label: t(`background.${value}`) }))}
        chosen={background}
        choose={(next) => void look(next)}
      />
      {background === 'image' && (
        <>
          <input
            ref={picker}
            type="file"
            accept="image/*"
            hidden
            onChange={(event) => void picked(event.currentTarget.files?.[0])}
          />
          <Button size="small" onClick={() => picker.current?.click()}>
            {t('background.own')}
          </Button>
        </>
      )}
    </>
  );
}
