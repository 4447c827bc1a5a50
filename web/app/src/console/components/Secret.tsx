/** What is shown once, and so is better copied than read. */
import type { ComponentChildren } from 'preact';
import { Button } from '../../components/Button/Button';
import { toast } from '../../state/toasts';
import { t } from '../words/t';

export function Secret({ of: secret, children }: { of: string; children: ComponentChildren }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      toast(t('secret.copied'));
    } catch {
      toast(t('secret.notCopied'), { tone: 'bad' });
    }
  };
  return (
    <div class="console__secret">
      <p role="status">
        {children} <code dir="ltr">{secret}</code>
      </p>
      <Button size="small" onClick={() => void copy()}>
        {t('secret.copy')}
      </Button>
    </div>
  );
}
