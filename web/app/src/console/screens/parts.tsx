/** Small pieces that several screens show. */
import type { Call } from '@calls/sdk';
import { useEffect, useState } from 'preact/hooks';
import { Badge, type Tone } from '../components/Badge';
import { knownCall, roomName, type Known } from '../state/names';
import { follow, pathOf } from '../state/route';
import { said, t } from '../words/t';

const TONES: Record<string, Tone> = { active: 'good', ringing: 'busy', initiated: 'busy' };

/** The tail tells ids apart: they begin with the time. */
const tail = (id: string): string => `…${id.slice(-8)}`;

export function CallLink({ id, name }: { id: string; name?: string | undefined }) {
  return (
    <a href={pathOf('calls', id)} title={id} onClick={follow}>
      {name ?? tail(id)}
    </a>
  );
}

export function RecordingLink({ id, name }: { id: string; name?: string | undefined }) {
  return (
    <a href={pathOf('recordings', id)} title={id} onClick={follow}>
      {name ?? tail(id)}
    </a>
  );
}

export function RoomLink({ id, name }: { id: string | null; name?: string }) {
  if (!id) return <>{t('value.none')}</>;
  return (
    <a href={pathOf('rooms', id)} title={id} onClick={follow}>
      {name ?? tail(id)}
    </a>
  );
}

/** What is known by this id; undefined until it is. */
function useNamed<T>(ask: (id: string) => Promise<T>, id: string | null): T | undefined {
  const [found, setFound] = useState<T>();
  useEffect(() => {
    setFound(undefined);
    if (!id) return;
    let wanted = true;
    ask(id).then(
      (one) => wanted && setFound(one),
      () => undefined, // it is erased, or this key may not ask
    );
    return () => void (wanted = false);
  }, [ask, id]);
  return found;
}

export const useKnown = (callId: string): Known | undefined => useNamed(knownCall, callId);

/** A room by its name, where it is still there. */
export function RoomName({ id }: { id: string | null }) {
  const name = useNamed(roomName, id);
  return <RoomLink id={id} {...(name && { name })} />;
}

/** Its state, and what is made of it. */
export function Marks({ call }: { call: Call }) {
  const why = call.end_reason ? said('reason', call.end_reason) : null;
  return (
    <span class="console__marks">
      <Badge tone={TONES[call.status] ?? (call.end_reason === 'failed' ? 'bad' : 'plain')}>
        {why ?? said('status', call.status)}
      </Badge>
      {call.recording && <Badge tone="bad">{t('call.recorded')}</Badge>}
      {call.transcription && <Badge tone="busy">{t('call.transcribed')}</Badge>}
    </span>
  );
}
