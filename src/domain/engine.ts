/** What an engine author writes, and what a step is given. Durations and instants are milliseconds. */

import { type AnyContract, type Contract, requireSchema, type Schema } from "./contract.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { Json } from "./json.ts";
import { DAY_MS } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { ErrorClass, Retry } from "./retry.ts";

type Ms = number;
const YEAR_MS = 366 * DAY_MS;

/** Why this step runs. The same on every attempt of the step. */
export type Wake = { readonly kind: "go" } | { readonly kind: "resumed"; readonly note: string };

/** Why an item is about to end badly; what `recover` is given. */
export type Cause =
  | { readonly kind: "exhausted"; readonly error: Error }
  | { readonly kind: "crashed"; readonly attempts: number }
  | { readonly kind: "cancelled"; readonly reason: string }
  | { readonly kind: "deadline" }
  | { readonly kind: "limit"; readonly name: string };

declare const made: unique symbol;
/** What a step returns: only `ctx.next`, `ctx.complete` and `ctx.fail` make one. */
export interface Outcome {
  readonly [made]: true;
}

export type ArtifactRef = {
  readonly name: string;
  /** SHA-256, lower-case hex. */
  readonly digest: string;
  readonly bytes: number;
  readonly mediaType: string;
  readonly metadata?: { readonly [name: string]: string };
};
export interface ArtifactOptions {
  /** Default: text/plain for a string, application/octet-stream for bytes. */
  readonly mediaType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}
/** Content-addressed files of a work item. A later one of the same name stands for it; all are listed. */
export interface Artifacts {
  /** Durable at once, listed with the step's commit. Streams take constant memory. */
  put(name: string, content: Uint8Array | string | AsyncIterable<Uint8Array>, options?: ArtifactOptions): Promise<ArtifactRef>;
  putJson(name: string, value: Json): Promise<ArtifactRef>;
  /** By reference, or the newest of a name. @throws UnknownArtifactError, BlobMissingError, BlobAlteredError */
  read(ref: ArtifactRef | string, range?: { from: number; to: number }): AsyncIterable<Uint8Array>;
}

/** Not generic, so that helpers and tools can take it. Every use after the attempt has ended throws CtxRevokedError. */
export interface StepCtx {
  readonly workId: string;
  readonly namespace: string;
  /** Committed outcomes so far: 0 for the first step. */
  readonly step: number;
  /** From 1, per step. */
  readonly attempt: number;
  /** Fires when the attempt is over for another reason than its own: timeout, cancel, lost lease, shutdown. */
  readonly abortSignal: AbortSignal;
  /** Until limits.stepMs. */
  readonly remainingMs: Ms;
  readonly logger: Logger;
  now(): Ms;
  /** A memo for what is safe to repeat (a model call): one write, after. Keys are per step. Comes back as stored JSON. */
  once<T>(key: string, run: () => Promise<T>): Promise<T>;
  /** Adds to a meter (tokens, dollars); committed with the attempt, failed ones too, and held against limits.meters. */
  meter(name: string, amount: number): void;
  readonly artifacts: Artifacts;
}

export interface Ctx<P, R, S, L> extends StepCtx {
  readonly payload: P;
  readonly wake: Wake;
  /** Committed entries, oldest first; `last` reads no more than it needs. */
  readLog(options?: { last?: number }): Promise<readonly L[]>;
  /** Go on: at once, after a delay, or at an instant. `at` names the step to come. */
  next(state: S, options?: { at?: string; append?: L[]; delayMs?: Ms; untilAtMs?: Ms }): Outcome;
  complete(result: R, options?: { append?: L[] }): Outcome;
  /** Ends the item as failed, without retry and without `recover`. */
  fail(error: Error): Outcome;
}

/** Default "steps": every attempt, no states. "full" keeps the state at every version too, interval at every nth; "compact" failures and retries only. */
export type JournalPolicy = "steps" | "full" | "compact" | { interval: number };

export interface EngineLimits {
  /** One attempt. Default 5 min. */
  stepMs?: Ms;
  /** From enqueue, pauses included. Default unbounded. */
  totalMs?: Ms;
  /** Committed steps. Default unbounded. */
  steps?: number;
  /** Of a version, by worker deaths while it ran alone, before the item is taken for the killer. Default 5. */
  crashes?: number;
  /** Meters of failed attempts count too. Default unbounded. */
  meters?: Record<string, number>;
}

