/** Keys that work anywhere in a meeting. All need Ctrl or ⌘, so no letter that somebody types can set one off. */
import { useEffect } from 'preact/hooks';

/** A letter, held with Ctrl or ⌘; `alt+` in front of it: with Alt too. */
export type Shortcuts = Readonly<Record<string, () => void>>;

const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');

const split = (shortcut: string) => ({ alt: shortcut.startsWith('alt+'), letter: shortcut.slice(-1).toUpperCase() });

/** For people: Ctrl+D, Ctrl+Alt+H. */
export function keysOf(shortcut: string): string {
  const { alt, letter } = split(shortcut);
  return isMac ? `⌘${alt ? '⌥' : ''}${letter}` : `Ctrl+${alt ? 'Alt+' : ''}${letter}`;
}

/** For `aria-keyshortcuts`. */
export function ariaKeys(shortcut: string): string {
  const { alt, letter } = split(shortcut);
  return `${isMac ? 'Meta' : 'Control'}+${alt ? 'Alt+' : ''}${letter}`;
}

/** Whoever switched them off is not disturbed by them (WCAG 2.1.4). */
export function useShortcuts(enabled: boolean, shortcuts: Shortcuts): void {
  useEffect(() => {
    if (!enabled) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.repeat || event.shiftKey || !(isMac ? event.metaKey : event.ctrlKey)) return;
      const run = shortcuts[(event.altKey ? 'alt+' : '') + event.code.replace(/^Key/, '').toLowerCase()];
      if (!run) return;
      event.preventDefault();
      run();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
}
