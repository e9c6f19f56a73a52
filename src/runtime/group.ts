/**
 * Telling an item that the group it waits for is as it wants it: once per wait, in its inbox (DESIGN §4, Children).
 *
 * G3: a child's end is in its leaf before the parent's snapshot is read, and the parent's snapshot is committed before
 *     the leaves are counted. So at least one of the two sees the other, whatever crashes; both may, and tell the same.
 */
import { countLeaves, type GroupCount, type GroupWait, isSatisfied } from "../domain/group.ts";
import type { Head } from "../domain/head.ts";
import { encodeInboxEntry } from "../wire/inbox.ts";
import { deliver } from "./deliver.ts";
import type { Deps } from "./deps.ts";
import { leavesOf } from "./leaves.ts";
import type { LiveRecords } from "./live.ts";
import { hintNext } from "./turns.ts";

/** The group that an item waits for, also beneath a pause. */
export function groupWaitOf({ status }: Head): GroupWait | null {
  const open = status.kind === "paused" ? status.beneath : status;
  return open.kind === "waiting" ? open.group : null;
}

/** When the item waits for a group that is as it wants it, tells it so, in its inbox. True: it was told, or has been. */
export async function tellIfSatisfied(deps: Deps, live: LiveRecords): Promise<boolean> {
  const wait = groupWaitOf(live.head);
  if (wait === null) return false;
  const { total, succeeded, failed } = await countGroup(deps, live.partition, wait.name);
  if (!isSatisfied(wait.until, { total, succeeded, failed })) return false;
  if (total === 0 && live.hasChildren)
    deps.logger.warn("waits for a group in which nobody was started", { workId: live.item.workId, group: wait.name });
  const { version } = live.head;
  const id = `children.${version}`;
  const command = { kind: "children", group: wait.name, version, succeeded, failed } as const;
  const encode = (sentAtMs: number) => encodeInboxEntry({ id, sentAtMs, command });
  await deliver(
    deps,
    live.partition,
    { kind: "command", id, fresh: false, digest: null, crowded: false, encode },
    version,
    deps.clock.nowMs(),
  );
  return true;
}

/** The same, for one who has a message in hand: in a limited group, a hint may be owed that a commit's sender did not send. */
export async function lookAtGroup(deps: Deps, live: LiveRecords): Promise<boolean> {
  if (await tellIfSatisfied(deps, live)) return true;
  const wait = groupWaitOf(live.head);
  if (wait !== null) await hintNext(deps, live.item.workId, wait.name);
  return false;
}

export async function countGroup(deps: Pick<Deps, "store">, partition: string, group: string): Promise<GroupCount> {
  let [total, succeeded, failed] = [0, 0, 0];
  for await (const { marks } of leavesOf(deps, partition, group)) {
    const count = countLeaves([marks]);
    total += count.total;
    succeeded += count.succeeded;
    failed += count.failed;
  }
  return { total, succeeded, failed };
}
