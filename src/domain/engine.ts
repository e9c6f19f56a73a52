/** What an engine author writes, and what a step is given. Durations and instants are milliseconds. */

import { type AnyContract, type Contract, type NoSignals, requireSchema, type Schema, type Signals } from "./contract.ts";
import type { Effect } from "./effect.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { Until } from "./group.ts";
import type { Json } from "./json.ts";
import type { Lane } from "./lane.ts";
import { DAY_MS } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { ErrorClass, Retry } from "./retry.ts";

type Ms = number;
const YEAR_MS = 366 * DAY_MS;

/** A signal as a step gets it; `name` tells the type of its payload. */
export type Signal<G extends Signals, N extends keyof G = keyof G> = {
  readonly [K in N]: { readonly name: K; readonly payload: G[K]; readonly id: string; readonly sentAtMs: Ms };
}[N];
/** Why this step runs. The same on every attempt of the step. */
export type Wake<G extends Signals = NoSignals> =
  | { readonly kind: "go" }
  | { readonly kind: "timeout" }
  | { readonly kind: "resumed"; readonly note: string }
  | { readonly kind: "signal"; readonly signal: Signal<G> }
  | { readonly kind: "children"; readonly group: string; readonly succeeded: number; readonly failed: number };

/** Why an item is about to end badly; what `recover` is given. */
export type Cause =
  | { readonly kind: "exhausted"; readonly error: Error }
  | { readonly kind: "crashed"; readonly attempts: number }
  | { readonly kind: "cancelled"; readonly reason: string }
  | { readonly kind: "deadline" }
  | { readonly kind: "limit"; readonly name: string };

declare const made: unique symbol;
/** What a step returns: only `ctx.next`, `ctx.waitFor`, `ctx.complete` and `ctx.fail` make one. */
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

/** How an item ended. */
export type Ended<R> =
  | { readonly status: "completed"; readonly result: R }
  | { readonly status: "failed" | "cancelled" | "dead_lettered"; readonly error: Error };

export interface StartOptions {
  /** Default "normal". */
  readonly lane?: Lane;
  /** Tenants of a lane take turns. Default none. */
  readonly tenant?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** From 0 to years. Default 0. */
  readonly delayMs?: Ms;
  /** From enqueue. Default none. */
  readonly deadlineMs?: Ms;
}
export interface ChildOptions extends StartOptions {
  /** The same key again is the same child, whichever step says it. */
  readonly key: string;
  /** To wait for with `ctx.waitFor({ group })`; 1 to 128 characters. Default none. */
  readonly group?: string;
  /** Of the group at work at once; the first value given stands. Default no limit. */
  readonly limit?: number;
  /**
   * What becomes of a child that has not ended when its parent has, well or badly. Default "cancel", which its own children
   * follow.
   */
  readonly ifParentEnds?: "cancel" | "leave";
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
  /**
   * A side effect with a ledger: never quietly run twice or skipped. The same key with another input is an error that
   * names both digests. Results come back as stored JSON, also the first time. Effects of one step may run in parallel;
   * all settle before the step commits.
   *
   * @throws EffectConflictError, NestedEffectError, EffectFailedError, DidNotHappen
   */
  effect<I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T>;
  /**
   * Starts a child, idempotently by key, and answers its work id. It begins at once; a wait for its group counts it once
   * this step is committed. Many may be started in parallel, and all starts settle before the step commits.
   *
   * @throws SchemaError, NotJsonError, InvalidArgumentError, and EffectConflictError for a key with another payload or engine
   */
  start<P extends Json, R extends Json, G extends Signals>(
    contract: Contract<P, R, G>,
    payload: P,
    options: ChildOptions,
  ): Promise<string>;
  /**
   * The children of a group that have ended and were started by earlier steps, in the order of starting. They are kept as
   * long as their parent is open.
   *
   * @throws SchemaError when a result does not fit the contract.
   */
  results<R extends Json>(contract: Contract<Json, R>, group: string): AsyncIterable<{ readonly key: string } & Ended<R>>;
  /** Appends to the item's output stream, which `client.output` reads live. What an attempt wrote counts once it commits. */
  write(chunk: string): void;
  /** A one-shot token that stands for a signal to this item, for whoever has no client. The same on every attempt of the step. */
  callbackToken(signal: string, options: { expiresMs: Ms }): Promise<string>;
  /**
   * Adds to a meter (tokens, dollars); committed with the attempt, failed ones too, and held against limits.meters. Call
   * it within the `run` of a `once`, or what is remembered counts again on every attempt.
   */
  meter(name: string, amount: number): void;
  readonly artifacts: Artifacts;
}

