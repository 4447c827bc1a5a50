/** A side panel: takes the focus when it opens, gives it back when it closes, and Escape closes it. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../../i18n/t';
import { IconButton } from '../Button/Button';
import './Panel.css';

interface PanelProps {
  title: string;
  close: () => void;
  children: ComponentChildren;
}

export function Panel({ title, close, children }: PanelProps) {
  const ref = useRef<HTMLElement>(null);
  // Before anything is painted: a key that comes at once is meant for the panel.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const first = ref.current?.querySelector<HTMLElement>('[data-autofocus]');
    (first ?? ref.current)?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <aside
      ref={ref}
      class="panel"
      aria-label={title}
      tabIndex={-1}
      onKeyDown={(event) => event.key === 'Escape' && close()}
    >
      <header class="panel__head">
        <h2 class="panel__title">{title}</h2>
        <IconButton icon="close" label={t('app.close')} onClick={close} />
      </header>
      {children}
    </aside>
  );
}
