/** In a group with a limit: hinting those whose turn has come, and putting those in the queue who are started once more. */
import { isListed, openSlots, type Slot } from "../domain/group.ts";
import type { WorkId } from "../domain/ids.ts";
import { type GroupLimit, type Members, PLACED_MOST } from "../wire/leaf.ts";
import { hasBegun } from "./admission.ts";
import { inBatches } from "./batches.ts";
import type { Deps } from "./deps.ts";
import { createGather } from "./gather.ts";
import { sendHint } from "./hints.ts";
import { readMarks, readMembers } from "./leaves.ts";
import { readLive } from "./live.ts";
import {
  isAmong,
  isClosed,
  type LimitRecord,
  leavesFrom,
  openIn,
  type Queue,
  readLimit,
  readQueue,
  writeLimit,
} from "./queue.ts";

const HINTED_AT_ONCE = 16;

const turns = createGather<readonly Slot[]>();

/** Hints those whose turn has come since the last time; those that have `ended` give up their places. */
export async function hintNext(deps: Deps, parentId: WorkId, group: string, ended: readonly Slot[] = []): Promise<void> {
  const name = `${deps.namespace}/${parentId} ${group}`;
  await turns(deps.store, name, ended, (all) => hintAll(deps, parentId, group, all.flat()));
}

async function hintAll(deps: Deps, parentId: WorkId, group: string, ended: readonly Slot[]): Promise<void> {
  for (;;) {
    const queue = await readQueue(deps, parentId, group);
    if (queue === null) return;
    const { limit } = queue;
    const placed = limit.placed.filter((slot) => !isAmong(ended, slot));
    const { due, ...next } = await whoseTurnItIs(deps, queue, placed);
    // An end is always written: of somebody who looked before it was in its leaf, and would place it now, nothing stands.
    if (due.length === 0 && ended.length === 0) return;
    await hintSlots(deps, queue, due);
    // Somebody else has hinted meanwhile, perhaps having seen less than we did.
    if ((await writeLimit(deps, queue, { ...limit, ...next, hinted: due.at(-1) ?? limit.hinted })).ok) return;
  }
}

type Turns = Pick<GroupLimit, "fromLeaf" | "placed"> & { readonly due: readonly Slot[] };

/**
 * Those within the limit that come after the last that was hinted. One that is not listed has no name yet: its start
 * hints it. The head of the queue moves past every closed leaf that has come to its turn as a whole, and whoever in it
 * has not ended is placed: so the ones that take long make nobody read the leaves of all that follow.
 */
async function whoseTurnItIs(deps: Deps, queue: Queue, placed: readonly Slot[]): Promise<Turns> {
  const { limit, hinted } = queue.limit;
  const due: Slot[] = [];
  const kept = [...placed];
  let { fromLeaf } = queue.limit;
  let open = placed.length;
  let passing = true;
  let last: readonly Slot[] = [];
  if (open >= limit) return { fromLeaf, placed, due };
  for await (const leaf of leavesFrom(deps, queue, fromLeaf)) {
    passing &&= kept.length + last.length <= PLACED_MOST;
    if (passing) {
      kept.push(...last);
      fromLeaf = leaf.leaf;
    }
    const closed = isClosed(leaf.leaf, queue.parent.head);
    passing &&= closed;
    last = openIn(leaf, closed, placed);
    for (const slot of last) {
      if (open++ >= limit || !isListed(leaf.marks, slot.index)) return { fromLeaf, placed: kept, due };
      if (hinted === null || isAfter(slot, hinted)) due.push(slot);
    }
  }
  return { fromLeaf, placed: kept, due };
}
function isAfter(a: Slot, b: Slot): boolean {
  return a.leaf === b.leaf ? a.index > b.index : a.leaf > b.leaf;
}

async function hintSlots(deps: Deps, { partition, group }: LimitRecord, slots: readonly Slot[]): Promise<void> {
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
    if (child.item !== null && !hasBegun(child)) await sendHint(deps, child.item, child.head, 0);
  });
}

/** A leaf of a group in which a step has listed somebody; `late`: in these slots, after the leaf was closed. */
export interface Again {
  readonly group: string;
  readonly leaf: string;
  readonly late: readonly Slot[];
}
/**
 * The head of a group's queue goes back to whoever is listed late, or was by an attempt that came to nothing. Those within
 * the limit by now keep their places before whoever is put in; nobody keeps one who is not listed any more.
 */
export async function putBack(deps: Deps, partition: string, group: string, again: readonly Again[]): Promise<void> {
  const late = again.flatMap((one) => one.late);
  for (;;) {
    const record = await readLimit(deps, partition, group);
    if (record === null) return;
    const { limit } = record;
    const placed = await withinLimit(deps, record, late);
    const [fromLeaf = ""] = [limit.fromLeaf, ...again.map(({ leaf }) => leaf)].sort();
    if (!(await writeLimit(deps, record, { ...limit, fromLeaf, hinted: null, placed })).ok) continue;
    await hintSlots(deps, record, placed);
    return;
  }
}
async function withinLimit(deps: Deps, record: LimitRecord, late: readonly Slot[]): Promise<Slot[]> {
  const { limit, fromLeaf, placed } = record.limit;
  const most = Math.min(limit, PLACED_MOST);
  const within: Slot[] = [];
  for (const slot of placed) {
    const marks = await readMarks(deps, { ...record, leaf: slot.leaf });
    if (marks !== null && openSlots(marks, true).includes(slot.index)) within.push(slot);
  }
  if (within.length >= most) return within;
  for await (const leaf of leavesFrom(deps, record, fromLeaf)) {
    within.push(...openIn(leaf, true, [...placed, ...late]));
    if (within.length >= most) break;
  }
  return within.slice(0, most);
}
