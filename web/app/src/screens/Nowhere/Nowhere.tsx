/** A link that leads to no door, or to one that is not for strangers: what that means, and what to do about it. */
import { useEffect, useRef } from 'preact/hooks';
import { Brand } from '../../components/Brand/Brand';
import { Button } from '../../components/Button/Button';
import { Icon } from '../../components/Icon/Icon';
import { t } from '../../i18n/t';
import { go } from '../../state/route';
import type { Visit } from '../../state/visit';
import './Nowhere.css';

export function Nowhere({ visit, why }: { visit: Visit; why: 'not-found' | 'unauthorized' }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <main class="nowhere">
      <Brand />
      <span class="nowhere__mark">
        <Icon name={why === 'not-found' ? 'link' : 'lock'} size={34} />
      </span>
      <h1 class="nowhere__title" ref={title} tabIndex={-1}>
        {t(why === 'not-found' ? 'nowhere.notFound' : 'nowhere.unauthorized')}
      </h1>
      <p class="nowhere__text">{t(why === 'not-found' ? 'nowhere.notFoundText' : 'nowhere.unauthorizedText')}</p>
      <div class="nowhere__actions">
        <Button look="primary" onClick={() => go('/')}>
          {t('nowhere.start')}
        </Button>
        <Button onClick={() => visit.again()}>{t('nowhere.retry')}</Button>
      </div>
    </main>
  );
}