export interface WaitOptions<G extends Signals, L> {
  /** Any of these. */
  signals?: (keyof G & string)[];
  /** A group of children. An empty one is satisfied at once. */
  group?: string;
  /** Of the group. Default "all". `failedAtMost`: when all have ended, or as soon as more have failed. */
  until?: Until;
  /** Wakes with "timeout". Default none: it may wait for ever. */
  timeoutMs?: Ms;
  /** Names the step to come. */
  at?: string;
  append?: L[];
}

export interface Ctx<P, R, G extends Signals, S, L> extends StepCtx {
  readonly payload: P;
  readonly wake: Wake<G>;
  /** Committed entries, oldest first; `last` reads no more than it needs. */
  readLog(options?: { last?: number }): Promise<readonly L[]>;
  /**
   * Buffered signals of a name, oldest first, without waiting; consumed by this step's commit. Default 16, which is the
   * most. A later attempt may take more: a memo that depends on what was taken has their ids in its key.
   */
  take<N extends keyof G & string>(name: N, max?: number): Promise<Signal<G, N>[]>;
  /** Go on: at once, after a delay, or at an instant. `at` names the step to come. */
  next(state: S, options?: { at?: string; append?: L[]; delayMs?: Ms; untilAtMs?: Ms }): Outcome;
  /** Wait for whichever comes first. */
  waitFor(state: S, what: WaitOptions<G, L>): Outcome;
  /** `ifUnread: "step"`: a signal that was accepted before the end is never dropped; the step runs once more with it. Default "drop". */
  complete(result: R, options?: { append?: L[]; ifUnread?: "step" | "drop" }): Outcome;
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

export interface EngineCode<P extends Json, R extends Json, G extends Signals, S extends Json, L extends Json> {
  /** A whole number from 1; a worker leaves items of a newer version to newer workers. */
  version: number;
  state: Schema<S>;
  /** Entries of an append-only log that grows with the work: appended by outcomes, committed with the step, sealed in segments. */
  log?: Schema<L>;
  /** Runs at the first claim, as part of the first attempt. */
  init: NoInfer<S> | ((payload: P) => NoInfer<S>);
  /** One transition. May run more than once from the same state; the state passed in is a fresh copy each time. */
  step(state: NoInfer<S>, ctx: Ctx<P, R, G, NoInfer<S>, NoInfer<L>>): Promise<Outcome>;
  /**
   * Durable steps before a bad end is final (exhausted, crashed, cancelled, deadline, limit; not after `fail`): compensate
   * here, once per life; its wake is "go". It is called for every step of the recovery until an outcome names the step to
   * come with `at`: from then on `step` is, with the state that says what is to be undone. Unless the item completes, its
   * end is that of the cause.
   */
  recover?(state: NoInfer<S>, cause: Cause, ctx: Ctx<P, R, G, NoInfer<S>, NoInfer<L>>): Promise<Outcome>;
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
  readonly code: EngineCode<Json, Json, Signals, Json, Json>;
}

/**
 * The code behind a contract.
 *
 * @throws InvalidArgumentError when a field is not usable.
 */
export function defineEngine<P extends Json, R extends Json, G extends Signals, S extends Json, L extends Json = never>(
  contract: Contract<P, R, G>,
  code: EngineCode<P, R, G, S, L>,
): Engine & Contract<P, R, G> {
  checkCode(contract.id, code);
  // Erased once, here: what reaches the code at run time has passed the schemas of these very types.
  const erased = code as unknown as Engine["code"];
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
