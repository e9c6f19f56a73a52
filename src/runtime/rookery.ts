/** All that a process may do with one store: call, work, drive, sweep. What embedded and AWS share. */
import type { Engine } from "../domain/engine.ts";
import { UnknownWorkItemError } from "../domain/errors.ts";
import { isWorkId } from "../domain/ids.ts";
import type { Lane } from "../domain/lane.ts";
import { SECOND_MS } from "../domain/limits.ts";
import { type Client, createClient } from "./client.ts";
import type { Deps } from "./deps.ts";
import { type Driven, drive } from "./drive.ts";
import { createEngines } from "./engines.ts";
import { type Swept, sweep } from "./sweep.ts";
import { runSweeper } from "./sweeper.ts";
import { createWorker } from "./worker.ts";

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
export interface Rookery extends Client {
  readonly namespace: string;
  /** Works until the signal fires, and resolves once everything is finished or given back. */
  work(stop: AbortSignal, options?: WorkOptions): Promise<void>;
  /**
   * Works on this one item and, while it waits, on its children, without waiting for their messages, and beside any
   * workers. Run nothing else in the process: if it dies, the item at work is held to have killed it.
   * @throws UnknownWorkItemError, UnknownEngineError
   */
  drive(workId: string, stop: AbortSignal, options?: DriveOptions): Promise<Driven>;
  /** Looks once at everything that is due. */
  sweep(): Promise<Swept>;
}

const DEFAULT_CONCURRENCY = 10;
const DEFAULT_GRACE_MS = 10 * SECOND_MS;
/** A worker outlasts short troubles of the store; a caller is told at once. */
const WORKER_PATIENCE_MS = 10 * SECOND_MS;

/** `engines` are needed to work, not to enqueue. @throws InvalidArgumentError */
export function createRookery(deps: Deps, engines: readonly Engine[]): Rookery {
  const loaded = createEngines(engines);
  const patient = patientOf(deps);
  return {
    ...createClient(deps),
    namespace: deps.namespace,
    work: async (stop, how = {}) => {
      const worker = createWorker(patient, loaded, {
        concurrency: how.concurrency ?? DEFAULT_CONCURRENCY,
        lanes: how.lanes ?? null,
        graceMs: how.graceMs ?? DEFAULT_GRACE_MS,
        onAbandoned: how.onAbandoned ?? ((workId) => deps.logger.error("a step does not end; replace this process", { workId })),
      });
      const sweeping = how.sweep === false ? Promise.resolve() : runSweeper(patient, stop);
      await Promise.all([worker.run(stop), sweeping]);
    },
    drive: async (ref, stop, how = {}) => {
      if (!isWorkId(ref)) throw new UnknownWorkItemError(deps.namespace, ref);
      const { untilVersion = null, graceMs = DEFAULT_GRACE_MS, onAbandoned = () => undefined } = how;
      return drive(patient, loaded, ref, stop, { untilVersion, graceMs, onAbandoned });
    },
    sweep: () => sweep(deps),
  };
}

export function patientOf(deps: Deps): Deps {
  return { ...deps, settings: { ...deps.settings, patienceMs: Math.max(deps.settings.patienceMs, WORKER_PATIENCE_MS) } };
}
