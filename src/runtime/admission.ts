/**
 * The limit of a group: so many of its children are at work at once, in the order of their starting. A child that has not
 * begun may begin when fewer children than that are open before it. Otherwise its message is deleted, and whoever ends
 * before it hints it when its turn has come; its alarm stands in for a hint that was lost.
 *
 * Never more than the limit: what is open before a child only becomes less, and whoever is started once more, by a later
 * step than the one that lost it, comes after those who have a place by then. Whoever was started by an attempt that came
 * to nothing, and not again by the one that was committed, is not waited for, and does not begin as long as the parent is
 * open.
 */
import { isListed, type Slot } from "../domain/group.ts";
import { isEnded } from "../domain/head.ts";
import type { WorkId } from "../domain/ids.ts";
import type { Parent } from "../domain/item.ts";
import { leafOrigin } from "../domain/keys.ts";
import { attemptsOnRecord } from "../domain/lease.ts";
import type { Deps } from "./deps.ts";
import { type Leaf, readMarks } from "./leaves.ts";
import type { LiveRecords } from "./live.ts";
import { isAmong, isClosed, leavesFrom, openIn, readQueue } from "./queue.ts";

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
  const { limit, fromLeaf, placed } = queue.limit;
  const marks = await readMarks(deps, { partition: queue.partition, group: name, leaf: slot.leaf });
  if (marks === null || !isExpected({ leaf: slot.leaf, marks }, slot, queue.parent)) return false;
  if (isAmong(placed, slot)) return true;
  let before = placed.length;
  if (before >= limit) return false;
  // One that is before the head of the queue was listed by somebody who died before it could be put back.
  const from = slot.leaf < fromLeaf ? slot.leaf : fromLeaf;
  for await (const leaf of leavesFrom(deps, queue, from)) {
    if (leaf.leaf > slot.leaf) break;
    const open = openIn(leaf, isClosed(leaf.leaf, queue.parent.head), placed);
    before += leaf.leaf === slot.leaf ? open.filter(({ index }) => index < slot.index).length : open.length;
    if (before >= limit) return false;
  }
  return true;
}
/** It is waited for, or was started by the claim that still has the item, or nobody waits for anybody any more. */
function isExpected({ leaf, marks }: Leaf, { index }: Slot, { head, lease }: LiveRecords): boolean {
  if (isListed(marks, index) || isEnded(head.status)) return true;
  const { version, token } = leafOrigin(leaf);
  return version === head.version && token === Math.max(lease?.token ?? 0, head.token);
}
