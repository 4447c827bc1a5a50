/** A button that asks the server for something harmless at once. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { detailOf } from '../../state/detail';
import { toast } from '../../state/toasts';
import { t } from '../words/t';

interface ActProps {
  label: string;
  about?: string;
  run: () => Promise<unknown>;
  then?: () => void;
}

export function Act({ label, about, run, then }: ActProps) {
  const [busy, setBusy] = useState(false);
  const doIt = async () => {
    setBusy(true);
    try {
      await run();
      then?.();
    } catch (error) {
      toast(t('action.failed', { detail: detailOf(error) }), { tone: 'bad' });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button size="small" disabled={busy} label={about && `${label}: ${about}`} onClick={() => void doIt()}>
      {label}
    </Button>
  );
}
