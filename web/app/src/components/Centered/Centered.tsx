/** A screen with one thing to say, in the middle. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import './Centered.css';

interface CenteredProps {
  title: string;
  /** Above the title. */
  head?: ComponentChildren;
  text?: string | null;
  /** Told as it changes, without taking the focus. */
  live?: boolean;
  actions?: ComponentChildren;
}

export function Centered({ title, head, text, live = false, actions }: CenteredProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!live) heading.current?.focus();
  }, [live]);
  return (
    <main class="centered">
      {head}
      <div class="centered__words" role={live ? 'status' : undefined}>
        <h1 class="centered__title" ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {text && <p class="centered__text">{text}</p>}
      </div>
      {actions && <div class="centered__actions">{actions}</div>}
    </main>
  );
}
