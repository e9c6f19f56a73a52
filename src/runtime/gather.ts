/** Many small writes to one record, of one process, as few: whoever comes while one is under way goes with the next. */

interface Line<T> {
  /** Never rejects. */
  underWay: Promise<unknown>;
  next: { readonly all: T[]; readonly done: Promise<void> } | null;
}
/** `owner` and `key` name what is written; `flush` is given all that have gathered. */
export type Gather<T> = (owner: object, key: string, one: T, flush: (all: readonly T[]) => Promise<void>) => Promise<void>;

export function createGather<T>(): Gather<T> {
  const owners = new WeakMap<object, Map<string, Line<T>>>();
  return (owner, key, one, flush) => {
    const lines = owners.get(owner) ?? new Map<string, Line<T>>();
    owners.set(owner, lines);
    const line = lines.get(key) ?? { underWay: Promise.resolve(), next: null };
    lines.set(key, line);
    line.next ??= follow(line, flush, () => lines.delete(key));
    line.next.all.push(one);
    return line.next.done;
  };
}

function follow<T>(line: Line<T>, flush: (all: readonly T[]) => Promise<void>, onIdle: () => void): NonNullable<Line<T>["next"]> {
  const all: T[] = [];
  const done = line.underWay.then(() => {
    line.next = null;
    return flush(all);
  });
  const ended = done
    .catch(() => undefined)
    .then(() => {
      if (line.underWay === ended) onIdle();
    });
  line.underWay = ended;
  return { all, done };
}
