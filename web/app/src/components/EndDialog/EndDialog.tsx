/** Asks whether the meeting is to end for everybody. */
import { t } from '../../i18n/t';
import { Button } from '../Button/Button';
import { Dialog } from '../Dialog/Dialog';

interface EndDialogProps {
  end: () => void;
  closed: () => void;
}

export function EndDialog({ end, closed }: EndDialogProps) {
  const foot = (close: () => void) => (
    <>
      <Button onClick={close}>{t('app.cancel')}</Button>
      <Button
        look="danger"
        onClick={() => {
          close();
          end();
        }}
      >
        {t('end.confirm')}
      </Button>
    </>
  );
  return (
    <Dialog title={t('end.title')} closed={closed} foot={foot}>
      <p class="dialog__text">{t('end.text')}</p>
    </Dialog>
  );
}
