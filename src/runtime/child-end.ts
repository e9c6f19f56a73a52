/**
 * What a child's end means to its parent: its slot is set, the parent is told when that was what it waited for, and in a
 * limited group the next ones have their turn. Idempotent: all of it sets, nothing counts up.
 *
 * A child that is redriven has ended for its parent until it ends again; then its slot says how it ended the last time.
 */
import { isAtWork, markEnded, mayDecide, mayMatter } from "../domain/group.ts";
import type { EndedStatus } from "../domain/head.ts";
import { itemPartition, type WorkId } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { HEAD_KEY } from "../domain/keys.ts";
import { decodeHead } from "../wire/head.ts";
import type { Deps } from "./deps.ts";
import { createGather } from "./gather.ts";
import { groupWaitOf, tellIfSatisfied } from "./group.ts";
import { sendHint } from "./hints.ts";
import { changeLeaf, type LeafPlace, leavesOf } from "./leaves.ts";
import { readLive } from "./live.ts";
import { readOne } from "./records.ts";
import { hintNext } from "./turns.ts";

interface End {
  readonly index: number;
  readonly succeeded: boolean;
}
const ends = createGather<End>();

/** Before the child's alarm says that all that follows its end is done. */
export async function tellParent(deps: Deps, { namespace, parent }: Item, status: EndedStatus): Promise<void> {
  if (parent === null || parent.group === null) return;
  const { name, slot } = parent.group;
  const partition = itemPartition(namespace, parent.workId);
  const place: LeafPlace = { partition, group: name, leaf: slot.leaf };
  const end: End = { index: slot.index, succeeded: status.kind === "completed" };
  await ends(deps.store, `${partition} ${slot.leaf} ${name}`, end, (all) => tellAll(deps, parent.workId, place, all));
}

async function tellAll(deps: Deps, parent: WorkId, place: LeafPlace, all: readonly End[]): Promise<void> {
  const change = (marks: string): string => all.reduce((next, { index, succeeded }) => markEnded(next, index, succeeded), marks);
  const marks = await changeLeaf(deps, place, change);
  if (marks === null) return;
  await tellWaiting(deps, parent, place, marks, all);
  // Also for one that was started before the group had a limit: it takes up a place.
  const slots = all.map(({ index }) => ({ leaf: place.leaf, index }));
  await hintNext(deps, parent, place.group, slots);
}

async function tellWaiting(deps: Deps, parent: WorkId, place: LeafPlace, marks: string, all: readonly End[]): Promise<void> {
  const record = await readOne(deps, place.partition, HEAD_KEY);
  const wait = record === null ? null : groupWaitOf(await decodeHead(record, deps.codec));
  if (wait === null || wait.name !== place.group) return;
  if (!all.some(({ succeeded }) => mayMatter(wait.until, marks, succeeded))) return;
  if (!all.some(({ succeeded }) => mayDecide(wait.until, succeeded)) && (await isSomebodyAtWork(deps, place))) return;
  const live = await readLive(deps, parent);
  if (live.item !== null && (await tellIfSatisfied(deps, live))) await sendHint(deps, live.item, null, 0);
}

const LEAVES_PAGE = 2;

/**
 * Counting reads every leaf. Where leaves are small (a few children a step) each end may be the last of its own, and most
 * often somebody who was started next is at work: their end is the one that counts.
 */
async function isSomebodyAtWork(deps: Deps, { partition, group, leaf }: LeafPlace): Promise<boolean> {
  for await (const { marks } of leavesOf(deps, partition, group, leaf, LEAVES_PAGE)) if (isAtWork(marks)) return true;
  return false;
}
