/**
 * Blobs of a store whose records collect themselves: that an item has some is on record before the first of them is
 * written, or nobody would delete them with it.
 */
import { BLOBS_KEY } from "../domain/keys.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Deps } from "./deps.ts";
import { put } from "./records.ts";

/** Owners whose mark this process has written or seen; the oldest are forgotten, and asked about again. */
const REMEMBERED = 10_000;

export function markBlobs(deps: Deps): BlobStore {
  const marked = new Set<string>();
  async function mark(owner: string): Promise<void> {
    if (marked.has(owner)) return;
    // One that is there already is as good.
    await put(deps, { partition: owner, sort: BLOBS_KEY, body: { v: 1 }, data: null }, "absent");
    marked.add(owner);
    for (const oldest of marked) {
      if (marked.size <= REMEMBERED) return;
      marked.delete(oldest);
    }
  }
  return {
    ...deps.blobs,
    put: async (owner, content) => {
      await mark(owner);
      return deps.blobs.put(owner, content);
    },
  };
}
