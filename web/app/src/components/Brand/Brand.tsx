/** The sign above the door. */
import { t } from '../../i18n/t';
import './Brand.css';

export function Brand() {
  return (
    <span class="brand">
      <img class="brand__mark" src="/icon.svg" alt="" width="28" height="28" />
      {t('app.name')}
    </span>
  );
}
