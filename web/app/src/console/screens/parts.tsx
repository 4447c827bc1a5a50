/** Small pieces that several screens show. */
import type { Call, WireMember } from '@calls/sdk';
import { useEffect, useState } from 'preact/hooks';
import { Badge, type Tone } from '../components/Badge';
import { api, got } from '../state/api';
import { follow, pathOf } from '../state/route';
import { said, t } from '../words/t';

/** Names in a row; beyond this many, how many more. */
const NAMES = 4;

const TONES: Record<string, Tone> = { active: 'good', ringing: 'busy', initiated: 'busy' };

export const nameOf = ({ display_name, user_id }: WireMember): string => display_name || user_id;

export function namesOf(members: readonly WireMember[]): string {
  // Others in the call do not learn of who is hidden; whoever runs the server does, and is told that they do not.
  const named = (member: WireMember) => (member.hidden ? t('call.hiddenName', { name: nameOf(member) }) : nameOf(member));
  const names = members.slice(0, NAMES).map(named).join(', ');
  const rest = members.length - NAMES;
  return rest > 0 ? t('call.namesAndMore', { names, rest }) : names;
}

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

/** Rooms that were asked for, so that a table asks for each once. */
const rooms = new Map<string, Promise<string | undefined>>();

function roomName(id: string): Promise<string | undefined> {
  let name = rooms.get(id);
  if (!name) {
    const asked = got(api.GET('/api/v1/calls/rooms/{room_id}', { params: { path: { room_id: id } } }));
    name = asked.then(
      (room) => room.name,
      () => undefined, // deleted meanwhile: its id has to do
    );
    rooms.set(id, name);
  }
  return name;
}

/** What people know a call by. */
export interface Known {
  /** The name of its room, else of who was in it. */
  name: string;
  people: string;
}

/** Calls that were asked for, so that a table asks for each once. */
const calls = new Map<string, Promise<Known | undefined>>();

async function known(id: string): Promise<Known | undefined> {
  const call = await got(api.GET('/api/v1/calls/{call_id}', { params: { path: { call_id: id } } }));
  if (call.status !== 'ended') calls.delete(id); // others may come
  const people = namesOf(call.participants);
  const name = (call.room_id && (await roomName(call.room_id))) || people;
  return name ? { name, people } : undefined;
}

/** What people know this call by; undefined until that is known, where it is erased, and where the key may not ask. */
export function useKnown(id: string): Known | undefined {
  const [found, setFound] = useState<Known>();
  useEffect(() => {
    let wanted = true;
    const asked = calls.get(id) ?? known(id).catch(() => void calls.delete(id));
    calls.set(id, asked);
    void asked.then((one) => wanted && setFound(one));
    return () => void (wanted = false);
  }, [id]);
  return found;
}

/** A room by its name, where it is still there. */
export function RoomName({ id }: { id: string | null }) {
  const [name, setName] = useState<string>();
  useEffect(() => {
    if (id) void roomName(id).then(setName);
  }, [id]);
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
