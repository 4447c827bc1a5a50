/** The report of a recording as lines that people read: what is missing, where, and why. */
import type { Recording, Schemas } from '@calls/sdk';

export type Report = Schemas['RecordingReport'];

/** A stretch of the recording where somebody, or everybody, is missing. */
export interface Hole {
  from_ms: number;
  /** Null: nobody knows, or what was left out is not in the files at all. */
  to_ms: number | null;
  /** How much was left out. */
  out_ms: number | null;
  /** Null: everybody. */
  who: { name: string; source: string } | null;
  reason: string;
}

/** A gap of these reasons was meant, by whoever paused or switched something off. */
const MEANT = new Set(['paused', 'no_media']);

/** Who is who in the files, by what they were called when they came in. */
export function namesIn({ files }: Pick<Recording, 'files'>): (participantId: string, userId: string) => string {
  const names = new Map(files.map(({ participant_id, display_name }) => [participant_id, display_name]));
  return (participantId, userId) => names.get(participantId) || userId;
}

/** Where something is missing, in order. */
export function holes(report: Report, name: (participantId: string, userId: string) => string): Hole[] {
  const everybody = report.interruptions.map((gap): Hole => ({ ...spanOf(gap), who: null }));
  const single = report.tracks.flatMap(({ participant_id, user_id, source, gaps }) =>
    gaps.map((gap): Hole => ({ ...spanOf(gap), who: { name: name(participant_id, user_id), source } })),
  );
  return [...everybody, ...cuts(report.pauses), ...single].sort((a, b) => a.from_ms - b.from_ms);
}

const spanOf = ({ from_ms, to_ms, reason }: Schemas['Gap']): Omit<Hole, 'who'> => ({ from_ms, to_ms: to_ms ?? null, out_ms: null, reason });

/** Pauses are told as if they had been kept; in the files each is a cut, and what comes later moves forward. */
function cuts(pauses: Report['pauses']): Hole[] {
  let before = 0;
  return [...pauses]
    .sort((a, b) => a.from_ms - b.from_ms)
    .map(({ from_ms, to_ms, reason }) => {
      const out_ms = to_ms == null ? null : to_ms - from_ms;
      const cut = { from_ms: from_ms - before, to_ms: null, out_ms, who: null, reason };
      before += out_ms ?? 0;
      return cut;
    });
}

/** Nothing is missing that somebody did not leave out on purpose. */
export function whole(report: Report): boolean {
  const gaps = [...report.interruptions, ...report.tracks.flatMap((track) => track.gaps)];
  const lost = report.tracks.some(({ frames_unreadable, bursts_dropped }) => frames_unreadable + bursts_dropped > 0);
  const damaged = report.files_damaged.length + report.files_unknown + report.log_lines_unreadable > 0;
  return !lost && !damaged && gaps.every(({ reason }) => MEANT.has(reason));
}

/** Of what was sent, the share that never came, in percent. */
export function lostPercent({ packets_received, packets_lost }: Report['tracks'][number]): number {
  const sent = packets_received + packets_lost;
  return sent === 0 ? 0 : Math.round((1000 * packets_lost) / sent) / 10;
}
