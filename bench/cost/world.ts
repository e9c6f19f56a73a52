/**
 * The real client and worker on the emulator, with the meter on and a clock that passes by hand. Delays are cut on their
 * way to the queue, which changes nothing that is counted: a message takes a send, a receive and a delete, late or not.
 */

import { type Bill, billSince } from "../../src/adapters/metering/bill.ts";
import { createMeter } from "../../src/adapters/metering/meter.ts";
import { createAwsWorld } from "../../src/aws.ts";
import { generateWorkId, itemPartition, parseNamespace, shardOf, WORK_ID_BYTES } from "../../src/domain/ids.ts";
import { workBatch } from "../../src/runtime/batch.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import { type Deps, NO_METRICS } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { sweepShards } from "../../src/runtime/shard-sweep.ts";
import { rentPlace } from "./place.ts";
import { researchEngine } from "./research.ts";

/** Of one step, as its journal tells. */
const STEP_MS = 340;
const INVOCATION_MS = 60_000;
const WAIT_MS = 2_000;
const SHARD = 7;

export interface CostWorld {
  readonly client: Client;
  readonly deps: Deps;
  pass(ms: number): void;
  /** An invocation of the worker with a batch of up to `max`; in which so many steps of one item ran, one after the other. */
  invoke(max: number, inlineSteps: number): Promise<number>;
  /** What the sweeper does each minute. */
  sweep(): Promise<void>;
  /** What `act` costs. */
  cost(act: () => Promise<unknown>): Promise<Bill>;
  close(): Promise<void>;
}

export async function createCostWorld(endpoint: string): Promise<CostWorld> {
  const { place, deployment, giveBack } = await rentPlace(endpoint);
  const meter = createMeter();
  const silent = () => undefined;
  const world = createAwsWorld({
    deployment,
    place,
    namespace: deployment.namespace,
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
  const { clock, queue, random } = world.deps;
  const deps: Deps = {
    ...world.deps,
    clock: { ...clock, nowMs: () => nowMs },
    queue: { ...queue, send: (body, how) => queue.send(body, { ...how, delayMs: 0 }) },
    random: { ...random, bytes: (count) => (count === WORK_ID_BYTES ? bytesOfShard(random.bytes) : random.bytes(count)) },
  };
  const engines = createEngines([researchEngine(() => pass(STEP_MS))]);
  return {
    client: createClient(deps),
    deps,
    pass,
    async invoke(max, inlineSteps) {
      const { signal } = new AbortController();
      const messages = await deps.queue.receive({
        lanes: null,
        max,
        waitMs: WAIT_MS,
        visibilityMs: INVOCATION_MS,
        abortSignal: signal,
      });
      const { returned, finished } = await workBatch(deps, engines, messages, { endsAtMs: nowMs + INVOCATION_MS });
      if (returned.length > 0) throw new Error(`expected no message to come back, got ${returned.length}`);
      await Promise.all(finished.map((message) => deps.queue.remove(message)));
      meter.invoked(inlineSteps);
      return messages.length;
    },
    sweep: async () => {
      const elsewhere = async (shard: number): Promise<void> => {
        await sweepShards(deps, { endsAtMs: nowMs + INVOCATION_MS, shards: [shard], elsewhere });
      };
      await sweepShards(deps, { endsAtMs: nowMs + INVOCATION_MS, elsewhere });
    },
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

/** All items in one shard of the sweep, as many of a busy deployment are. */
function bytesOfShard(bytes: (count: number) => Uint8Array): Uint8Array {
  for (;;) {
    const drawn = bytes(WORK_ID_BYTES);
    if (shardOf(itemPartition(parseNamespace("cost"), generateWorkId(drawn))) === SHARD) return drawn;
  }
}