export interface EngineCode<P extends Json, R extends Json, S extends Json, L extends Json> {
  /** A whole number from 1; a worker leaves items of a newer version to newer workers. */
  version: number;
  state: Schema<S>;
  /** Entries of an append-only log that grows with the work: appended by outcomes, committed with the step, sealed in segments. */
  log?: Schema<L>;
  /** Runs at the first claim, as part of the first attempt. */
  init: NoInfer<S> | ((payload: P) => NoInfer<S>);
  /** One transition. May run more than once from the same state; the state passed in is a fresh copy each time. */
  step(state: NoInfer<S>, ctx: Ctx<P, R, NoInfer<S>, NoInfer<L>>): Promise<Outcome>;
  /** Durable steps before a bad end is final (exhausted, crashed, cancelled, deadline, limit; not after `fail`): compensate here. Once per life; its wake is "go". */
  recover?(state: NoInfer<S>, cause: Cause, ctx: Ctx<P, R, NoInfer<S>, NoInfer<L>>): Promise<Outcome>;
  /** Carries payload and state of an earlier version over. A throw pauses the item; nothing is lost. */
  migrate?(old: { payload: unknown; state: unknown }, fromVersion: number): { payload: P; state: NoInfer<S> };
  /** Defaults per class in retry.ts: transient 10 attempts, unknown 5, the others 1; full jitter between minMs and maxMs. */
  retry?: Partial<Record<ErrorClass, Retry>>;
  /** Undefined: the built-in classes decide. */
  classify?(error: unknown): ErrorClass | undefined;
  journal?: JournalPolicy;
  limits?: EngineLimits;
}

/** An engine as the runtime sees it: the types are checked where it is defined, and by its schemas at run time. */
export interface Engine extends AnyContract {
  readonly version: number;
  readonly code: EngineCode<Json, Json, Json, Json>;
}

/**
 * The code behind a contract.
 *
 * @throws InvalidArgumentError when a field is not usable.
 */
export function defineEngine<P extends Json, R extends Json, S extends Json, L extends Json = never>(
  contract: Contract<P, R>,
  code: EngineCode<P, R, S, L>,
): Engine & Contract<P, R> {
  checkCode(contract.id, code);
  // Erased once, here: what reaches the code at run time has passed the schemas of these very types.
  const erased = code as unknown as EngineCode<Json, Json, Json, Json>;
  return Object.freeze({ ...contract, version: code.version, code: erased });
}

function checkCode(
  id: string,
  code: {
    version: unknown;
    state: unknown;
    log?: unknown;
    step: unknown;
    init: unknown;
    limits?: EngineLimits;
    journal?: unknown;
    retry?: Partial<Record<ErrorClass, Retry>>;
  },
): void {
  if (!isCount(code.version)) throw new InvalidArgumentError(`engine ${id}: version`, "a whole number from 1", code.version);
  requireSchema(`engine ${id}: state`, code.state);
  if (code.log !== undefined) requireSchema(`engine ${id}: log`, code.log);
  if (typeof code.step !== "function") throw new InvalidArgumentError(`engine ${id}: step`, "a function", code.step);
  if (code.init === undefined)
    throw new InvalidArgumentError(`engine ${id}: init`, "a state or a function of the payload", code.init);
  checkJournal(id, code.journal);
  for (const [name, retry] of Object.entries(code.retry ?? {})) checkRetry(`engine ${id}: retry.${name}`, retry);
  const { meters = {}, ...limits } = code.limits ?? {};
  for (const [name, value] of Object.entries(limits)) checkLimit(id, `limits.${name}`, value);
  for (const [name, value] of Object.entries(meters)) checkLimit(id, `limits.meters.${name}`, value);
}
/** Bounded so that every instant made from it can be stored. */
function checkRetry(what: string, { attempts, minMs = 0, maxMs = 0 }: Retry): void {
  if (!isCount(attempts)) throw new InvalidArgumentError(`${what}.attempts`, "a whole number from 1", attempts);
  for (const [name, value] of Object.entries({ minMs, maxMs })) {
    if (!(value >= 0 && value <= YEAR_MS))
      throw new InvalidArgumentError(`${what}.${name}`, "milliseconds, at most a year", value);
  }
}
function checkJournal(id: string, journal: unknown): void {
  if (journal === undefined || journal === "steps" || journal === "full" || journal === "compact") return;
  if (typeof journal === "object" && journal !== null && "interval" in journal && isCount(journal.interval)) return;
  throw new InvalidArgumentError(`engine ${id}: journal`, '"steps", "full", "compact" or { interval: n }', journal);
}
function checkLimit(id: string, name: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0)) throw new InvalidArgumentError(`engine ${id}: ${name}`, "a number above 0", value);
}
function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
