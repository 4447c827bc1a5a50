/** Questions by id that many ask at once, as the rows of a table do. */

interface Source<T> {
  /** The newest of them. */
  list: () => Promise<ReadonlyMap<string, T>>;
  single: (id: string) => Promise<T>;
}

/** Where several are wanted at the same moment they are looked for in the list, and asked for singly where they are not in it. */
export function together<T>({ list, single }: Source<T>): (id: string) => Promise<T> {
  let wanted = 0;
  let listed: Promise<ReadonlyMap<string, T>> | null = null;
  const answer = () => {
    const several = wanted > 1;
    [wanted, listed] = [0, null];
    return several ? list() : new Map<string, T>();
  };
  return async (id) => {
    wanted += 1;
    listed ??= Promise.resolve().then(answer); // by then the others of this moment have asked too
    return (await listed).get(id) ?? single(id);
  };
}

/** Asks for each but once; what could not be had and what still changes is asked for anew the next time. */
export function once<T>(ask: (id: string) => Promise<T>, lasts: (answer: T) => boolean): (id: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (id) => {
    const before = known.get(id);
    if (before) return before;
    const asked = ask(id);
    known.set(id, asked);
    asked.then(lasts, () => false).then((lasting) => lasting || known.delete(id));
    return asked;
  };
}
