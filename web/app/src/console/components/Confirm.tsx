/** Asks before something that cannot be undone. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Dialog } from '../../components/Dialog/Dialog';
import { useDeed, type Deed } from '../state/deed';
import { t } from '../words/t';

interface ConfirmProps extends Deed {
  /** On the button that opens it. */
  label: string;
  /** What the button is about, where several look alike. */
  about?: string;
  title: string;
  text: string;
  /** On the button that does it. */
  go: string;
  small?: boolean;
}

export function Confirm({ label, about, title, text, go, small, ...deed }: ConfirmProps) {
  const [open, setOpen] = useState(false);
  const [busy, doIt] = useDeed(deed);
  return (
    <>
      <Button look="wary" size={small ? 'small' : 'normal'} label={about && `${label}: ${about}`} onClick={() => setOpen(true)}>
        {label}
      </Button>
      {open && (
        <Dialog
          title={title}
          closed={() => setOpen(false)}
          foot={(close) => (
            <>
              <Button onClick={close}>{t('action.cancel')}</Button>
              <Button look="danger" disabled={busy} onClick={() => void doIt().then(close)}>
                {go}
              </Button>
            </>
          )}
        >
          <p class="dialog__text">{text}</p>
        </Dialog>
      )}
    </>
  );
}
