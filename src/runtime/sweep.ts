/**
 * The sweep: whatever is due is looked at, what is owed is sent, and only then the alarm moves (G3). It never runs a
 * step and never writes HEAD. On a store that collects nothing by itself it also forgets and collects ended items.
 */
import { type Due, type Ring, ring } from "../domain/alarm.ts";
import { refusal } from "../domain/command.ts";
import { isOwed } from "../domain/decide.ts";
import { assertNever, messageOf } from "../domain/errors.ts";
import { isEnded } from "../domain/head.ts";
import { itemPartition, parseItemPartition, type WorkId } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import { DUE_KEY } from "../domain/keys.ts";
import { ALARM_ORPHAN_MS, ALARM_OWED_MS, DAY_MS, SHARDS } from "../domain/limits.ts";
import { writeDue } from "./alarms.ts";
import { collect, collectRest } from "./collect.ts";
import type { Deps } from "./deps.ts";
import { tellIfSatisfied } from "./group.ts";
import { sendHint } from "./hints.ts";
import { type Expected, type NoItem, readDue, readLive } from "./live.ts";

export interface Swept {
  /** Alarms that were due. */
  looked: number;
  /** Hints sent. */
  hinted: number;
  /** Ended items whose blobs, and a day later whose records, were deleted. */
  forgotten: number;
  collected: number;
  /** Alarms that could not be handled, and were moved by 10 min. */
  failed: number;
}

const PAGE = 100;

/** Everything that is due now, until the signal fires. */
export async function sweep(deps: Deps, stop?: AbortSignal): Promise<Swept> {
  const swept: Swept = { looked: 0, hinted: 0, forgotten: 0, collected: 0, failed: 0 };
  for (let shard = 0; shard < SHARDS; shard++) {
    for await (const partition of dueIn(deps, shard)) {
      if (stop?.aborted === true) return swept;
      await sweepOne(deps, partition, swept);
    }
  }
  return swept;
}

/**
 * Every partition of a shard that is due, once. Some stay due: another namespace's, and those that could not be moved.
 * The pages grow by them, so that they neither stand in the way of others nor hold up the sweep for ever.
 */
async function* dueIn(deps: Deps, shard: number): AsyncGenerator<string> {
  const seen = new Set<string>();
  for (let stay = 0, full = true; full; ) {
    const limit = PAGE + stay;
    const entries = await deps.store.due(shard, deps.clock.nowMs(), limit);
    const fresh = entries.filter(({ partition }) => !seen.has(partition));
    for (const { partition } of fresh) {
      seen.add(partition);
      yield partition;
    }
    stay = entries.length - fresh.length;
    full = entries.length >= limit;
  }
}

async function sweepOne(deps: Deps, partition: string, swept: Swept): Promise<void> {
  const at = parseItemPartition(partition);
  if (at === null || at.namespace !== deps.namespace) return;
  swept.looked += 1;
  try {
    await look(deps, at.workId, swept);
  } catch (error) {
    swept.failed += 1;
    deps.logger.error("alarm not handled", { partition, error: messageOf(error) });
    await moveOn(deps, partition);
  }
}

/** DUE strictly before the rest; then what is owed; DUE last, by the revision that was read. */
async function look(deps: Deps, workId: WorkId, swept: Swept): Promise<void> {
  const partition = itemPartition(deps.namespace, workId);
  const nowMs = deps.clock.nowMs();
  const { due, revision } = await readDue(deps, partition);
  if (due === null || due.atMs > nowMs) return;
  const live = await readLive(deps, workId);
  if (live.item === null) return orphan(deps, partition, { item: null, due }, revision);
  const told = await tellIfSatisfied(deps, live);
  const todo: Ring = ring(due, live.head, told || isOwed(live, nowMs), nowMs);
  if (todo.kind !== "look_again" && (await isKeptForParent(deps, live.item))) {
    await writeDue(deps, partition, { ...due, atMs: nowMs + DAY_MS }, revision);
    return;
  }
  switch (todo.kind) {
    case "look_again":
      if (todo.hint !== null) {
        await sendHint(deps, live.item, told || live.inbox.length > 0 ? null : live.head.version, todo.hint.delayMs);
        swept.hinted += 1;
      }
      await writeDue(deps, partition, todo.next, revision);
      return;
    case "forget":
      await deps.blobs.removeAll(partition);
      await writeDue(deps, partition, todo.next, revision);
      swept.forgotten += 1;
      return;
    case "collect":
      await collect(deps, live.item);
      swept.collected += 1;
      return;
    default:
      return assertNever(todo);
  }
}

/** A parent that is open, or may be redriven, may ask for its children for months, and must not start one anew. */
async function isKeptForParent(deps: Deps, { parent }: Item): Promise<boolean> {
  if (parent === null) return false;
  const live = await readLive(deps, parent.workId);
  if (live.item === null) return false;
  return !isEnded(live.head.status) || refusal("redrive", live.head, deps.clock.nowMs()) === null;
}

/** An enqueue that never finished, or a collection that did not get to its end. A repeated enqueue rewrites DUE first. */
async function orphan(deps: Deps, partition: string, found: NoItem, revision: Expected): Promise<void> {
  const { due } = found;
  if (due === null || revision === "absent") return;
  if (due.why === "collect") {
    await collectRest(deps, partition);
    await deps.store.remove({ partition, sort: DUE_KEY }, revision);
    return;
  }
  await writeDue(deps, partition, { why: "collect", atMs: deps.clock.nowMs() + ALARM_ORPHAN_MS, version: 0, rings: 0 }, revision);
}

async function moveOn(deps: Deps, partition: string): Promise<void> {
  try {
    const { due, revision } = await readDue(deps, partition);
    if (due === null) return;
    const later: Due = { ...due, atMs: deps.clock.nowMs() + ALARM_OWED_MS };
    await writeDue(deps, partition, later, revision);
  } catch (error) {
    deps.logger.error("alarm not moved", { partition, error: messageOf(error) });
  }
}
