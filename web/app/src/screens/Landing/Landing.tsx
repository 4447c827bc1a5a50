/** The front door: start a meeting, or go to one. */
import { t } from '../../i18n/t';
import { Brand } from '../../components/Brand/Brand';
import { LanguagePicker } from '../../components/LanguagePicker/LanguagePicker';
import { JoinForm } from './JoinForm';
import { Mosaic } from './Mosaic';
import { StartForm } from './StartForm';
import './Landing.css';

export function Landing() {
  return (
    <div class="landing">
      <header class="landing__top">
        <Brand />
        <LanguagePicker />
      </header>
      <main class="landing__main">
        <div class="landing__words">
          <h1 class="landing__title">{t('landing.title')}</h1>
          <p class="landing__lead">{t('landing.lead')}</p>
          <Mosaic />
        </div>
        <div class="landing__card">
          <StartForm />
          <p class="landing__or">{t('landing.or')}</p>
          <JoinForm />
        </div>
      </main>
    </div>
  );
}
