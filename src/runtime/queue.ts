/**
 * The queue of a group that has a limit: whoever is `placed` first, then those in the leaves from `fromLeaf` on, in the
 * order of their starting. So many as the limit says from its head may be at work.
 *
 * The parent's snapshot, which says what leaves are closed, is read before the leaves.
 */
import { openSlots, type Slot } from "../domain/group.ts";
import { type Head, isEnded } from "../domain/head.ts";
import { itemPartition, type WorkId } from "../domain/ids.ts";
import { groupLimitKey, leafOrigin } from "../domain/keys.ts";
import type { Revision, Written } from "../ports/record-store.ts";
import { decodeGroupLimit, encodeGroupLimit, type GroupLimit } from "../wire/leaf.ts";
import type { Deps } from "./deps.ts";
import { groupDigest, type Leaf, leavesOf } from "./leaves.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { expiryOf, put, readOne } from "./records.ts";

export interface LimitRecord {
  readonly partition: string;
  readonly group: string;
  readonly limit: GroupLimit;
  readonly revision: Revision;
  readonly expires: { readonly expiresAtMs?: number };
}
export interface Queue extends LimitRecord {
  readonly parent: LiveRecords;
}

/** Null when the group has no limit. */
export async function readLimit(deps: Deps, partition: string, group: string): Promise<LimitRecord | null> {
  const record = await readOne(deps, partition, groupLimitKey(groupDigest(group)));
  if (record === null) return null;
  return { partition, group, limit: decodeGroupLimit(record), revision: record.revision, expires: expiryOf(record) };
}
export function writeLimit(deps: Deps, found: LimitRecord, limit: GroupLimit): Promise<Written> {
  const { partition, group, revision, expires } = found;
  return put(deps, { partition, sort: groupLimitKey(groupDigest(group)), ...encodeGroupLimit(limit), ...expires }, revision);
}
/** Null when the group has no limit, or its parent is gone. */
export async function readQueue(deps: Deps, parentId: WorkId, group: string): Promise<Queue | null> {
  const record = await readLimit(deps, itemPartition(deps.namespace, parentId), group);
  if (record === null) return null;
  const parent = await readLive(deps, parentId);
  return parent.item === null ? null : { ...record, parent };
}

/** Its step is committed: whoever is not listed in it by now is not waited for. */
export function isClosed(leaf: string, head: Head): boolean {
  return isEnded(head.status) || leafOrigin(leaf).version < head.version;
}
export function isAmong(slots: readonly Slot[], { leaf, index }: Slot): boolean {
  return slots.some((slot) => slot.leaf === leaf && slot.index === index);
}
/** Those who take up a place, in order, `except` for these. */
export function openIn({ leaf, marks }: Leaf, closed: boolean, except: readonly Slot[]): Slot[] {
  const slots = openSlots(marks, closed).map((index) => ({ leaf, index }));
  return except.length === 0 ? slots : slots.filter((slot) => !isAmong(except, slot));
}

/** Most often the one or two at the head of the queue say enough. */
const LEAVES_PAGE = 2;
export function leavesFrom(deps: Deps, { partition, group }: LimitRecord, from: string): AsyncGenerator<Leaf> {
  return leavesOf(deps, partition, group, from, LEAVES_PAGE);
}
