/** Something that an operator asks of the server, which may refuse. */
import { useState } from 'preact/hooks';
import { detailOf } from '../../state/detail';
import { toast } from '../../state/toasts';
import { t } from '../words/t';

export interface Deed {
  run: () => Promise<unknown>;
  then?: (() => void) | undefined;
}

/** Whether it is under way, and how to do it; a refusal is said. */
export function useDeed({ run, then }: Deed): [busy: boolean, doIt: () => Promise<void>] {
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
  return [busy, doIt];
}
