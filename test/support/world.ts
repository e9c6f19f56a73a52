/** A small world on the memory adapters and a virtual clock: one store, one queue, as many workers as wanted. */
import { createMemoryBlobStore } from "../../src/adapters/memory/blob-store.ts";
import { createVirtualClock, type VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { Intercept } from "../../src/adapters/memory/intercept.ts";
import { createMemoryLogger } from "../../src/adapters/memory/logger.ts";
import { createMemoryMachine, type MemoryMachine } from "../../src/adapters/memory/process-table.ts";
import { createMemoryBroker, createMemoryQueue } from "../../src/adapters/memory/queue.ts";
import { createSeededRandom } from "../../src/adapters/memory/random.ts";
import { createMemoryRecordStore } from "../../src/adapters/memory/record-store.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { parseNamespace } from "../../src/domain/ids.ts";
import { type Client, createClient } from "../../src/runtime/client.ts";
import { createNonces, DEFAULT_SETTINGS, type Deps, type Settings } from "../../src/runtime/deps.ts";
import { createEngines } from "../../src/runtime/engines.ts";
import { sweep } from "../../src/runtime/sweep.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { createCodec } from "../../src/wire/codec.ts";

export interface RunningWorker {
  readonly abandoned: string[];
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
  /** The deps of one process; `intercept` sees its calls of store, queue and blobs. */
  process(name: string, intercept?: Intercept): Deps;
  work(engines: readonly Engine[], options?: { name?: string; concurrency?: number; graceMs?: number; intercept?: Intercept }): RunningWorker;
  /** Lets everything that can happen at this instant happen. */
  settle(): Promise<void>;
  /** Lets time pass in steps, settling after each; sweeps once a minute. */
  advance(ms: number, stepMs?: number): Promise<void>;
}

export function createWorld(settings: Partial<Settings> = {}): World {
  const clock = createVirtualClock();
  const machine = createMemoryMachine();
  const broker = createMemoryBroker();
  const logger = createMemoryLogger();
  const random = createSeededRandom(1);
  const store = createMemoryRecordStore();
  const blobs = createMemoryBlobStore();
  const nonce = createNonces(random);
  let sinceSweepMs = 0;
  let workers = 0;

  function process(name: string, intercept?: Intercept): Deps {
    const processes = machine.tableOf(name);
    return {
      namespace: parseNamespace("test"),
      store: intercept === undefined ? store : through("records", store, intercept),
      queue: createMemoryQueue({ clock, processes, broker, ...(intercept === undefined ? {} : { intercept }) }),
      blobs,
      clock,
      random,
      logger,
      processes,
      codec: createCodec({ deflateFromBytes: 1_024 }),
      settings: { ...DEFAULT_SETTINGS, ...settings },
      nonce,
    };
  }
  const deps = process("client");
  const world: World = {
    clock,
    machine,
    logger,
    deps,
    client: createClient(deps),
    process,
    work(engines, options = {}) {
      const name = options.name ?? `worker-${++workers}`;
      const stop = new AbortController();
      const abandoned: string[] = [];
      const { concurrency = 10, graceMs = 10_000 } = options;
      const worker = createWorker(process(name, options.intercept), createEngines(engines), {
        concurrency,
        lanes: null,
        graceMs,
        onAbandoned: (workId) => abandoned.push(workId),
      });
      const done = worker.run(stop.signal);
      return {
        abandoned,
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
      for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve));
    },
    advance: async (ms, stepMs = ms) => {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(left, stepMs));
        await world.settle();
        sinceSweepMs += Math.min(left, stepMs);
        if (sinceSweepMs >= 60_000) {
          sinceSweepMs = 0;
          await sweep(deps);
          await world.settle();
        }
      }
    },
  };
  return world;
}

function through<P extends object>(port: string, target: P, intercept: Intercept): P {
  return new Proxy(target, {
    get(object, method, receiver) {
      const value: unknown = Reflect.get(object, method, receiver);
      if (typeof value !== "function" || typeof method !== "string") return value;
      return (...args: unknown[]) => intercept({ port, method, args }, () => Reflect.apply(value, object, args));
    },
  });
}
