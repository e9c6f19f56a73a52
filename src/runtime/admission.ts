/**
 * The limit of a group: so many of its children are at work at once, in the order of their starting. A child that has not
 * begun may begin when fewer children than that are open before it. Otherwise its message is deleted, and whoever ends
 * before it hints it when its turn has come; its alarm stands in for a hint that was lost.
 *
 * Never more than the limit: what is open before a child only becomes less. The parent's snapshot, which says what leaves
 * are closed, is read before the leaves. Whoever was started by an attempt that came to nothing, and not again by the one
 * that was committed, is not waited for, and does not begin as long as the parent is open.
 */
import { isListed, openSlots, type Slot } from "../domain/group.ts";
import { type Head, isEnded } from "../domain/head.ts";
import { itemPartition, type WorkId } from "../domain/ids.ts";
import type { Parent } from "../domain/item.ts";
import { groupLimitKey, leafOrigin } from "../domain/keys.ts";
import { attemptsOnRecord } from "../domain/lease.ts";
import { decodeGroupLimit, encodeGroupLimit, type GroupLimit, type Members } from "../wire/leaf.ts";
import { inBatches } from "./batches.ts";
import type { Deps } from "./deps.ts";
import { createGather } from "./gather.ts";
import { sendHint } from "./hints.ts";
import { groupDigest, type Leaf, leavesOf, readMarks, readMembers } from "./leaves.ts";
import { type LiveRecords, readLive } from "./live.ts";
import { put, readOne } from "./records.ts";

const LEAVES_PAGE = 16;
const HINTED_AT_ONCE = 16;

/** What a group with a limit looks like; null when it has none, or its parent is gone. */
interface Queue {
  readonly partition: string;
  readonly group: string;
  readonly parent: LiveRecords;
  readonly limit: GroupLimit;
  readonly revision: number;
}
async function readQueue(deps: Deps, parentId: WorkId, group: string): Promise<Queue | null> {
  const partition = itemPartition(deps.namespace, parentId);
  const record = await readOne(deps, partition, groupLimitKey(groupDigest(group)));
  if (record === null) return null;
  const parent = await readLive(deps, parentId);
  return parent.item === null ? null : { partition, group, parent, limit: decodeGroupLimit(record), revision: record.revision };
}

/** False for a child whose turn in its group has not come. */
export async function mayBegin(deps: Deps, live: LiveRecords): Promise<boolean> {
  const { parent } = live.item;
  if (parent === null || parent.group === null || !parent.group.limited || hasBegun(live)) return true;
  return isItsTurn(deps, parent.workId, parent.group);
}
export function hasBegun({ head, lease }: LiveRecords): boolean {
  return head.version > 0 || head.failures > 0 || attemptsOnRecord(head, lease) > 0;
}

async function isItsTurn(deps: Deps, parentId: WorkId, { name, slot }: NonNullable<Parent["group"]>): Promise<boolean> {
  const queue = await readQueue(deps, parentId, name);
  if (queue === null) return true;
  const { limit, fromLeaf } = queue.limit;
  const marks = await readMarks(deps, { partition: queue.partition, group: name, leaf: slot.leaf });
  if (marks === null || !isExpected({ leaf: slot.leaf, marks }, slot, queue.parent)) return false;
  let before = 0;
  for await (const leaf of leavesOf(deps, queue.partition, name, fromLeaf, LEAVES_PAGE)) {
    if (leaf.leaf > slot.leaf) break;
    const open = openSlots(leaf.marks, isClosed(leaf, queue.parent.head));
    before += leaf.leaf === slot.leaf ? open.filter((index) => index < slot.index).length : open.length;
    if (before >= limit) return false;
  }
  return true;
}
/** Its step is committed: whoever is not listed in it by now is not waited for. */
function isClosed({ leaf }: Leaf, head: Head): boolean {
  return isEnded(head.status) || leafOrigin(leaf).version < head.version;
}
/** It is waited for, or was started by the claim that still has the item, or nobody waits for anybody any more. */
function isExpected({ leaf, marks }: Leaf, { index }: Slot, { head, lease }: LiveRecords): boolean {
  if (isListed(marks, index) || isEnded(head.status)) return true;
  const { version, token } = leafOrigin(leaf);
  return version === head.version && token === Math.max(lease?.token ?? 0, head.token);
}

const turns = createGather<null>();

/** Hints those whose turn has come since the last time. */
export async function hintNext(deps: Deps, parentId: WorkId, group: string): Promise<void> {
  await turns(deps.store, `${deps.namespace}/${parentId} ${group}`, null, () => hintAll(deps, parentId, group));
}

async function hintAll(deps: Deps, parentId: WorkId, group: string): Promise<void> {
  for (;;) {
    const queue = await readQueue(deps, parentId, group);
    if (queue === null) return;
    const { fromLeaf, due } = await whoseTurnItIs(deps, queue);
    const last = due.at(-1);
    if (last === undefined) return;
    await hintSlots(deps, queue, due);
    const next = encodeGroupLimit({ limit: queue.limit.limit, fromLeaf, hinted: last });
    const written = await put(
      deps,
      { partition: queue.partition, sort: groupLimitKey(groupDigest(group)), ...next },
      queue.revision,
    );
    // Somebody else has hinted meanwhile, perhaps having seen less than we did.
    if (written.ok) return;
  }
}

/** Those within the limit that come after the last that was hinted. One that is not listed has no name yet: its start hints it. */
async function whoseTurnItIs(deps: Deps, { partition, group, parent, limit }: Queue): Promise<{ fromLeaf: string; due: Slot[] }> {
  const due: Slot[] = [];
  let fromLeaf: string | null = null;
  let open = 0;
  for await (const leaf of leavesOf(deps, partition, group, limit.fromLeaf, LEAVES_PAGE)) {
    const slots = openSlots(leaf.marks, isClosed(leaf, parent.head));
    if (slots.length > 0) fromLeaf ??= leaf.leaf;
    for (const index of slots) {
      if (open++ === limit.limit || !isListed(leaf.marks, index)) return { fromLeaf: fromLeaf ?? limit.fromLeaf, due };
      const slot = { leaf: leaf.leaf, index };
      if (limit.hinted === null || isAfter(slot, limit.hinted)) due.push(slot);
    }
  }
  return { fromLeaf: fromLeaf ?? limit.fromLeaf, due };
}
function isAfter(a: Slot, b: Slot): boolean {
  return a.leaf === b.leaf ? a.index > b.index : a.leaf > b.leaf;
}

async function hintSlots(deps: Deps, { partition, group }: Queue, slots: readonly Slot[]): Promise<void> {
  const found: WorkId[] = [];
  let at = "";
  let members: Members = new Map<number, WorkId>();
  for (const { leaf, index } of slots) {
    if (leaf !== at) members = await readMembers(deps, { partition, group, leaf });
    at = leaf;
    const workId = members.get(index);
    if (workId !== undefined) found.push(workId);
  }
  await inBatches(found, HINTED_AT_ONCE, async (workId) => {
    const child = await readLive(deps, workId);
    if (child.item !== null && !hasBegun(child)) await sendHint(deps, child.item, child.head.version, 0);
  });
}
