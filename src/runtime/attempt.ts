/**
 * One attempt of one step: load, migrate, run the author's code within its time, and say what became of it. It writes
 * nothing to the item; the session commits what it reports.
 */
import { validate } from "../domain/contract.ts";
import type { ArtifactRef, Cause, Engine, Outcome } from "../domain/engine.ts";
import { InvalidArgumentError, messageOf, NotAnOutcomeError, StepTimeoutError, StoreUnavailableError } from "../domain/errors.ts";
import { type Head, RECOVER_NAME, type StoredCause } from "../domain/head.ts";
import type { FencingToken } from "../domain/ids.ts";
import type { Item, Stored } from "../domain/item.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import { STEP_MS } from "../domain/limits.ts";
import { classOf, type ErrorClass } from "../domain/retry.ts";
import { reviveError } from "../domain/stored-error.ts";
import type { Wait } from "../domain/transition.ts";
import type { Abort } from "./abort.ts";
import type { Deps } from "./deps.ts";
import type { Family } from "./family.ts";
import type { Interruption } from "./interruption.ts";
import { liveWake } from "./mail.ts";
import type { Decided } from "./outcome.ts";
import { type AttemptContext, createStepContext } from "./step-context.ts";
import { keep, load } from "./values.ts";

export interface AttemptInput {
  readonly deps: Deps;
  readonly partition: string;
  readonly item: Item;
  readonly engine: Engine;
  readonly head: Head;
  readonly attempt: number;
  readonly token: FencingToken;
  /** Fired by the session: lost lease, cancel, shutdown; and by the attempt itself when its time is over. */
  readonly abort: Abort;
  readonly cache: ValueCache;
  readonly family: Family;
  /** When the worker's own time is over, though not the step's; null for never. */
  readonly endsAtMs: number | null;
}
/** Texts that hold from one inline step to the next. */
export interface ValueCache {
  payload: string | null;
  /** Of the last commit: who has just written a blob need not read it. */
  state: { readonly stored: Stored | null; readonly text: string } | null;
}

interface Ending {
  readonly meters: Readonly<Record<string, number>>;
  /** It left what a later attempt of the step is to clear away: text in the output stream, or children that are listed. */
  readonly leftTraces: boolean;
  readonly left: boolean;
}
interface Done {
  readonly decided: Settled;
  readonly artifacts: readonly ArtifactRef[];
  readonly carried: Carried;
  /** Sort keys of the signals that it has read. */
  readonly consumed: readonly string[];
}
/** How an attempt ended. `left` is a step that did not heed its abort signal: its process is to be replaced. */
export type AttemptEnd = Ending &
  (
    | ({ readonly kind: "decided" } & Done)
    | (Interruption & { readonly kind: "in_doubt" })
    | { readonly kind: "threw"; readonly error: unknown; readonly class: ErrorClass }
    | { readonly kind: "cannot_migrate"; readonly error: unknown }
  );
/** What a step decided, its values checked. */
export type Settled =
  | {
      readonly kind: "next";
      readonly state: string;
      readonly append: readonly string[];
      readonly at: string;
      readonly wakeAtMs: number;
    }
  | { readonly kind: "wait"; readonly state: string; readonly append: readonly string[]; readonly wait: Wait }
  | {
      readonly kind: "complete";
      readonly result: string;
      readonly append: readonly string[];
      readonly ifUnread: "step" | "drop";
    }
  | { readonly kind: "fail"; readonly error: Error };
/** Payload and version as `migrate` left them. `state` is what the step started from. */
export interface Carried {
  readonly migratedFrom: number | null;
  readonly payload: Stored | null;
  readonly state: string;
}

class MigrationError extends Error {}
/** Whatever its step says, the attempt ends with this. */
class InterruptedError extends Error {
  readonly interruption: Interruption;
  constructor(interruption: Interruption) {
    super("interrupted");
    this.interruption = interruption;
  }
}

/** What is known of an attempt while it runs. */
interface Running {
  readonly endsAtMs: number;
  /** Null until everything is loaded. */
  context: AttemptContext | null;
  over: boolean;
}

