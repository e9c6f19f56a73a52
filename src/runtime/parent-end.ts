/**
 * What an item's end means to its children: those that go with it are sent a cancel, a page at a time. Their own
 * children follow when they end. Idempotent: the same end sends the same cancel.
 */
import { hasSucceeded } from "../domain/group.ts";
import { type EndedStatus, isEnded } from "../domain/head.ts";
import { itemPartition, type WorkId } from "../domain/ids.ts";
import { CHILD_RANGE } from "../domain/keys.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import { type ChildEntry, decodeChild } from "../wire/child.ts";
import { encodeInboxEntry } from "../wire/inbox.ts";
import { inBatches } from "./batches.ts";
import { deliver } from "./deliver.ts";
import type { Deps } from "./deps.ts";
import { sendHint } from "./hints.ts";
import { leavesOf } from "./leaves.ts";
import { type LiveRecords, readLive } from "./live.ts";

const CHILDREN_PAGE = 200;
const AT_ONCE = 16;

export async function cancelChildren(deps: Deps, parent: LiveRecords, status: EndedStatus): Promise<void> {
  const known = createLeafCache(deps, parent.partition);
  for await (const page of childPages(deps, parent.partition, CHILD_RANGE.from, CHILDREN_PAGE)) {
    const open: ChildEntry[] = [];
    for (const { child } of page) if (child.ifParentEnds === "cancel" && !(await known.hasSucceeded(child))) open.push(child);
    await inBatches(open, AT_ONCE, ({ workId }) => cancelChild(deps, parent.item.workId, status, workId));
  }
}

/** In the order of the digests of their keys. */
export async function* childPages(
  deps: Pick<Deps, "store">,
  partition: string,
  from: string,
  size: number,
): AsyncGenerator<{ readonly sort: string; readonly child: ChildEntry }[]> {
  for (let next = from; ; ) {
    const page = await deps.store.read(partition, { from: next, to: CHILD_RANGE.to }, size);
    if (page.length > 0) yield page.map((record) => ({ sort: record.sort, child: decodeChild(record) }));
    const last: StoredRecord | undefined = page.at(-1);
    if (last === undefined || page.length < size) return;
    next = `${last.sort}!`;
  }
}

/** The leaves of a group are read once, when a child of it is met: what they say of a success stays true. */
function createLeafCache(deps: Deps, partition: string) {
  const groups = new Map<string, Map<string, string>>();
  return {
    async hasSucceeded({ group }: ChildEntry): Promise<boolean> {
      if (group === null) return false;
      const leaves = groups.get(group.name) ?? new Map<string, string>();
      if (!groups.has(group.name)) {
        for await (const { leaf, marks } of leavesOf(deps, partition, group.name)) leaves.set(leaf, marks);
        groups.set(group.name, leaves);
      }
      const marks = leaves.get(group.slot.leaf);
      return marks !== undefined && hasSucceeded(marks, group.slot.index);
    },
  };
}

/** Also where the item is not there yet: should its start come to an end after all, it finds the cancel. */
async function cancelChild(deps: Deps, parentId: WorkId, status: EndedStatus, workId: WorkId): Promise<void> {
  const live = await readLive(deps, workId);
  if (live.item !== null && isEnded(live.head.status)) return;
  const id = `parent-ended.${status.endedAtMs}`;
  const reason = `its parent ${parentId} has ended: ${status.kind.replaceAll("_", "-")}`;
  const encode = (sentAtMs: number) => encodeInboxEntry({ id, sentAtMs, command: { kind: "cancel", reason } });
  const version = live.item === null ? 0 : live.head.version;
  const partition = itemPartition(deps.namespace, workId);
  await deliver(
    deps,
    partition,
    { kind: "command", id, fresh: false, digest: null, crowded: false, encode },
    version,
    deps.clock.nowMs(),
  );
  if (live.item !== null) await sendHint(deps, live.item, null, 0);
}
