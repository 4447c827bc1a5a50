/** The empty chair beside somebody who is alone. */
import { t } from '../../i18n/t';
import { copyInvite } from '../../state/invite';
import { Button } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import './InviteCard.css';

export function InviteCard() {
  return (
    <section class="invite">
      <Icon name="people" size={36} />
      <h2 class="invite__title">{t('meeting.alone')}</h2>
      <p class="invite__hint">{t('meeting.aloneHint')}</p>
      <Button look="primary" icon="link" onClick={copyInvite}>
        {t('meeting.copyLink')}
      </Button>
    </section>
  );
}
