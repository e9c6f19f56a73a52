/**
 * The sweep of a deployment: by shards, each by one invocation at a time. Where little is due, one invocation does it
 * all; a shard with more than a page gets one of its own.
 */
import { messageOf } from "../domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/limits.ts";
import { decodeTurn, encodeTurn } from "../wire/turn.ts";
import { inBatches } from "./batches.ts";
import type { Deps } from "./deps.ts";
import { put } from "./records.ts";
import { ALL_SHARDS, nothingSwept, type Swept, sweep } from "./sweep.ts";

export interface ShardSweepOptions {
  /** The invocation's end. */
  readonly endsAtMs: number;
  /** The shards that this one is for; default: whichever have work. */
  readonly shards?: readonly number[];
  /** Has a shard swept by an invocation of its own. */
  readonly elsewhere: (shard: number) => Promise<void>;
}

/** More than this is more than a look takes. */
const MUCH = 50;
const SHARDS_AT_ONCE = 8;
const FINISH_MS = 5 * SECOND_MS;
const TURN_KEY = "TURN";
/** No invocation takes so long: a turn that is further off was taken under another clock. */
const LONGEST_TURN_MS = 15 * MINUTE_MS;

export async function sweepShards(deps: Deps, options: ShardSweepOptions): Promise<Swept> {
  const total = nothingSwept();
  const stop = new AbortController();
  const leftMs = options.endsAtMs - deps.clock.nowMs() - FINISH_MS;
  const cancelTimer = deps.clock.after(Math.max(0, leftMs), () => stop.abort());
  await inBatches(options.shards ?? (await shardsWithWork(deps, options)), SHARDS_AT_ONCE, async (shard) => {
    if (!stop.signal.aborted) add(total, await sweepAlone(deps, shard, options.endsAtMs, stop.signal));
  });
  cancelTimer();
  return total;
}

/** Those that are swept here: the others have been handed on. One that cannot be handed on has its turn last. */
async function shardsWithWork(deps: Deps, { elsewhere }: ShardSweepOptions): Promise<number[]> {
  const here: number[] = [];
  const left: number[] = [];
  await inBatches(ALL_SHARDS, SHARDS_AT_ONCE, async (shard) => {
    let isMuch = false;
    try {
      const due = await deps.store.due(shard, deps.clock.nowMs(), MUCH);
      isMuch = due.length >= MUCH;
      if (isMuch) await elsewhere(shard);
      else if (due.length > 0) here.push(shard);
    } catch (error) {
      deps.logger.error(isMuch ? "shard not handed on" : "shard not looked at", { shard, error: messageOf(error) });
      if (isMuch) left.push(shard);
    }
  });
  return [...here, ...left];
}

/** While its turn lasts nobody else sweeps the shard; one that dies leaves a turn that ends with its invocation. */
async function sweepAlone(deps: Deps, shard: number, endsAtMs: number, stop: AbortSignal): Promise<Swept> {
  // No namespace has capitals.
  const place = { partition: `SWEEP/${shard}`, sort: TURN_KEY };
  try {
    const [record] = await deps.store.read(place.partition);
    if (record !== undefined && isTaken(decodeTurn(record), deps.clock.nowMs())) return nothingSwept();
    const turn = await put(deps, { ...place, ...encodeTurn(endsAtMs) }, record?.revision ?? "absent");
    if (!turn.ok) return nothingSwept();
    const swept = await sweep(deps, { stop, shards: [shard], everyNamespace: true });
    await put(deps, { ...place, ...encodeTurn(deps.clock.nowMs()) }, turn.revision);
    return swept;
  } catch (error) {
    deps.logger.error("shard not swept", { shard, error: messageOf(error) });
    return nothingSwept();
  }
}

function isTaken(untilMs: number, nowMs: number): boolean {
  return untilMs > nowMs && untilMs <= nowMs + LONGEST_TURN_MS;
}

function add(total: Swept, more: Swept): void {
  for (const key of Object.keys(total) as (keyof Swept)[]) total[key] += more[key];
}
