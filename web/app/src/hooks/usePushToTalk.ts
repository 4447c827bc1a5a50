/** Whoever holds the space bar is heard for so long; of use to those who keep their microphone off. */
import { useEffect } from 'preact/hooks';
import { local } from '../state/devices';

/** What the space bar means something to by itself. */
const ITS_OWN = 'button, input, textarea, select, a, summary, video, audio, [tabindex], [contenteditable]';

const isBar = ({ code, ctrlKey, altKey, metaKey }: KeyboardEvent): boolean => code === 'Space' && !ctrlKey && !altKey && !metaKey;

/** Off together with the other shortcuts, as it needs no Ctrl (WCAG 2.1.4). */
export function usePushToTalk(enabled: boolean): void {
  useEffect(() => {
    if (!enabled) return;
    let talking = false;
    const pressed = (event: KeyboardEvent) => {
      const { track, on } = local.state.microphone;
      const taken = event.target instanceof Element && event.target.closest(ITS_OWN) !== null;
      if (!isBar(event) || event.repeat || taken || !track || on) return;
      event.preventDefault();
      talking = true;
      void local.turn('microphone', true);
    };
    const stop = () => {
      if (!talking) return;
      talking = false;
      void local.turn('microphone', false);
    };
    const released = (event: KeyboardEvent) => event.code === 'Space' && stop();
    addEventListener('keydown', pressed);
    addEventListener('keyup', released);
    addEventListener('blur', stop); // a key that is let go elsewhere is not heard of
    return () => {
      stop();
      removeEventListener('keydown', pressed);
      removeEventListener('keyup', released);
      removeEventListener('blur', stop);
    };
  }, [enabled]);
}
