/** A link that leads to no door, or to one that is not for strangers: what that means, and what to do about it. */
import { Brand } from '../../components/Brand/Brand';
import { Button } from '../../components/Button/Button';
import { Centered } from '../../components/Centered/Centered';
import { Icon } from '../../components/Icon/Icon';
import { t } from '../../i18n/t';
import { go } from '../../state/route';
import type { Visit } from '../../state/visit';
import './Nowhere.css';

export function Nowhere({ visit, why }: { visit: Visit; why: 'not-found' | 'unauthorized' }) {
  const missing = why === 'not-found';
  const head = (
    <>
      <Brand />
      <span class="nowhere__mark">
        <Icon name={missing ? 'link' : 'lock'} size={34} />
      </span>
    </>
  );
  const actions = (
    <>
      <Button look="primary" onClick={() => go('/')}>
        {t('nowhere.start')}
      </Button>
      <Button onClick={() => visit.again()}>{t('nowhere.retry')}</Button>
    </>
  );
  return (
    <Centered
      head={head}
      title={t(missing ? 'nowhere.notFound' : 'nowhere.unauthorized')}
      text={t(missing ? 'nowhere.notFoundText' : 'nowhere.unauthorizedText')}
      actions={actions}
    />
  );
}
