/** Which slot shows whom: the client's side of "nothing visible, nothing sent". */
import type { VideoSource, ViewSlot } from '../types';

/** A picture that is on screen, in device pixels. */
export interface Wanted {
  participantId: string;
  source: VideoSource;
  width: number;
  height: number;
}

/** Sizes are told in such steps, so that a window that is dragged does not send a frame for every pixel. */
const STEP = 16;

/**
 * Gives wanted pictures to slots. Who has a slot keeps it, since moving costs a key frame; newcomers take the free
 * ones in the order of the wish; who finds none is left out until there are more slots.
 */
export function assign(mids: readonly string[], before: readonly ViewSlot[], wanted: readonly Wanted[]): ViewSlot[] {
  const open = new Map(wanted.map((wish) => [keyOf(wish), wish]));
  const given = new Map<string, Wanted>();
  for (const { mid, participant_id, source } of before) {
    const key = `${participant_id}/${source}`;
    const wish = open.get(key);
    if (!wish || !mids.includes(mid) || given.has(mid)) continue;
    given.set(mid, wish);
    open.delete(key);
  }
  const rest = open.values();
  for (const mid of mids) {
    if (given.has(mid)) continue;
    const next = rest.next();
    if (next.done) break;
    given.set(mid, next.value);
  }
  return mids.flatMap((mid) => {
    const wish = given.get(mid);
    return wish ? [viewSlot(mid, wish)] : [];
  });
}

const keyOf = ({ participantId, source }: Wanted): string => `${participantId}/${source}`;

const stepped = (pixels: number): number => Math.ceil(pixels / STEP) * STEP;

function viewSlot(mid: string, { participantId, source, width, height }: Wanted): ViewSlot {
  return { mid, participant_id: participantId, source, width: stepped(width), height: stepped(height) };
}
