/** A window over the page: takes the focus, keeps it, gives it back; Escape closes it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import './Dialog.css';

interface DialogProps {
  title: string;
  /** It is closed, by whatever. */
  closed: () => void;
  children: ComponentChildren;
  /** Its buttons; the function closes it. */
  foot: (close: () => void) => ComponentChildren;
}

export function Dialog({ title, closed, children, foot }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby={id} onClose={closed}>
      <h2 class="dialog__title" id={id}>
        {title}
      </h2>
      {children}
      <div class="dialog__foot">{foot(() => ref.current?.close())}</div>
    </dialog>
  );
}
