/** Which keys do what, and the switch that turns them off. */
import { keysOf } from '../../hooks/useShortcuts';
import { t } from '../../i18n/t';
import { KEYS } from '../../state/keys';
import { prefer, prefs } from '../../state/prefs';
import { Button } from '../Button/Button';
import { Check } from '../Check/Check';
import { Dialog } from '../Dialog/Dialog';
import './ShortcutsDialog.css';

const NAMES = Object.keys(KEYS) as (keyof typeof KEYS)[];

export function ShortcutsDialog({ close }: { close: () => void }) {
  const foot = (done: () => void) => (
    <Button look="primary" onClick={done}>
      {t('app.close')}
    </Button>
  );
  return (
    <Dialog title={t('shortcuts.title')} closed={close} foot={foot}>
      <dl class="shortcuts">
        {NAMES.map((name) => (
          <div class="shortcuts__row" key={name}>
            <dt>{t(`shortcuts.${name}`)}</dt>
            <dd>
              <kbd class="shortcuts__keys">{keysOf(KEYS[name])}</kbd>
            </dd>
          </div>
        ))}
        <div class="shortcuts__row">
          <dt>{t('shortcuts.talk')}</dt>
          <dd>
            <kbd class="shortcuts__keys">{t('shortcuts.space')}</kbd>
          </dd>
        </div>
      </dl>
      <Check label={t('shortcuts.on')} checked={prefs.value.shortcuts} onChange={(shortcuts) => prefer({ shortcuts })} />
    </Dialog>
  );
}
