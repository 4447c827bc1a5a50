/** Tells somebody who talks into a muted microphone that nobody hears it. */
import { meter } from '@calls/sdk';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/t';
import { local, localState } from '../state/devices';
import { toast } from '../state/toasts';

/** As loud as speech, on the scale of the meter. */
const SPEECH = 0.5;

/** Words have gaps: so many of the last looks, which are two seconds, and not a cough. */
const LOUD_LOOKS = 10;
const LOOKS = 30;

/** Said once, it is known for a while. */
const QUIET_MS = 30_000;

export function useMutedHint(): void {
  const { track, on } = localState.value.microphone;
  useEffect(() => {
    if (!track || on) return;
    const ear = track.clone(); // what is muted is silent; its twin is not, and goes nowhere
    ear.enabled = true;
    const looks: boolean[] = [];
    let toldAt = 0;
    const stop = meter(ear, (level) => {
      looks.push(level > SPEECH);
      if (looks.length > LOOKS) looks.shift();
      if (looks.filter(Boolean).length < LOUD_LOOKS || Date.now() - toldAt < QUIET_MS) return;
      toldAt = Date.now();
      const run = () => void local.turn('microphone', true);
      toast(t('meeting.youAreMuted'), { action: { label: t('control.microphoneOn'), run } });
    });
    return () => {
      stop();
      ear.stop();
    };
  }, [track, on]);
}
