/** Some at a time: as fast as the store allows, and no more in memory than that. */
export async function inBatches<T>(all: readonly T[], size: number, act: (one: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < all.length; from += size) await Promise.all(all.slice(from, from + size).map(act));
}
