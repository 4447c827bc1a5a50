/** Who is on which page of the grid. Faces keep their places, as eyes look for them there. */

export interface Seating {
  /** Participant ids, first page first. */
  readonly order: readonly string[];
  /** When each of them spoke last, in milliseconds. */
  readonly spoke: ReadonlyMap<string, number>;
}

export const EMPTY: Seating = { order: [], spoke: new Map() };

/** Takes newcomers in at the end, and those who left out. */
export function seat(seating: Seating, present: readonly string[]): Seating {
  const kept = seating.order.filter((id) => present.includes(id));
  const fresh = present.filter((id) => !kept.includes(id));
  return { ...seating, order: [...kept, ...fresh] };
}

/**
 * Somebody speaks. From a later page they change places with the one of the first page who has been silent the
 * longest; on the first page nobody moves.
 */
export function spoke(seating: Seating, id: string, now: number, perPage: number): Seating {
  const times = new Map(seating.spoke).set(id, now);
  const from = seating.order.indexOf(id);
  if (from < perPage) return { order: seating.order, spoke: times };
  const to = quietest(seating, perPage);
  const order = [...seating.order];
  [order[to], order[from]] = [order[from] as string, order[to] as string];
  return { order, spoke: times };
}

function quietest({ order, spoke: times }: Seating, perPage: number): number {
  let quietest = 0;
  for (let place = 1; place < Math.min(perPage, order.length); place += 1) {
    const since = (at: number) => times.get(order[at] as string) ?? 0;
    if (since(place) <= since(quietest)) quietest = place;
  }
  return quietest;
}

/** One page of it; a page that is no longer there is the last one. */
export function page<T>(all: readonly T[], wanted: number, perPage: number): { items: T[]; page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(all.length / perPage));
  const index = Math.min(Math.max(0, wanted), pages - 1);
  return { items: all.slice(index * perPage, (index + 1) * perPage), page: index, pages };
}