export async function runAttempt(input: AttemptInput): Promise<AttemptEnd> {
  const { deps, engine, abort } = input;
  const nowMs = deps.clock.nowMs();
  const stepMs = Math.min(
    engine.code.limits?.stepMs ?? STEP_MS,
    Math.max(0, (input.endsAtMs ?? Number.POSITIVE_INFINITY) - nowMs),
  );
  const running: Running = { endsAtMs: nowMs + stepMs, context: null, over: false };
  const ending = (left: boolean): Ending => {
    const { context } = running;
    return { meters: context?.meters() ?? {}, leftTraces: context?.leftTraces() ?? false, left };
  };
  const cancelTimer = deps.clock.after(stepMs, () => abort.fire(new StepTimeoutError(input.item.workId, stepMs)));
  try {
    const done = await unlessLeft(input, perform(input, running));
    if (done === null) {
      const error = abort.reason;
      return { kind: "threw", error, class: classify(engine, error), ...ending(true) };
    }
    if (abort.reason instanceof StepTimeoutError) throw abort.reason;
    return { kind: "decided", ...done, ...ending(false) };
  } catch (error) {
    // The step has not begun: that its state cannot be read now is not its failure.
    if (running.context === null && error instanceof StoreUnavailableError) throw error;
    if (error instanceof MigrationError) return { kind: "cannot_migrate", error: error.cause, ...ending(false) };
    const interruption = error instanceof InterruptedError ? error.interruption : null;
    if (interruption?.kind === "in_doubt") return { ...interruption, ...ending(false) };
    const thrown = abort.reason instanceof StepTimeoutError ? abort.reason : (interruption?.error ?? error);
    return { kind: "threw", error: thrown, class: classify(engine, thrown), ...ending(false) };
  } finally {
    cancelTimer();
    running.over = true;
    running.context?.revoke();
  }
}

/** Everything that takes time: all of it counts against the step's time, and any of it may never end. */
async function perform(input: AttemptInput, running: Running): Promise<Done> {
  const carried = await carryOver(input);
  const payload = await payloadText(input, carried);
  // Loaded too late: the author's code is not to run in an attempt that has ended.
  if (running.over) throw input.abort.reason;
  const wake = await liveWake(input, input.head.wake);
  if (running.over) throw input.abort.reason;
  const context = createStepContext({ ...input, endsAtMs: running.endsAtMs, payload, wake });
  running.context = context;
  const outcome: unknown = await whole(context, callStep(input, context, carried.state));
  const decided = await checked(context, outcome, input.item.workId);
  const before = context.beforeCommit();
  if (before !== null) await before;
  return {
    decided,
    artifacts: context.artifacts,
    carried: { ...carried, payload: carried.payload ?? input.head.payload },
    consumed: context.consumed(),
  };
}

/** Everything that the step began has settled before its outcome counts, and may outweigh it. */
async function whole<T>(context: AttemptContext, step: Promise<T>): Promise<T> {
  try {
    const outcome = await step;
    await settleAll(context);
    return outcome;
  } catch (error) {
    await settleAll(context);
    throw error;
  }
}
async function settleAll(context: AttemptContext): Promise<void> {
  const settling = context.settled();
  if (settling === null) return;
  await settling;
  const interruption = context.interruption();
  if (interruption !== null) throw new InterruptedError(interruption);
}

/** The state to start from, as JSON text: made by `init`, as stored, or carried over from an earlier engine version. */
async function carryOver(input: AttemptInput): Promise<Carried> {
  const { deps, partition, engine, head, cache } = input;
  if (head.state === null) return { migratedFrom: null, payload: null, state: await initialState(input) };
  const state = cache.state?.stored === head.state ? cache.state.text : await load(deps, partition, head.state);
  if (head.engineVersion === engine.version) return { migratedFrom: null, payload: null, state };
  return migrate(input, state);
}

async function initialState(input: AttemptInput): Promise<string> {
  const { engine } = input;
  const { init } = engine.code;
  const payload = decodeJson(await payloadText(input, null));
  const state: unknown = typeof init === "function" ? init(payload) : init;
  return encodeJson(await validate(`initial state of engine ${engine.id}`, engine.code.state, decodeJson(encodeJson(state))));
}

