/** Small readings of what people typed. */

/** One or two letters for an avatar. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? '')][0] ?? '?';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

/** A colour of one's own, as a hue in degrees: the same name, the same hue. */
export function hueOf(text: string): number {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return (hash * 137) % 360;
}

export interface Piece {
  text: string;
  href?: string;
}

/** Splits a message into words and web links; nothing else ever becomes a link. */
export function pieces(message: string): Piece[] {
  return message.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/g).flatMap((text): Piece[] => {
    if (!text) return [];
    return /^https?:\/\//.test(text) && URL.canParse(text) ? [{ text, href: text }] : [{ text }];
  });
}

/** The room that a link or a bare code names. */
export function roomIn(typed: string): { roomId: string; hash: string } | null {
  const text = typed.trim();
  const roomId = /(?:^|\/meet\/)(room_[a-z0-9]{1,64})(?=$|[/?#])/.exec(text)?.[1];
  if (!roomId) return null;
  return { roomId, hash: text.includes('#') ? text.slice(text.indexOf('#')) : '' };
}

interface Addressed {
  from: string;
  to?: string | null | undefined;
  file?: unknown;
}

/** A message goes on with the one before, and names nobody again; a file for one person alone always says so itself. */
export const goesOn = (before: Addressed | undefined, { from, to, file }: Addressed): boolean =>
  before?.from === from && before.to === to && !(to && file);

/** Hours only when there are any: 4:07, 1:04:07. */
export function elapsed(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
