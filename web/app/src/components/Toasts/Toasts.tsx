/** Short notes in a corner, read aloud when nothing else is being said. */
import { dismiss, toasts, type Toast } from '../../state/toasts';
import { t } from '../../i18n/t';
import { Button, IconButton } from '../Button/Button';
import './Toasts.css';

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite" aria-atomic="false">
      {toasts.value.map((toast) => (
        <Note key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Note({ toast: { id, text, tone, action } }: { toast: Toast }) {
  const act = () => {
    dismiss(id);
    action?.run();
  };
  return (
    <div class={`toast toast--${tone}`}>
      <p class="toast__text">{text}</p>
      {action && (
        <Button look="primary" size="small" onClick={act}>
          {action.label}
        </Button>
      )}
      <IconButton icon="close" label={t('app.close')} onClick={() => dismiss(id)} />
    </div>
  );
}
