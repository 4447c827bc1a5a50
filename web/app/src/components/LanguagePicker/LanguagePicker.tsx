/** For those whom the page speaks to in the wrong language: each is under its own name. */
import { LANGUAGES, isLanguage } from '../../i18n/languages';
import { language, t } from '../../i18n/t';
import { prefer } from '../../state/prefs';
import './LanguagePicker.css';

export function LanguagePicker() {
  const choose = (wanted: string) => isLanguage(wanted) && prefer({ language: wanted });
  return (
    <select
      class="language"
      aria-label={t('settings.language')}
      value={language()}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}
