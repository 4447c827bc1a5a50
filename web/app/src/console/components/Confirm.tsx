/** Asks before something that cannot be undone, or that takes a while. */
import type { ComponentChildren } from 'preact';
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
  /** Nothing is lost by it. */
  mild?: boolean;
  /** What is chosen before it is done. */
  children?: ComponentChildren;
}

export function Confirm({ label, about, title, text, go, small, mild, children, ...deed }: ConfirmProps) {
  const [open, setOpen] = useState(false);
  const [busy, doIt] = useDeed(deed);
  return (
    <>
      <Button look={mild ? 'plain' : 'wary'} size={small ? 'small' : 'normal'} label={about && `${label}: ${about}`} onClick={() => setOpen(true)}>
        {label}
      </Button>
      {open && (
        <Dialog
          title={title}
          closed={() => setOpen(false)}
          foot={(close) => (
            <>
              <Button onClick={close}>{t('action.cancel')}</Button>
              <Button look={mild ? 'primary' : 'danger'} disabled={busy} onClick={() => void doIt().then(close)}>
                {go}
              </Button>
            </>
          )}
        >
          <p class="dialog__text">{text}</p>
          {children}
        </Dialog>
      )}
    </>
  );
}
