/** One store, one queue, one clock, and the processes that share them; all in memory. */
import { createMemoryBlobStore } from "../adapters/memory/blob-store.ts";
import { createVirtualClock, type VirtualClock } from "../adapters/memory/clock.ts";
import { type Intercept, intercepted } from "../adapters/memory/intercept.ts";
import { createMemoryLogger } from "../adapters/memory/logger.ts";
import { createMemoryMachine, type MemoryMachine } from "../adapters/memory/process-table.ts";
import { createMemoryBroker, createMemoryQueue, type MemoryBroker } from "../adapters/memory/queue.ts";
import { createSeededRandom } from "../adapters/memory/random.ts";
import { createMemoryRecordStore } from "../adapters/memory/record-store.ts";
import { createMemoryRecords, type MemoryRecords } from "../adapters/memory/records.ts";
import { parseNamespace } from "../domain/ids.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { RecordStore } from "../ports/record-store.ts";
import { createNonces, type Deps, NO_METRICS } from "../runtime/deps.ts";
import { markBlobs } from "../runtime/marked-blobs.ts";
import type { Settings } from "../runtime/settings.ts";
import { type Codec, createCodec } from "../wire/codec.ts";

export interface EnvironmentOptions {
  readonly settings: Settings;
  readonly nowMs?: number;
  /** Default 1. */
  readonly seed?: number;
  /** A store that deletes what has expired, some day: as AWS. Default false. */
  readonly collects?: boolean;
  /** One that does not wait for the event loop. Default one that compresses, outside of it. */
  readonly codec?: Codec;
}
export interface ProcessOptions {
  /** Default "test". */
  readonly namespace?: string;
  /** Sees the process's calls of store, queue and blobs. */
  readonly intercept?: Intercept;
  /** Default the virtual clock. */
  readonly clock?: Clock;
  /** What its queue waits by. Default its clock. */
  readonly queueClock?: Clock;
}
export interface Environment {
  readonly clock: VirtualClock;
  readonly machine: MemoryMachine;
  readonly logger: ReturnType<typeof createMemoryLogger>;
  /** As it is, seen by no intercept. */
  readonly store: RecordStore;
  readonly blobs: BlobStore;
  readonly records: Pick<MemoryRecords, "find">;
  /** The next instant at which an alarm rings; null when none is set. */
  nextAlarmAtMs(): number | null;
  /** The queue of a namespace. */
  brokerOf(namespace: string): MemoryBroker;
  brokers(): Iterable<MemoryBroker>;
  /** The deps of one process. */
  depsOf(name: string, options?: ProcessOptions): Deps;
  /** Compression is under way: it runs outside the event loop. */
  isPacking(): boolean;
}

const DEFLATE_FROM_BYTES = 1_024;

export function createEnvironment(options: EnvironmentOptions): Environment {
  const { settings, nowMs, seed = 1, collects = false } = options;
  const clock = createVirtualClock(nowMs);
  const machine = createMemoryMachine();
  const brokers = new Map<string, MemoryBroker>();
  const logger = createMemoryLogger();
  const random = createSeededRandom(seed);
  const records = createMemoryRecords();
  const store = createMemoryRecordStore({ collects, records });
  const blobs = createMemoryBlobStore();
  const nonce = createNonces(random);
  const packing = countedCodec(createCodec({ deflateFromBytes: DEFLATE_FROM_BYTES }));
  const { codec = packing } = options;
  function brokerOf(namespace: string): MemoryBroker {
    const broker = brokers.get(namespace) ?? createMemoryBroker();
    brokers.set(namespace, broker);
    return broker;
  }
  return {
    clock,
    machine,
    logger,
    store,
    blobs,
    records,
    nextAlarmAtMs: records.nextAlarmAtMs,
    brokerOf,
    brokers: () => brokers.values(),
    depsOf(name, options = {}) {
      const { namespace = "test", intercept, clock: own = clock, queueClock = own } = options;
      const processes = machine.tableOf(name);
      const broker = brokerOf(namespace);
      const deps: Deps = {
        namespace: parseNamespace(namespace),
        store: intercepted("records", store, intercept),
        queue: createMemoryQueue({ clock: queueClock, processes, broker, ...(intercept === undefined ? {} : { intercept }) }),
        blobs: intercepted("blobs", blobs, intercept, ["get"]),
        clock: own,
        random,
        logger,
        metrics: NO_METRICS,
        processes,
        codec,
        settings,
        nonce,
      };
      return collects ? { ...deps, blobs: markBlobs(deps) } : deps;
    },
    isPacking: packing.busy,
  };
}

function countedCodec(codec: Codec): Codec & { busy(): boolean } {
  let calls = 0;
  const counted = async <T>(call: Promise<T>): Promise<T> => {
    calls += 1;
    try {
      return await call;
    } finally {
      calls -= 1;
    }
  };
  return {
    encode: (text, options) => counted(codec.encode(text, options)),
    decode: (encoding, data, what) => counted(codec.decode(encoding, data, what)),
    busy: () => calls > 0,
  };
}
