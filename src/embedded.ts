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
import { StoreUnavailableError } from "./domain/errors.ts";
import { parseNamespace } from "./domain/ids.ts";
import { SECOND_MS } from "./domain/limits.ts";
import type { Logger } from "./ports/logger.ts";
import { createNonces, type Deps, NO_METRICS, pause } from "./runtime/deps.ts";
import { createRookery, type Rookery, type WorkOptions } from "./runtime/rookery.ts";
import { type Settings, settingsOf } from "./runtime/settings.ts";
import { createCodec } from "./wire/codec.ts";

export type { Driven } from "./runtime/drive.ts";
export type { DriveOptions, Rookery, WorkOptions } from "./runtime/rookery.ts";
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
/** What operators see of the queue and the files. */
export interface Embedded extends Rookery {
  readonly home: string;
  readonly databasePath: string;
  /** As ever. @throws StoreUnavailableError once the database is deleted or replaced: open it again. */
  work(stop: AbortSignal, options?: WorkOptions): Promise<void>;
  countMessages(): Promise<MessageCounts>;
  /** Messages that nobody could read, newest first. */
  buried(limit: number): Promise<readonly BuriedMessage[]>;
  /** False once the database is deleted or replaced: what is written then, nobody sees. Open it again. */
  isInPlace(): boolean;
  close(): void;
}

/** Pages are 4 KiB here, so compression pays only for states that would take more than one. */
const DEFLATE_FROM_BYTES = 4_096;

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
    metrics: NO_METRICS,
    processes,
    codec: createCodec({ deflateFromBytes: DEFLATE_FROM_BYTES }),
    settings: settingsOf(options.settings ?? {}),
    nonce: createNonces(random),
  };
  const rookery = createRookery(deps, options.engines ?? []);
  return {
    ...rookery,
    home,
    databasePath,
    work: (stop, how) => whileInPlace(deps, database, stop, (inPlace) => rookery.work(inPlace, how)),
    countMessages: () => queue.countMessages(),
    buried: (limit) => queue.buried(limit),
    isInPlace: () => database.isInPlace(),
    close: () => database.close(),
  };
}
