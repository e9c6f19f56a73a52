/** The inbox as its owner sees it: what a commit consumed is taken away before the next one. */

import type { InboxEntry, SignalEntry } from "../domain/inbox.ts";
import { COMMAND_RANGE, INBOX_RANGE, seenKeyOf } from "../domain/keys.ts";
import { INBOX_CONSUMED, INBOX_READ } from "../domain/limits.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { decodeInboxEntry, decodeSeen, decodeSignal, encodeSeen } from "../wire/inbox.ts";
import type { Deps } from "./deps.ts";
import { expiryOf, put, readOne } from "./records.ts";

/** Marks what was consumed as such, and removes it. Idempotent: whoever makes the next commit does it again. */
export async function settleConsumed(deps: Deps, partition: string, sorts: readonly string[]): Promise<void> {
  await Promise.all(sorts.map((sort) => settleOne(deps, partition, sort)));
}

async function settleOne(deps: Deps, partition: string, sort: string): Promise<void> {
  const entry = await readOne(deps, partition, sort);
  if (entry === null) return;
  const key = seenKeyOf(sort);
  const seen = await readOne(deps, partition, key);
  if (seen !== null)
    await put(
      deps,
      { partition, sort: key, ...encodeSeen({ ...decodeSeen(seen), consumed: true }), ...expiryOf(seen) },
      seen.revision,
    );
  await deps.store.remove(entry, entry.revision);
}

/**
 * The entries that were not consumed before. A sender that repeats itself may write an entry anew just after it was
 * taken away, so SEEN is read before a delivery.
 */
export async function notYetConsumed<T extends { readonly sort: string }>(
  deps: Deps,
  partition: string,
  entries: readonly T[],
): Promise<T[]> {
  const consumed = await Promise.all(entries.map((entry) => wasConsumed(deps, partition, entry.sort)));
  return entries.filter((_, i) => consumed[i] === false);
}
async function wasConsumed(deps: Deps, partition: string, sort: string): Promise<boolean> {
  const seen = await readOne(deps, partition, seenKeyOf(sort));
  return seen !== null && decodeSeen(seen).consumed;
}
/** True when this signal was consumed before, and came back by such a repeat; it is taken away again. */
export async function isStale(deps: Deps, partition: string, sort: string): Promise<boolean> {
  if (!(await wasConsumed(deps, partition, sort))) return false;
  await settleOne(deps, partition, sort);
  return true;
}

/** The commands that came in and no commit has consumed; for a heartbeat's look. */
export async function peekCommands(deps: Deps, partition: string, consumed: readonly string[]): Promise<InboxEntry[]> {
  const records = await deps.store.read(partition, COMMAND_RANGE, INBOX_CONSUMED + consumed.length);
  return records.filter((record) => !consumed.includes(record.sort)).map(decodeInboxEntry);
}

/** The unread signals behind a sort key, oldest first, without reading more than is asked for. */
export async function* signalsAfter(
  deps: Pick<Deps, "store">,
  partition: string,
  consumed: readonly string[],
  after: string,
): AsyncGenerator<SignalEntry> {
  for (let from = after < INBOX_RANGE.from ? INBOX_RANGE.from : `${after}!`; ; ) {
    const page = await deps.store.read(partition, { from, to: INBOX_RANGE.to }, INBOX_READ);
    for (const record of page) if (!consumed.includes(record.sort)) yield decodeSignal(record);
    const last: StoredRecord | undefined = page.at(-1);
    if (last === undefined || page.length < INBOX_READ) return;
    from = `${last.sort}!`;
  }
}
