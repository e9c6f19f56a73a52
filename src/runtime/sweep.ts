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
import { reckoningOf, writeDue } from "./alarms.ts";
import { inBatches } from "./batches.ts";
import { collect, collectRest } from "./collect.ts";
import type { Deps } from "./deps.ts";
import { expireForgotten } from "./expiry.ts";
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
/** Alarms that are looked at side by side: each is a few reads and writes of its own item. */
const AT_ONCE = 8;

export interface SweepOptions {
  readonly stop?: AbortSignal;
  /** Default all. */
  readonly shards?: readonly number[];
  /** Items of other namespaces, too: where one sweeper serves a whole deployment. Default false. */
  readonly everyNamespace?: boolean;
}

export function nothingSwept(): Swept {
  return { looked: 0, hinted: 0, forgotten: 0, collected: 0, failed: 0 };
}
export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Everything that is due now, until the signal fires. */
export async function sweep(deps: Deps, options: SweepOptions = {}): Promise<Swept> {
  const { stop, shards = ALL_SHARDS, everyNamespace = false } = options;
  const swept = nothingSwept();
  for (const shard of shards) {
    for await (const page of duePages(deps, shard)) {
      await inBatches(page, AT_ONCE, async (partition) => {
        if (stop?.aborted !== true) await sweepOne(deps, partition, swept, everyNamespace);
      });
      if (stop?.aborted === true) return swept;
    }
  }
  return swept;
}

/**
 * Every partition of a shard that is due, once. Some stay due: another namespace's, and those that could not be moved.
 * The pages grow by them, so that they neither stand in the way of others nor hold up the sweep for ever.
 */
async function* duePages(deps: Deps, shard: number): AsyncGenerator<readonly string[]> {
  const seen = new Set<string>();
  for (let stay = 0, full = true; full; ) {
    const limit = PAGE + stay;
    const entries = await deps.store.due(shard, deps.clock.nowMs(), limit);
    const fresh = entries.filter(({ partition }) => !seen.has(partition));
    for (const { partition } of fresh) seen.add(partition);
    yield fresh.map(({ partition }) => partition);
    stay = entries.length - fresh.length;
    full = entries.length >= limit;
  }
}

async function sweepOne(deps: Deps, partition: string, swept: Swept, everyNamespace: boolean): Promise<void> {
  const at = parseItemPartition(partition);
  if (at === null || !(everyNamespace || at.namespace === deps.namespace)) return;
  swept.looked += 1;
  try {
    await look(at.namespace === deps.namespace ? deps : { ...deps, namespace: at.namespace }, at.workId, swept);
  } catch (error) {
    swept.failed += 1;
    deps.metrics.count("alarmsFailed");
    deps.logger.error("alarm not handled", { partition, error: messageOf(error) });
    await moveOn(deps, partition);
  }
}

/** DUE strictly before the rest; then what is owed; DUE last, by the revision that was read. */
async function look(deps: Deps, workId: WorkId, swept: Swept): Promise<void> {
  const partition = itemPartition(deps.namespace, workId);
  const reckoning = reckoningOf(deps);
  const { nowMs } = reckoning;
  const { due, revision } = await readDue(deps, partition);
  if (due === null || due.atMs === null || due.atMs > nowMs) return;
  const live = await readLive(deps, workId);
  if (live.item === null) return orphan(deps, partition, { item: null, due }, revision);
  const told = await tellIfSatisfied(deps, live);
  const todo: Ring = ring(due, live.head, told || isOwed(live, nowMs), reckoning);
  if (todo.kind !== "look_again" && (await isKeptForParent(deps, live.item))) {
    await writeDue(deps, partition, { ...due, atMs: nowMs + DAY_MS }, revision);
    return;
  }
  switch (todo.kind) {
    case "look_again":
      if (todo.hint !== null) {
        await sendHint(deps, live.item, told || live.inbox.length > 0 ? null : live.head, todo.hint.delayMs);
        swept.hinted += 1;
      }
      await writeDue(deps, partition, todo.next, revision);
      return;
    case "forget":
      await deps.blobs.removeAll(partition);
      if (deps.store.collects) await expireForgotten(deps, live, revision);
      else await writeDue(deps, partition, todo.next, revision);
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
