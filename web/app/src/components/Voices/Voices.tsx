/** What is heard: one hidden element for each audio slot, and the way out when a browser will not play unasked. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../i18n/t';
import { speaker } from '../../state/devices';
import type { MeetingStore } from '../../state/meeting-store';
import { Banner } from '../Banner/Banner';
import { Button } from '../Button/Button';

/** The browser wants to be clicked before it makes a sound. */
const blocked = signal(false);

/** Each tries again when somebody clicks. */
const attempts = new Set<() => void>();

export function Voices({ store }: { store: MeetingStore }) {
  return (
    <>
      {store.voices.value.map((track) => (
        <VoiceOf key={track.id} track={track} sink={speaker.value} />
      ))}
    </>
  );
}

export function HearBanner() {
  if (!blocked.value) return null;
  const hear = () => {
    blocked.value = false;
    for (const attempt of attempts) attempt();
  };
  const action = (
    <Button look="primary" size="small" onClick={hear}>
      {t('meeting.hearOthers')}
    </Button>
  );
  return <Banner icon="speaker" tone="accent" action={action}>{null}</Banner>;
}

function VoiceOf({ track, sink }: { track: MediaStreamTrack; sink: string }) {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = new MediaStream([track]);
    const play = () => void audio.play().catch((error: Error) => (blocked.value ||= error.name === 'NotAllowedError'));
    attempts.add(play);
    play();
    return () => {
      attempts.delete(play);
      audio.srcObject = null;
    };
  }, [track]);
  useEffect(() => {
    const audio = ref.current;
    // Not every browser lets a page choose; the default speaker is then the speaker.
    if (audio && 'setSinkId' in audio) void audio.setSinkId(sink).catch(() => undefined);
  }, [sink]);
  return <audio ref={ref} hidden />;
}
