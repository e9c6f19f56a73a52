/**
 * Rookery on one machine: SQLite and files under one folder, no server. Any number of processes may open the same
 * folder at the same time. Needs Node 24.
 */
import { join, resolve } from "node:path";
import { createEmbeddedBlobStore } from "./adapters/embedded/blob-store.ts";
import { type Database, openDatabase } from "./adapters/embedded/database.ts";
import { createEmbeddedQueue } from "./adapters/embedded/queue.ts";
import { createEmbeddedRecordStore } from "./adapters/embedded/record-store.ts";
import { createSystemClock } from "./adapters/node/clock.ts";
import { createConsoleLogger } from "./adapters/node/logger.ts";
import { createProcessTable } from "./adapters/node/process-table.ts";
import { createSystemRandom } from "./adapters/node/random.ts";
import type { BuriedMessage, MessageCounts } from "./adapters/shared/operator-reads.ts";
import type { Engine } from "./domain/engine.ts";
import { StoreUnavailableError, UnknownWorkItemError } from "./domain/errors.ts";
import { isWorkId, parseNamespace } from "./domain/ids.ts";
import type { Lane } from "./domain/lane.ts";
import { SECOND_MS } from "./domain/limits.ts";
import type { Logger } from "./ports/logger.ts";
import { type Client, createClient } from "./runtime/client.ts";
import { createNonces, type Deps, pause } from "./runtime/deps.ts";
import { type Driven, drive } from "./runtime/drive.ts";
import { createEngines } from "./runtime/engines.ts";
import { type Settings, settingsOf } from "./runtime/settings.ts";
import { type Swept, sweep } from "./runtime/sweep.ts";
import { runSweeper } from "./runtime/sweeper.ts";
import { createWorker } from "./runtime/worker.ts";
import { createCodec } from "./wire/codec.ts";

export type { Driven } from "./runtime/drive.ts";
export type { Settings } from "./runtime/settings.ts";
export type { Swept } from "./runtime/sweep.ts";

export interface EmbeddedOptions {
  /** The folder of the store; made when missing. Default ".rookery" in the working directory. */
  readonly home?: string;
  /** Default "default". */
  readonly namespace?: string;
  /** Needed to work, not to enqueue. */
  readonly engines?: readonly Engine[];
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger;
  /** "off" loses committed writes when the machine goes down: for benchmarks. Default "full". */
  readonly synchronous?: "full" | "off";
  /** Bounds of leases, heartbeats and retention; the defaults are in limits.ts. */
  readonly settings?: Partial<Settings>;
}
export interface WorkOptions {
  /** Items at work at once in this process. Default 10. */
  readonly concurrency?: number;
  /** Default all. */
  readonly lanes?: readonly Lane[];
  /** How long running steps may go on after `stop` before they are given back. Default 10 s. */
  readonly graceMs?: number;
  /** Whether to sweep once a minute, too. Default true. */
  readonly sweep?: boolean;
  /** Called when a step did not heed its abort signal: JavaScript cannot stop it, so replace the process. */
  readonly onAbandoned?: (workId: string) => void;
}
export interface DriveOptions {
  /** Stop once this version is committed; default at the end. */
  readonly untilVersion?: number;
  /** How long a running step may go on after `stop` before it is given back. Default 10 s. */
  readonly graceMs?: number;
  /** Called when a step did not heed its abort signal: `drive` ends, and this process should too. */
  readonly onAbandoned?: (workId: string) => void;
}
/** What operators see of the queue and the files. */
export interface Embedded extends Client {
  readonly home: string;
  readonly namespace: string;
  readonly databasePath: string;
  /**
   * Works until the signal fires, and resolves once everything is finished or given back.
   * @throws StoreUnavailableError once the database is deleted or replaced: open it again.
   */
  work(stop: AbortSignal, options?: WorkOptions): Promise<void>;
  /**
   * Works on this one item and, while it waits, on its children, without waiting for their messages, and beside any
   * workers. Run nothing else in the process: if it dies, the item at work is held to have killed it.
   * @throws UnknownWorkItemError, UnknownEngineError
   */
  drive(workId: string, stop: AbortSignal, options?: DriveOptions): Promise<Driven>;
  /** Looks once at everything that is due. */
  sweep(): Promise<Swept>;
  countMessages(): Promise<MessageCounts>;
  /** Messages that nobody could read, newest first. */
  buried(limit: number): Promise<readonly BuriedMessage[]>;
  /** False once the database is deleted or replaced: what is written then, nobody sees. Open it again. */
  isInPlace(): boolean;
  close(): void;
}

