/** Events and figures of a call as lines that people read. */
import type { Call, QualitySample, WireMember } from '@calls/sdk';
import type { Tone } from '../components/Badge';
import { said, t } from '../words/t';
import { bytes } from './format';
import type { Grown } from './growing';

/** An event as the server lists it. */
export interface Happened {
  event_id: string;
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

export interface Entry {
  key: string;
  /** Milliseconds since 1970. */
  at: number;
  about: 'call' | 'people' | 'devices' | 'recording' | 'transcription' | 'file' | 'quality' | 'layers';
  tone: Tone;
  text: string;
}

/** Below this a connection is bad; above that it is good again. */
const BAD = 2.5;
const GOOD = 3;

export type Names = (participantId: string) => string;

/** Who came in under which name. */
export function namesIn(events: readonly Happened[]): Map<string, string> {
  const joined = events.filter(({ type }) => type === 'participant.joined');
  return new Map(
    joined.map(({ data }) => {
      const { display_name, user_id } = data['member'] as { display_name: string | null; user_id: string };
      return [String(data['participant_id']), display_name || user_id];
    }),
  );
}

/** Everybody who is in a call or was. Of one that goes on the server lists who is inside; who left stands in its events. */
export function peopleOf({ status, participants }: Pick<Call, 'status' | 'participants'>, events: readonly Happened[]): readonly WireMember[] {
  if (status === 'ended') return participants;
  const inside = new Set(participants.map(({ participant_id }) => participant_id));
  const came = new Map<string, WireMember>();
  for (const { type, timestamp, data } of events) {
    const participant_id = String(data['participant_id']);
    if (inside.has(participant_id)) continue;
    if (type === 'participant.joined') came.set(participant_id, { ...(data['member'] as WireMember), participant_id });
    const known = came.get(participant_id);
    if (known && type === 'participant.role_changed') came.set(participant_id, { ...known, role: data['role'] as WireMember['role'] });
    if (known && type === 'participant.left') {
      came.set(participant_id, { ...known, audio: false, video: false, screen: false, left_at: timestamp });
    }
  }
  return [...participants, ...[...came.values()].filter(({ left_at }) => left_at)];
}

/**
 * Since when a call that goes on is empty; null where it is not, or where the events do not tell yet when the last one left: none do
 * before all of them are there. Whom the others do not learn of keeps no call going.
 */
export function emptySince(status: Call['status'], people: readonly WireMember[], told: Grown<Happened> | null): string | null {
  if (!told?.complete) return null;
  const seen = people.filter(({ hidden }) => !hidden);
  if (status !== 'active' || seen.some(({ left_at }) => !left_at)) return null;
  const known = new Set(people.map(({ participant_id }) => participant_id));
  if ([...namesIn(told.rows).keys()].some((id) => !known.has(id))) return null;
  return seen.flatMap(({ left_at }) => left_at ?? []).reduce<string | null>((last, at) => (last && Date.parse(last) > Date.parse(at) ? last : at), null);
}

const SUBJECTS: readonly [prefix: string, about: Entry['about']][] = [
  ['participant.media_changed', 'devices'],
  ['participant.', 'people'],
  ['recording.', 'recording'],
  ['transcription.', 'transcription'],
  ['file.', 'file'],
  ['call.', 'call'],
];

/** What each event says; those that only repeat others, or that nobody reads here, say nothing. */
export function tell(events: readonly Happened[], name: Names): Entry[] {
  const before = new Map<string, Devices>();
  return events.flatMap(({ event_id, type, timestamp, data }): Entry[] => {
    const about = SUBJECTS.find(([prefix]) => type.startsWith(prefix))?.[1];
    const text = about === 'devices' ? devices(data, name, before) : line(type, data, name);
    if (type === 'participant.joined') before.set(String(data['participant_id']), sources(data['member']));
    if (!about || !text) return [];
    return [{ key: event_id, at: Date.parse(timestamp), about, tone: toneOf(type), text }];
  });
}

function line(type: string, data: Record<string, unknown>, name: Names): string | null {
  const who = name(String(data['participant_id'] ?? ''));
  switch (type) {
    case 'participant.joined':
      return t('timeline.joined', { name: who });
    case 'participant.left':
      return t('timeline.left', { name: who, reason: said('leave', String(data['reason'])) });
    case 'participant.role_changed':
      return t('timeline.role', { name: who, role: said('role', String(data['role'])) });
    case 'call.ended':
      return t('timeline.ended', { reason: said('reason', String(data['reason'])) });
    case 'file.shared': {
      const file = data['file'] as { name: string; size_bytes: number; from: string };
      return t('timeline.fileShared', { name: name(file.from), file: file.name, size: bytes(file.size_bytes) });
    }
    default: {
      const known = said('event', type);
      return known === type || type === 'transcription.utterance' ? null : known;
    }
  }
}

interface Devices {
  audio: boolean;
  video: boolean;
  screen: boolean;
}

const KINDS = ['audio', 'video', 'screen'] as const;

function sources(member: unknown): Devices {
  const { audio, video, screen } = (member ?? {}) as Partial<Devices>;
  return { audio: audio === true, video: video === true, screen: screen === true };
}

/** What somebody switched on or off. */
function devices(data: Record<string, unknown>, name: Names, known: Map<string, Devices>): string | null {
  const id = String(data['participant_id']);
  const now = sources(data['member']);
  const was = known.get(id) ?? { audio: false, video: false, screen: false };
  known.set(id, now);
  const changes = KINDS.filter((kind) => was[kind] !== now[kind]).map((kind) =>
    t(now[kind] ? 'timeline.on' : 'timeline.off', { what: t(`person.${kind}`) }),
  );
  return changes.length > 0 ? t('timeline.devicesOf', { name: name(id), changes: changes.join(', ') }) : null;
}

const toneOf = (type: string): Tone => (/failed|interrupted/.test(type) ? 'bad' : 'plain');

/** When somebody's connection went bad, and when it was good again. */
export function spells(samples: readonly QualitySample[], name: Names): Entry[] {
  const bad = new Set<string>();
  const ordered = [...samples].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return ordered.flatMap(({ at, participant_id, score, loss }): Entry[] => {
    const was = bad.has(participant_id);
    const entry = (tone: Tone, text: string): Entry => ({
      key: `${participant_id} ${at}`,
      at: Date.parse(at),
      about: 'quality',
      tone,
      text,
    });
    const values = { name: name(participant_id), score: score.toFixed(1), loss: Math.round(loss * 100) };
    if (!was && score < BAD) {
      bad.add(participant_id);
      return [entry('bad', t('timeline.bad', values))];
    }
    if (was && score >= GOOD) {
      bad.delete(participant_id);
      return [entry('good', t('timeline.good', values))];
    }
    return [];
  });
}
