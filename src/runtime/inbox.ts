/** The inbox as its owner sees it: what a commit consumed is taken away before the next one. */

import type { InboxEntry } from "../domain/inbox.ts";
import { INBOX_RANGE, seenKey } from "../domain/keys.ts";
import { INBOX_CONSUMED } from "../domain/limits.ts";
import { decodeInboxEntry, decodeSeen, encodeSeen } from "../wire/inbox.ts";
import type { Deps } from "./deps.ts";
import { put, readOne } from "./records.ts";

/** Marks what was consumed as such, and removes it. Idempotent: whoever makes the next commit does it again. */
export async function settleConsumed(deps: Deps, partition: string, sorts: readonly string[]): Promise<void> {
  await Promise.all(sorts.map((sort) => settleOne(deps, partition, sort)));
}

async function settleOne(deps: Deps, partition: string, sort: string): Promise<void> {
  const entry = await readOne(deps, partition, sort);
  if (entry === null) return;
  const { id } = decodeInboxEntry(entry);
  const key = seenKey(id);
  const seen = await readOne(deps, partition, key);
  if (seen !== null)
    await put(deps, { partition, sort: key, ...encodeSeen({ ...decodeSeen(seen), consumed: true }) }, seen.revision);
  await deps.store.remove(entry, entry.revision);
}

/**
 * The entries that were not consumed before. A sender that repeats itself may write an entry anew just after it was
 * taken away, so SEEN is read before a delivery.
 */
export async function notYetConsumed(deps: Deps, partition: string, entries: readonly InboxEntry[]): Promise<InboxEntry[]> {
  const consumed = await Promise.all(entries.map((entry) => wasConsumed(deps, partition, entry.id)));
  return entries.filter((_, i) => consumed[i] === false);
}
async function wasConsumed(deps: Deps, partition: string, id: string): Promise<boolean> {
  const seen = await readOne(deps, partition, seenKey(id));
  return seen !== null && decodeSeen(seen).consumed;
}

/** What came in and no commit has consumed; for a heartbeat's look. */
export async function peekInbox(deps: Deps, partition: string, consumed: readonly string[]): Promise<InboxEntry[]> {
  const records = await deps.store.read(partition, INBOX_RANGE, INBOX_CONSUMED + consumed.length);
  return records.filter((record) => !consumed.includes(record.sort)).map(decodeInboxEntry);
}