const DEFAULT_CONCURRENCY = 10;
const DEFAULT_GRACE_MS = 10 * SECOND_MS;
/** Pages are 4 KiB here, so compression pays only for states that would take more than one. */
const DEFLATE_FROM_BYTES = 4_096;
/** A worker outlasts short troubles of the disk; a caller is told at once. */
const WORKER_PATIENCE_MS = 10 * SECOND_MS;

/** How often a worker looks whether its database is still the one at its path. */
const IN_PLACE_MS = SECOND_MS;

/** A file that was deleted can be written to for ever, and nobody would see it. */
async function whileInPlace(
  deps: Deps,
  database: Database,
  stop: AbortSignal,
  work: (inPlace: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const gone = new AbortController();
  const ended = new AbortController();
  const watch = async (): Promise<void> => {
    while (!ended.signal.aborted && database.isInPlace()) await pause(deps.clock, IN_PLACE_MS, ended.signal);
    if (!ended.signal.aborted) gone.abort();
  };
  const watching = watch();
  await work(AbortSignal.any([stop, gone.signal])).finally(() => ended.abort());
  await watching;
  if (gone.signal.aborted)
    throw new StoreUnavailableError(`database ${database.path}`, "it was deleted or replaced while it was in use");
}

/** @throws StoreUnavailableError, StoreTooNewError, WrongRuntimeError, InvalidArgumentError */
export function openEmbedded(options: EmbeddedOptions = {}): Embedded {
  const home = resolve(options.home ?? ".rookery");
  const namespace = parseNamespace(options.namespace ?? "default");
  const logger = options.logger ?? createConsoleLogger();
  const [clock, random, processes] = [createSystemClock(), createSystemRandom(), createProcessTable()];
  const databasePath = join(home, "rookery.sqlite");
  const database = openDatabase({ path: databasePath, synchronous: options.synchronous ?? "full" });
  const queue = createEmbeddedQueue({ database, namespace, clock, random, processes });
  const deps: Deps = {
    namespace,
    store: createEmbeddedRecordStore({ database }),
    queue,
    blobs: createEmbeddedBlobStore({ home, clock, random }),
    clock,
    random,
    logger,
    processes,
    codec: createCodec({ deflateFromBytes: DEFLATE_FROM_BYTES }),
    settings: settingsOf(options.settings ?? {}),
    nonce: createNonces(random),
  };
  const engines = createEngines(options.engines ?? []);
  const patient: Deps = {
    ...deps,
    settings: { ...deps.settings, patienceMs: Math.max(deps.settings.patienceMs, WORKER_PATIENCE_MS) },
  };
  return {
    ...createClient(deps),
    home,
    namespace,
    databasePath,
    work: (stop, how = {}) => {
      const worker = createWorker(patient, engines, {
        concurrency: how.concurrency ?? DEFAULT_CONCURRENCY,
        lanes: how.lanes ?? null,
        graceMs: how.graceMs ?? DEFAULT_GRACE_MS,
        onAbandoned: how.onAbandoned ?? ((workId) => logger.error("a step does not end; replace this process", { workId })),
      });
      return whileInPlace(deps, database, stop, (inPlace) => {
        const sweeping = how.sweep === false ? Promise.resolve() : runSweeper(patient, inPlace);
        return Promise.all([worker.run(inPlace), sweeping]);
      });
    },
    drive: async (ref, stop, how = {}) => {
      if (!isWorkId(ref)) throw new UnknownWorkItemError(namespace, ref);
      const { untilVersion = null, graceMs = DEFAULT_GRACE_MS, onAbandoned = () => undefined } = how;
      return drive(patient, engines, ref, stop, { untilVersion, graceMs, onAbandoned });
    },
    sweep: () => sweep(deps),
    countMessages: () => queue.countMessages(),
    buried: (limit) => queue.buried(limit),
    isInPlace: () => database.isInPlace(),
    close: () => database.close(),
  };
}
