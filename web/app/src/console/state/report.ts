/** The report of a recording as lines that people read: what is missing, where, and why. */
import type { Recording, Schemas } from '@calls/sdk';

export type Report = Schemas['RecordingReport'];

/** A stretch of the recording where somebody, or everybody, is missing. */
export interface Hole {
  from_ms: number;
  /** Null: nobody knows, or what was left out is not in the files at all. */
  to_ms: number | null;
  /** How much is missing in it, or was left out. */
  out_ms: number | null;
  /** Of how many gaps it is made. */
  gaps: number;
  /** Null: everybody. */
  who: { id: string; name: string; source: string } | null;
  reason: string;
}

/** Gaps of one source that follow each other as soon as that are told as one, with their sum; the server joins only those that touch. */
const NEAR_MS = 5_000;

/** A gap of these reasons was meant, by whoever paused, switched something off, took it back or left. */
const MEANT = new Set(['paused', 'no_media', 'unpublished', 'left']);

/** Who is who in the files, by what they were called when they came in. */
export function namesIn({ files }: Pick<Recording, 'files'>): (participantId: string, userId: string) => string {
  const names = new Map(files.map(({ participant_id, display_name }) => [participant_id, display_name]));
  return (participantId, userId) => names.get(participantId) || userId;
}

/** Where something is missing, in order: what was lost, and what was not there to be recorded. */
export function holes(report: Report, name: (participantId: string, userId: string) => string): { lost: Hole[]; meant: Hole[] } {
  const everybody = report.interruptions.map((gap): Hole => ({ ...spanOf(gap), who: null }));
  const single = report.tracks.flatMap(({ participant_id: id, user_id, source, gaps }) =>
    gaps.map((gap): Hole => ({ ...spanOf(gap), who: { id, name: name(id, user_id), source } })),
  );
  const found = together([...everybody, ...cuts(report.pauses), ...single].sort((a, b) => a.from_ms - b.from_ms));
  const meant = ({ reason }: Hole) => MEANT.has(reason);
  return { lost: found.filter((hole) => !meant(hole)), meant: found.filter(meant) };
}

const spanOf = ({ from_ms, to_ms, reason }: Schemas['Gap']): Omit<Hole, 'who'> => ({
  from_ms,
  to_ms: to_ms ?? null,
  out_ms: to_ms == null ? null : to_ms - from_ms,
  gaps: 1,
  reason,
});

/** Those of one source and one reason that are near each other as one. They come in order. */
function together(ordered: readonly Hole[]): Hole[] {
  const last = new Map<string, Hole>();
  return ordered.flatMap((hole): Hole[] => {
    const key = `${hole.who?.id} ${hole.who?.source} ${hole.reason}`;
    const before = last.get(key);
    if (before?.to_ms != null && hole.to_ms !== null && hole.from_ms - before.to_ms < NEAR_MS) {
      before.out_ms = (before.out_ms ?? 0) + (hole.out_ms ?? 0);
      before.to_ms = Math.max(before.to_ms, hole.to_ms);
      before.gaps += 1;
      return [];
    }
    const own = { ...hole };
    last.set(key, own);
    return [own];
  });
}

/** Pauses are told as if they had been kept; in the files each is a cut, and what comes later moves forward. */
function cuts(pauses: Report['pauses']): Hole[] {
  let before = 0;
  return [...pauses]
    .sort((a, b) => a.from_ms - b.from_ms)
    .map(({ from_ms, to_ms, reason }) => {
      const out_ms = to_ms == null ? null : to_ms - from_ms;
      const cut = { from_ms: from_ms - before, to_ms: null, out_ms, gaps: 1, who: null, reason };
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
