/** What the server counts, by subject and in words; the rest is for who knows Prometheus. */
import { language, type Key } from '../words/t';
import { bytes } from './format';
import { total, type Sample } from './prometheus';

/** A moment's counters. */
export interface Moment {
  at: number;
  samples: Sample[];
}

type Look = 'count' | 'bytes' | 'seconds' | 'yes';

interface Figure {
  label: Key;
  /** What never happened is not told: it is none. */
  name: string;
  labels?: Record<string, string>;
  look?: Look;
  /** Anything but none is bad. */
  bad?: boolean;
}

interface Plot {
  label: Key;
  unit: Key;
  name: string;
  /** Of a counter what it gained each second. */
  rate?: boolean;
  scale?: number;
}

export interface Subject {
  title: Key;
  figures: readonly Figure[];
  plots?: readonly Plot[];
}

/** In the order in which somebody wants to know them. */
export const SUBJECTS: readonly Subject[] = [
  {
    title: 'server.calls',
    figures: [
      { label: 'server.callsNow', name: 'calls_actors', labels: { actor: 'call' } },
      { label: 'server.peopleNow', name: 'calls_actors', labels: { actor: 'participant' } },
      { label: 'server.sockets', name: 'calls_signaling_sockets' },
      { label: 'server.ended', name: 'calls_ended_total' },
      { label: 'server.freezes', name: 'calls_freezes_total' },
    ],
    plots: [{ label: 'server.sockets', unit: 'unit.count', name: 'calls_signaling_sockets' }],
  },
  {
    title: 'server.network',
    figures: [
      { label: 'server.tcp', name: 'calls_tcp_connections' },
      { label: 'server.strays', name: 'calls_udp_dropped_datagrams_total' },
      { label: 'server.unsent', name: 'calls_egress_dropped_datagrams_total' },
      { label: 'server.relays', name: 'calls_turn_allocations' },
      { label: 'server.relayed', name: 'calls_turn_relayed_bytes_total', look: 'bytes' },
    ],
    plots: [
      { label: 'server.received', unit: 'unit.perSecond', name: 'calls_udp_received_datagrams_total', rate: true },
      { label: 'server.sent', unit: 'unit.perSecond', name: 'calls_udp_sent_datagrams_total', rate: true },
    ],
  },
  {
    title: 'server.recordings',
    figures: [
      { label: 'server.recordingsNow', name: 'calls_recorders' },
      { label: 'server.unsettled', name: 'calls_recordings_unsettled' },
      { label: 'server.recordingsFailed', name: 'calls_recordings_failed_total', bad: true },
      { label: 'server.diskFull', name: 'calls_recording_disk_full', look: 'yes', bad: true },
      { label: 'server.transcribed', name: 'calls_transcribed_calls' },
      { label: 'server.behind', name: 'calls_speech_behind_seconds', look: 'seconds' },
    ],
  },
  {
    title: 'server.webhooks',
    figures: [
      { label: 'server.deliveriesFailed', name: 'calls_webhook_deliveries_failed_total', bad: true },
      { label: 'server.endpointsOff', name: 'calls_webhooks_disabled', bad: true },
    ],
  },
  {
    title: 'server.process',
    figures: [
      { label: 'server.memory', name: 'process_resident_memory_bytes', look: 'bytes' },
      { label: 'server.files', name: 'process_open_fds' },
      { label: 'server.requests', name: 'calls_http_requests_total' },
      { label: 'server.crashes', name: 'calls_actor_crashes_total', bad: true },
      { label: 'server.unwritten', name: 'calls_facts_waiting', bad: true },
      { label: 'server.unkept', name: 'calls_facts_lost_total', bad: true },
    ],
    plots: [{ label: 'server.cpu', unit: 'unit.percentOfCore', name: 'process_cpu_seconds_total', rate: true, scale: 100 }],
  },
];

/** A figure as it is read, and whether that is a bad sign. */
export function read({ name, labels, look = 'count', bad = false }: Figure, samples: readonly Sample[]): { text: string | boolean; bad: boolean } {
  const value = total(samples, name, labels) ?? 0;
  const worry = bad && value > 0;
  if (look === 'yes') return { text: value > 0, bad: worry };
  if (look === 'bytes') return { text: bytes(value), bad: worry };
  const style = look === 'seconds' ? { style: 'unit', unit: 'second', maximumFractionDigits: 1 } as const : {};
  return { text: new Intl.NumberFormat(language(), style).format(value), bad: worry };
}

/** What is drawn of a plot; one point tells nothing. */
export function pointsOf({ name, rate, scale = 1 }: Plot, past: readonly Moment[]): { at: number; value: number | null }[] {
  const level = past.map(({ at, samples }) => ({ at, value: total(samples, name) }));
  if (!rate) return level.length > 1 ? level : [];
  const gains = level.slice(1).map(({ at, value }, index) => {
    const { at: then, value: before } = level[index] ?? { at, value: null };
    const known = value !== null && before !== null && at > then;
    return { at, value: known ? (scale * Math.max(0, value - before) * 1000) / (at - then) : null };
  });
  return gains.length > 1 ? gains : [];
}

/** Everything of this server, by name; the classes of histograms are left out. */
export function listed(samples: readonly Sample[]): Sample[] {
  const key = ({ name, labels }: Sample) => `${name} ${JSON.stringify(labels)}`;
  const known = samples.filter(({ name }) => /^(calls|process)_/.test(name) && !name.endsWith('_bucket'));
  return known.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
