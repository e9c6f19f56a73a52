/**
 * What follows an end: the parent is told, the children that go with the item are cancelled, the key is told until when
 * it is remembered, and DUE, set for that instant, says that all is done. Idempotent, and safe without a lease: HEAD's
 * end only changes by a redrive, whose sender moves DUE.
 */
import { inboxAlarm, isAlarmSet, retentionAlarm } from "../domain/alarm.ts";
import { type EndedStatus, isEnded } from "../domain/head.ts";
import { itemPartition } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { COMMAND_RANGE, INBOX_RANGE } from "../domain/keys.ts";
import { ringBy, writeDue } from "./alarms.ts";
import { tellParent } from "./child-end.ts";
import type { Deps } from "./deps.ts";
import { expireRecords, expiry } from "./expiry.ts";
import { type LiveRecords, readDue, readLive } from "./live.ts";
import { cancelChildren } from "./parent-end.ts";
import { rememberKey } from "./remember-key.ts";

/** False when the item is not ended after all, or something came in: decide afresh. */
export async function settle(deps: Deps, item: Item): Promise<boolean> {
  let told: EndedStatus | null = null;
  for (;;) {
    const partition = itemPartition(item.namespace, item.workId);
    const { due, revision } = await readDue(deps, partition);
    const live = await readLive(deps, item.workId, { whole: deps.store.collects });
    if (live.item === null || !isEnded(live.head.status) || live.inbox.length > 0) return false;
    const until = live.head.rememberedUntilAtMs;
    const { status } = live.head;
    // What the parent was told here came perhaps after what it was told of a later end: it is told of that one again.
    const stale = told !== null && told.endedAtMs !== status.endedAtMs;
    if (until === null || (isAlarmSet(due, "retention") && !stale)) return true;
    told = status;
    await tellParent(deps, item, status);
    if (live.hasChildren) await cancelChildren(deps, live, status);
    const expiresAtMs = expiry(deps, item, live.head);
    await rememberKey(deps, item, until, expiresAtMs);
    if (expiresAtMs !== null) await expireRecords(deps, live, expiresAtMs);
    // Whoever may be redriven, or has blobs, is looked at once more when it may be forgotten.
    const forgetAtMs = expiresAtMs !== null && !live.hasBlobs ? null : until;
    if (!(await writeDue(deps, partition, retentionAlarm(live.head, forgetAtMs), revision, expiresAtMs)).ok) continue;
    // Whoever saw an alarm that was early enough wrote none: what they sent is looked for, and the alarm written, last.
    if (!(await cameMeanwhile(deps, live, expiresAtMs !== null))) return true;
    await ringBy(deps, partition, inboxAlarm(live.head.version, deps.clock.nowMs()));
    return false;
  }
}

/** A command; or a signal that nobody will read, but that was not told when it may go. */
async function cameMeanwhile(deps: Deps, { partition, head }: LiveRecords, expires: boolean): Promise<boolean> {
  const range = { from: COMMAND_RANGE.from, to: expires ? INBOX_RANGE.to : COMMAND_RANGE.to };
  const records = await deps.store.read(partition, range);
  return records.some(({ sort, expiresAtMs }) =>
    sort < COMMAND_RANGE.to ? !head.consumed.includes(sort) : expiresAtMs === undefined,
  );
}
