/**
 * The end of an item's records on a store that collects: each is told once when it may go, a day after the item may be
 * forgotten, and nobody deletes anything (G7: what is remembered is decided by HEAD's instant). An item that can be
 * redriven, or whose parent may still ask for it, is told only once it is forgotten.
 */
import { retentionAlarm } from "../domain/alarm.ts";
import { type Head, isEnded } from "../domain/head.ts";
import type { Item } from "../domain/item.ts";
import { DUE_KEY, ITEM_KEY, WHOLE_RANGE } from "../domain/keys.ts";
import { COLLECT_AFTER_MS, HEAD_OUTLIVES_MS } from "../domain/limits.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { writeDue } from "./alarms.ts";
import { inBatches } from "./batches.ts";
import type { Deps } from "./deps.ts";
import type { Expected, LiveRecords } from "./live.ts";
import { put } from "./records.ts";
import { rememberKey } from "./remember-key.ts";

const PAGE = 200;
const AT_ONCE = 10;

/** From when on the records of an item that ends so may go; null while that is open, or nobody's business but the sweeper's. */
export function expiry(deps: Deps, item: Item, head: Head): number | null {
  if (!deps.store.collects || head.rememberedUntilAtMs === null || !isFinal(item, head)) return null;
  return head.rememberedUntilAtMs + COLLECT_AFTER_MS;
}
/** The same of HEAD, for the commit that ends the item. */
export function headExpiry(deps: Deps, item: Item, head: Head): number | null {
  const expiresAtMs = expiry(deps, item, head);
  return expiresAtMs === null ? null : expiresAtMs + HEAD_OUTLIVES_MS;
}
/** Nothing brings it back, and nobody but its own callers asks for it. */
function isFinal({ parent }: Item, { status }: Head): boolean {
  return parent === null && (status.kind === "completed" || status.kind === "cancelled");
}

/**
 * `live.records` is the first page of the whole. Those that have been told stay as they are; DUE is its writer's. ITEM is
 * first: once it has expired the others mean nothing, whichever are still there.
 */
export async function expireRecords(deps: Deps, live: LiveRecords, expiresAtMs: number): Promise<void> {
  let page = live.records;
  await inBatches(page.filter(isItem), 1, (record) => expireOne(deps, record, expiresAtMs));
  for (;;) {
    await inBatches(
      page.filter((record) => !isItem(record)),
      AT_ONCE,
      (record) => expireOne(deps, record, expiresAtMs),
    );
    const last: StoredRecord | undefined = page.at(-1);
    if (last === undefined) return;
    page = await deps.store.read(live.partition, { from: `${last.sort}!`, to: WHOLE_RANGE.to }, PAGE);
  }
}
function isItem({ sort }: StoredRecord): boolean {
  return sort === ITEM_KEY;
}
/** A record that somebody else changes at this moment is theirs: whatever they do about the item sets its alarm again. */
async function expireOne(deps: Deps, record: StoredRecord, expiresAtMs: number): Promise<void> {
  if (record.sort === DUE_KEY || record.expiresAtMs !== undefined) return;
  await put(deps, { ...record, expiresAtMs }, record.revision);
}

/** Its blobs are deleted: now nothing is owed, and the rest may go. */
export async function expireForgotten(deps: Deps, live: LiveRecords, dueRevision: Expected): Promise<void> {
  const until = live.head.rememberedUntilAtMs;
  if (until === null || !isEnded(live.head.status)) return;
  const expiresAtMs = until + COLLECT_AFTER_MS;
  await expireRecords(deps, live, expiresAtMs);
  await rememberKey(deps, live.item, until, expiresAtMs);
  await writeDue(deps, live.partition, retentionAlarm(live.head, null), dueRevision, expiresAtMs);
}