async function migrate(input: AttemptInput, state: string): Promise<Carried> {
  const { deps, partition, head, item } = input;
  const payload = await load(deps, partition, head.payload ?? item.payload);
  const after = await migrateTexts(input.engine, { payload, state }, head.engineVersion);
  input.cache.payload = after.payload;
  const kept = after.payload === payload ? head.payload : await keep(deps, partition, after.payload);
  return { migratedFrom: head.engineVersion, payload: kept, state: after.state };
}

/** Only what the author's code does pauses the item; a store that cannot be reached does not. */
async function migrateTexts(engine: Engine, old: { payload: string; state: string }, fromVersion: number): Promise<typeof old> {
  try {
    const values = { payload: decodeJson(old.payload), state: decodeJson(old.state) };
    const carried = engine.code.migrate?.(values, fromVersion) ?? values;
    const state = encodeJson(await validate(`migrated state of engine ${engine.id}`, engine.code.state, carried.state));
    const payload = encodeJson(await validate(`migrated payload of engine ${engine.id}`, engine.payload, carried.payload));
    return { payload, state };
  } catch (error) {
    if (engine.code.migrate === undefined) {
      const why = `engine ${engine.id} has no migrate, and what version ${fromVersion} stored does not fit version ${engine.version}`;
      throw new MigrationError("migrate failed", { cause: new Error(`${why}: ${messageOf(error)}`) });
    }
    throw new MigrationError("migrate failed", { cause: error });
  }
}

async function payloadText(input: AttemptInput, carried: Carried | null): Promise<string> {
  const { cache, deps, partition, engine, head, item } = input;
  if (cache.payload === null) {
    const stored = await load(deps, partition, carried?.payload ?? head.payload ?? item.payload);
    const valid = await validate(`payload of work item ${item.workId} (engine ${engine.id})`, engine.payload, decodeJson(stored));
    cache.payload = encodeJson(valid);
  }
  return cache.payload;
}

async function callStep(input: AttemptInput, context: AttemptContext, stateText: string): Promise<Outcome> {
  const { code } = input.engine;
  const state: Json = decodeJson(stateText);
  const { recovery, step } = input.head;
  // `recover` has its turn for as long as the steps are named for it; another name hands over to `step`.
  if (recovery === null || step !== RECOVER_NAME) return code.step(state, context.ctx);
  if (code.recover === undefined)
    throw new InvalidArgumentError(`engine ${input.engine.id}: recover`, "the function that began the recovery", undefined);
  return code.recover(state, liveCause(recovery.cause), context.ctx);
}
function liveCause(cause: StoredCause): Cause {
  return cause.kind === "exhausted" ? { kind: "exhausted", error: reviveError(cause.error) } : cause;
}

/** What became of the attempt; null when it has not ended some time after it was aborted. */
function unlessLeft<T>(input: AttemptInput, attempt: Promise<T>): Promise<T | null> {
  const { deps, abort } = input;
  return new Promise((resolve, reject) => {
    let cancelTimer = (): void => undefined;
    abort.onFire(() => {
      cancelTimer = deps.clock.after(deps.settings.abandonMs, () => resolve(null));
    });
    const end = (): void => {
      abort.onFire(() => undefined);
      cancelTimer();
    };
    attempt.then(
      (done) => {
        end();
        resolve(done);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

async function checked(context: AttemptContext, outcome: unknown, workId: string): Promise<Settled> {
  const decided: Decided | null = context.outcomes.decidedBy(outcome);
  if (decided === null) throw new NotAnOutcomeError(workId, outcome);
  if (decided.kind === "fail") return decided;
  const append = decided.append.length === 0 ? [] : await Promise.all(decided.append);
  if (decided.kind === "complete") return { kind: "complete", result: await decided.result, append, ifUnread: decided.ifUnread };
  if (decided.kind === "wait") return { kind: "wait", state: await decided.state, append, wait: decided.wait };
  const { at, wakeAtMs } = decided;
  return { kind: "next", state: await decided.state, append, at, wakeAtMs };
}

/** The author's word first; a `classify` that itself throws is a bug. */
function classify(engine: Engine, error: unknown): ErrorClass {
  try {
    return engine.code.classify?.(error) ?? classOf(error);
  } catch {
    return "bug";
  }
}
