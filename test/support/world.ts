/** A small world on the memory adapters and a virtual clock: one store, one queue, as many workers as wanted. */
import type { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import type { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import type { MemoryMachine } from "../../src/adapters/memory/process-table.ts";
import type { MemoryBroker } from "../../src/adapters/memory/queue.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { JournalEvent } from "../../src/domain/journal.ts";
import type { Lane } from "../../src/domain/lane.ts";
import { SWEEP_MS } from "../../src/domain/limits.ts";
import type { RecordDraft, StoredRecord } from "../../src/ports/record-store.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import type { Deps } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import type { ItemStatus } from "../../src/runtime/inspect.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/runtime/settings.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { createEnvironment } from "../../src/testing/environment.ts";

export interface ProcessOptions {
  /** Default "test". */
  readonly namespace?: string;
  /** Sees the process's calls of store, queue and blobs. */
  readonly intercept?: Intercept;
}
export interface WorkOptions extends ProcessOptions {
  readonly name?: string;
  readonly concurrency?: number;
  readonly graceMs?: number;
  readonly lanes?: readonly Lane[];
}
export interface RunningWorker {
  readonly name: string;
  readonly abandoned: string[];
  /** Messages in hand. */
  inFlight(): number;
  /** Finishes or gives back, and ends. */
  stop(): Promise<void>;
  /** Its process is gone, as others see it. Whatever it still does, it does as a zombie. */
  die(): void;
}
export interface World {
  readonly clock: VirtualClock;
  readonly machine: MemoryMachine;
  readonly logger: ReturnType<typeof createMemoryLogger>;
  readonly client: Client;
  readonly deps: Deps;
  readonly broker: MemoryBroker;
  /** The deps of one process. */
  process(name: string, options?: ProcessOptions): Deps;
  work(engines: readonly Engine[], options?: WorkOptions): RunningWorker;
  /** Lets everything that can happen at this instant happen. */
  settle(): Promise<void>;
  /** Lets time pass in steps, settling after each; sweeps once a minute. */
  advance(ms: number, stepMs?: number): Promise<void>;
  /** Lets time pass from timer to timer. */
  pass(ms: number): Promise<void>;
  /** The same, until the item's status is one of these; throws when it is not in time. */
  reach(workId: string, statuses: ItemStatus["status"] | readonly ItemStatus["status"][], withinMs?: number): Promise<ItemStatus>;
  /** The same, until it ends. */
  end(workId: string, withinMs?: number): Promise<ItemStatus>;
  events(workId: string): Promise<JournalEvent[]>;
  records(workId: string): Promise<readonly StoredRecord[]>;
  /** Changes a stored record behind everybody's back; `LIVE/HEAD` and the like. */
  tamper(workId: string, sort: string, change: Partial<RecordDraft>): Promise<void>;
  /** All hints are lost. */
  loseMessages(): void;
}

const ENDED = ["completed", "failed", "cancelled", "dead_lettered"] as const;

export interface WorldOptions {
  /** Its store deletes what has expired, some day. Default false. */
  readonly collects?: boolean;
}
export function createWorld(settings: Partial<Settings> = {}, { collects = false }: WorldOptions = {}): World {
  const environment = createEnvironment({ settings: { ...DEFAULT_SETTINGS, ...settings }, collects });
  const { clock, machine, logger, store, brokerOf } = environment;
  const process = (name: string, options: ProcessOptions = {}): Deps => environment.depsOf(name, options);
  let sinceSweepMs = 0;
  let workers = 0;

  const deps = process("client");

  async function step(ms: number): Promise<void> {
    clock.advance(ms);
    await world.settle();
    sinceSweepMs += ms;
    if (sinceSweepMs < SWEEP_MS) return;
    sinceSweepMs = 0;
    await sweep(deps);
    await world.settle();
  }
  const world: World = {
    clock,
    machine,
    logger,
    deps,
    broker: brokerOf("test"),
    client: createClient(deps),
    process,
    work(engines, options = {}) {
      const name = options.name ?? `worker-${++workers}`;
      const stop = new AbortController();
      const abandoned: string[] = [];
      const { concurrency = 10, graceMs = 10_000, lanes = null } = options;
      const onAbandoned = (workId: string): void => {
        abandoned.push(workId);
      };
      const worker = createWorker(process(name, options), createEngines(engines), { concurrency, lanes, graceMs, onAbandoned });
      const done = worker.run(stop.signal);
      return {
        name,
        abandoned,
        inFlight: () => worker.inFlight(),
        die: () => machine.end(name),
        stop: async () => {
          stop.abort();
          let ended = false;
          void done.then(() => {
            ended = true;
          });
          while (!ended) await world.advance(10);
        },
      };
    },
    settle: async () => {
      for (let quiet = 0; quiet < 3; quiet = environment.isPacking() ? 0 : quiet + 1)
        await new Promise((resolve) => setImmediate(resolve));
    },
    advance: async (ms, stepMs = ms) => {
      for (let left = ms; left > 0; left -= stepMs) await step(Math.min(left, stepMs));
    },
    pass: async (ms) => {
      await world.settle();
      for (let left = ms; left > 0; ) {
        const stepMs = Math.max(1, Math.min(left, clock.nextTimerInMs() ?? left, SWEEP_MS - sinceSweepMs));
        await step(stepMs);
        left -= stepMs;
      }
    },
    reach: async (workId, statuses, withinMs = 600_000) => {
      const untilMs = clock.nowMs() + withinMs;
      await world.settle();
      for (;;) {
        const status = await world.client.status(workId);
        if (statuses.includes(status.status)) return status;
        const leftMs = untilMs - clock.nowMs();
        if (leftMs <= 0)
          throw new Error(
            `expected ${String(statuses)} within ${withinMs} ms, got ${JSON.stringify({ ...status, labels: undefined })}`,
          );
        await world.pass(Math.max(1, Math.min(leftMs, clock.nextTimerInMs() ?? leftMs)));
      }
    },
    end: (workId, withinMs) => world.reach(workId, ENDED, withinMs),
    events: (workId) => Array.fromAsync(world.client.events(workId)),
    records: (workId) => store.read(`test/${workId}`),
    tamper: async (workId, sort, change) => {
      const [record] = await store.read(`test/${workId}`, { from: sort, to: `${sort}!` }, 1);
      if (record === undefined) throw new Error(`no record ${sort} of ${workId}`);
      await store.write({ ...record, ...change }, record.revision);
    },
    loseMessages: () => {
      for (const broker of environment.brokers()) {
        for (const entry of broker.entries.values()) broker.lanes[entry.lane].remove(entry.tenant, entry);
        broker.entries.clear();
      }
    },
  };
  return world;
}
