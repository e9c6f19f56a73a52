/** Writing records so that a lost answer is not taken for a lost race (DESIGN §2). */
import { RookeryError } from "../domain/errors.ts";
import { SECOND_MS } from "../domain/limits.ts";
import type { RecordDraft, Revision, StoredRecord, Written } from "../ports/record-store.ts";
import type { RecordContent } from "../wire/record.ts";
import { type Deps, pause } from "./deps.ts";

const FIRST_RETRY_MS = 50;

export interface Draft extends RecordContent {
  readonly partition: string;
  readonly sort: string;
  readonly due?: RecordDraft["due"];
  readonly listed?: RecordDraft["listed"];
  readonly expiresAtMs?: number;
}

/**
 * Puts a record if its revision is still `expected`. `token` is the writer's fencing token, 0 for none.
 *
 * That it was put is certain. A miss says what stands now: where an answer was lost, this very write may have stood before
 * it and been replaced since, so whoever misses decides afresh by what it finds.
 */
export async function put(deps: Deps, draft: Draft, expected: Revision | "absent", token = 0): Promise<Written> {
  const { partition, sort, body, data, due = null, listed = null, expiresAtMs } = draft;
  const writeId = writeIdOf(deps, token);
  const expires = expiresAtMs === undefined ? {} : { expiresAtMs };
  const record: RecordDraft = { partition, sort, body, data, due, listed, writeId, ...expires };
  const written = await patiently(deps, () => deps.store.write(record, expected));
  if (!written.ok && written.current?.writeId === record.writeId) return { ok: true, revision: written.current.revision };
  return written;
}

/** For what takes the place of a record: an item that has ended may be told of something, and goes when it was to go. */
export function expiryOf({ expiresAtMs }: StoredRecord): { readonly expiresAtMs?: number } {
  return expiresAtMs === undefined ? {} : { expiresAtMs };
}
/** Unique to a write; `token` is the writer's fencing token, 0 for none. */
export function writeIdOf({ nonce }: Pick<Deps, "nonce">, token: number): string {
  return `${token}.${nonce()}`;
}

/** One record by its key; null when there is none. */
export async function readOne(deps: Pick<Deps, "store">, partition: string, sort: string): Promise<StoredRecord | null> {
  const [record] = await deps.store.read(partition, { from: sort, to: `${sort}!` }, 1);
  return record ?? null;
}

/** Repeats what failed because a store or queue could not be reached, within `settings.patienceMs`. */
export async function patiently<T>(deps: Pick<Deps, "clock" | "settings">, call: () => Promise<T>): Promise<T> {
  let waitMs = FIRST_RETRY_MS;
  let leftMs = deps.settings.patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RookeryError) || !error.retryable || leftMs <= 0) throw error;
      await pause(deps.clock, Math.min(waitMs, leftMs));
      leftMs -= waitMs;
      waitMs = Math.min(2 * waitMs, SECOND_MS);
    }
  }
}
