/** Some at a time: as fast as the store allows, and no more in memory than that. */
export async function inBatches<T>(all: readonly T[], size: number, act: (one: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < all.length; from += size) await Promise.all(all.slice(from, from + size).map(act));
}

/** Lets so many act at once; the others wait, first come first served. */
export function createGate(size: number): <T>(act: () => Promise<T>) => Promise<T> {
  const waiting = new Set<() => void>();
  let free = size;
  return async (act) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.add(resolve));
    try {
      return await act();
    } finally {
      const [next] = waiting;
      if (next === undefined) free += 1;
      else {
        waiting.delete(next);
        next();
      }
    }
  };
}
