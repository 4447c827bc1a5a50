/** Asks before something that cannot be undone. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Dialog } from '../../components/Dialog/Dialog';
import { detailOf } from '../../state/detail';
import { toast } from '../../state/toasts';
import { t } from '../words/t';

interface ConfirmProps {
  /** On the button that opens it. */
  label: string;
  /** What the button is about, where several look alike. */
  about?: string;
  title: string;
  text: string;
  /** On the button that does it. */
  go: string;
  run: () => Promise<unknown>;
  then?: () => void;
  small?: boolean;
}

export function Confirm({ label, about, title, text, go, run, then, small }: ConfirmProps) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const doIt = async (close: () => void) => {
    setBusy(true);
    try {
      await run();
      then?.();
    } catch (error) {
      toast(t('action.failed', { detail: detailOf(error) }), { tone: 'bad' });
    } finally {
      setBusy(false);
      close();
    }
  };
  return (
    <>
      <Button size={small ? 'small' : 'normal'} label={about && `${label}: ${about}`} onClick={() => setOpen(true)}>
        {label}
      </Button>
      {open && (
        <Dialog
          title={title}
          closed={() => setOpen(false)}
          foot={(close) => (
            <>
              <Button onClick={close}>{t('action.cancel')}</Button>
              <Button look="danger" disabled={busy} onClick={() => void doIt(close)}>
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
