/** What is large: a pure choice from what everybody wishes. */

export type LayoutWish = 'auto' | 'grid' | 'speaker';

export interface StageWish {
  layout: LayoutWish;
  /** Whom the person pinned here. */
  pinned: string | null;
  /** Whom a moderator shows to everybody. */
  spotlight: string | null;
  /** Others who share a screen, the latest first. */
  presenters: readonly string[];
  /** Who of the others spoke last. */
  speaker: string | null;
}

export type Main = { shows: 'face' | 'screen'; id: string };

/**
 * The one that is large, or null for a grid. One's own pin goes before everything, as somebody chose it; then whom a moderator
 * shows; then, unless a grid is wished, a screen, which is there to be read; then, where that is wished, who speaks.
 */
export function mainOf({ layout, pinned, spotlight, presenters, speaker }: StageWish): Main | null {
  if (pinned) return { shows: presenters.includes(pinned) ? 'screen' : 'face', id: pinned };
  if (spotlight) return { shows: presenters.includes(spotlight) ? 'screen' : 'face', id: spotlight };
  const [presenter] = presenters;
  if (presenter && layout === 'auto') return { shows: 'screen', id: presenter };
  if (layout === 'speaker' && speaker) return { shows: 'face', id: speaker };
  return null;
}

/** Who raised a hand, first come first: those who are still up keep their places. */
export function handQueue(before: readonly string[], up: readonly string[]): readonly string[] {
  const kept = before.filter((id) => up.includes(id));
  return [...kept, ...up.filter((id) => !kept.includes(id))];
}
