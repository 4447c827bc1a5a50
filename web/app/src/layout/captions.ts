/** What is said, in writing: one line for each utterance, which changes until it is final. */

/** Words of one speaker, as the server's `caption` says them. */
export interface Said {
  participant_id: string;
  text: string;
  final: boolean;
  /** Milliseconds since the call began. */
  start_ms: number;
  end_ms: number;
}

export interface Line {
  key: string;
  participantId: string;
  /** As it was then: whoever spoke may have left since. */
  name: string;
  text: string;
  startMs: number;
  final: boolean;
  /** When it changed last, by our own clock. */
  at: number;
}

/** The most lines that are kept: two hours of lively talk. */
const MOST = 2_000;

/** How long a line stays in the captions after its last change. */
const SHOWN_MS = 7_000;

/** More than these at once cover the pictures. */
const AT_ONCE = 3;

/** Takes words in: they replace what the same speaker was saying, as long as that was not final. */
export function hear(lines: readonly Line[], said: Said, name: string, now: number): readonly Line[] {
  const { participant_id: participantId, text, final, start_ms: startMs } = said;
  const open = lines.findLastIndex((line) => line.participantId === participantId && !line.final);
  const rest = open < 0 ? lines : lines.toSpliced(open, 1);
  if (text.trim() === '') return rest;
  const before = lines[open];
  const line: Line = { key: before?.key ?? `${participantId}/${startMs}`, participantId, name, text, startMs, final, at: now };
  const next = open < 0 ? [...rest, line] : rest.toSpliced(open, 0, line);
  return next.slice(-MOST);
}

/** The lines that captions show now, the latest last. */
export const shownAt = (lines: readonly Line[], now: number): readonly Line[] =>
  lines.slice(-2 * AT_ONCE).filter(({ at }) => now - at < SHOWN_MS).slice(-AT_ONCE);

/** Lines that follow each other by the same person, who is named once for all of them. */
export function turns(lines: readonly Line[]): readonly (readonly Line[])[] {
  const turns: Line[][] = [];
  for (const line of lines) {
    const last = turns.at(-1);
    if (last?.[0]?.participantId === line.participantId) last.push(line);
    else turns.push([line]);
  }
  return turns;
}

/** The lines in which all of these words stand, in the text or as the speaker's name. */
export function search(lines: readonly Line[], typed: string): readonly Line[] {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return lines;
  return lines.filter(({ text, name }) => {
    const all = `${name} ${text}`.toLocaleLowerCase();
    return words.every((word) => all.includes(word));
  });
}
