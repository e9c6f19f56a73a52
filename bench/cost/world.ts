/**
 * The real client and worker on the emulator, with the meter on and a clock that passes by hand: no step takes so long
 * that it has a heartbeat, however slow the machine is. Delays are cut on their way to the queue, which changes nothing
 * that is counted: a message takes a send, a receive and a delete, late or not.
 */
import { setImmediate } from "node:timers/promises";
import { type Bill, billSince } from "../../src/adapters/metering/bill.ts";
import { createMeter } from "../../src/adapters/metering/meter.ts";
import { createAwsWorld } from "../../src/aws.ts";
import { generateWorkId, itemPartition, parseNamespace, shardOf, WORK_ID_BYTES } from "../../src/domain/ids.ts";
import type { Message } from "../../src/ports/work-queue.ts";
import { workBatch } from "../../src/runtime/batch.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import { type Deps, NO_METRICS } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { sweepShards } from "../../src/runtime/shard-sweep.ts";
import { rentPlace } from "./place.ts";
import { researchEngine } from "./research.ts";

/** Of one step, as its journal tells. */
const STEP_MS = 120;
const INVOCATION_MS = 600_000;
const VISIBILITY_MS = 60_000;
const WAIT_MS = 2_000;
const SHARD = 7;
const NAMESPACE = parseNamespace("cost");

export interface Invocation {
  /** Messages in one. */
  readonly batch: number;
  /** Of each item, that run in one. */
  readonly inlineSteps: number;
  /** How long it may take. Default: long enough that nobody yields for want of time. */
  readonly ms?: number;
}
export interface CostWorld {
  readonly client: Client;
  readonly deps: Deps;
  pass(ms: number): void;
  /** Invocations of the worker, until it had so many messages. */
  work(messages: number, how: Invocation): Promise<void>;
  /** What the sweeper does each minute where little is due. */
  sweep(): Promise<void>;
  /** What `act` costs. */
  cost(act: () => Promise<unknown>): Promise<Bill>;
  close(): Promise<void>;
}

export async function createCostWorld(endpoint: string): Promise<CostWorld> {
  const { place, deployment, giveBack } = await rentPlace(endpoint);
  const meter = createMeter();
  const world = createAwsWorld({
    deployment,
    place,
    namespace: NAMESPACE,
    logger: { debug: silent, info: silent, warn: console.warn, error: console.error },
    metrics: NO_METRICS,
    processes: { self: "bench", isGone: () => false },
    settings: {},
    meter,
  });
  let nowMs = Date.now();
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  /** Those of a batch, which begin at once, end at once. */
  const step = async (beganAtMs: number): Promise<void> => {
    await setImmediate();
    nowMs = Math.max(nowMs, beganAtMs + STEP_MS);
  };
  const deps = withClock(world.deps, () => nowMs);
  const engines = createEngines([researchEngine(step)]);
  const endsAtMs = (ms = INVOCATION_MS): number => nowMs + ms;
  /** The emulator does not always give all at once that it has. */
  async function receive(count: number): Promise<Message[]> {
    const { signal: abortSignal } = new AbortController();
    const messages: Message[] = [];
    while (messages.length < count) {
      const max = count - messages.length;
      const found = await deps.queue.receive({ lanes: null, max, waitMs: WAIT_MS, visibilityMs: VISIBILITY_MS, abortSignal });
      if (found.length === 0) throw new Error(`expected ${count} messages, got ${messages.length}`);
      messages.push(...found);
    }
    return messages;
  }
  async function invoke({ batch, inlineSteps, ms }: Invocation): Promise<void> {
    const { returned, finished } = await workBatch(deps, engines, await receive(batch), { endsAtMs: endsAtMs(ms) });
    if (returned.length > 0)
      throw new Error(`expected all of ${batch} messages to be finished, but ${returned.length} come back`);
    await Promise.all(finished.map((message) => deps.queue.remove(message)));
    meter.invoked(inlineSteps);
  }
  return {
    client: createClient(deps),
    deps,
    pass,
    async work(messages, how) {
      for (let left = messages; left > 0; left -= how.batch) await invoke({ ...how, batch: Math.min(how.batch, left) });
    },
    sweep: async () => void (await sweepShards(deps, { endsAtMs: endsAtMs(), elsewhere: nowhere })),
    async cost(act) {
      const before = meter.bill();
      await act();
      return billSince(before, meter.bill());
    },
    async close() {
      world.close();
      await giveBack();
    },
  };
}
function silent(): void {
  // What is measured says enough.
}
async function nowhere(shard: number): Promise<void> {
  throw new Error(`expected little to be due, got a page of shard ${shard}`);
}

function withClock(deps: Deps, nowMs: () => number): Deps {
  const { queue, random } = deps;
  return {
    ...deps,
    clock: { nowMs, after: () => () => undefined },
    queue: { ...queue, send: (body, how) => queue.send(body, { ...how, delayMs: 0 }) },
    random: { ...random, bytes: (count) => (count === WORK_ID_BYTES ? bytesOfShard(random.bytes) : random.bytes(count)) },
  };
}

/** All items in one shard of the sweep, as many of a busy deployment are. */
function bytesOfShard(bytes: (count: number) => Uint8Array): Uint8Array {
  for (;;) {
    const drawn = bytes(WORK_ID_BYTES);
    if (shardOf(itemPartition(NAMESPACE, generateWorkId(drawn))) === SHARD) return drawn;
  }
}
