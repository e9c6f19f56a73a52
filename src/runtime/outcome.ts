/** Outcomes: only the `ctx` of the running attempt can make one, checked and encoded as it is made. */
import { type Schema, type Signals, signalSchema, validate } from "../domain/contract.ts";
import type { Engine, Outcome, WaitOptions } from "../domain/engine.ts";
import { InvalidArgumentError } from "../domain/errors.ts";
import { parseGroup, type Until } from "../domain/group.ts";
import { encodeJson, type Json } from "../domain/json.ts";
import type { Wait } from "../domain/transition.ts";

/** What a step decided, as JSON text. A promise where a schema is asynchronous. */
export type Decided =
  | {
      readonly kind: "next";
      readonly state: Checked;
      readonly append: readonly Checked[];
      readonly at: string;
      readonly wakeAtMs: number;
    }
  | { readonly kind: "wait"; readonly state: Checked; readonly append: readonly Checked[]; readonly wait: Wait }
  | {
      readonly kind: "complete";
      readonly result: Checked;
      readonly append: readonly Checked[];
      readonly ifUnread: "step" | "drop";
    }
  | { readonly kind: "fail"; readonly error: Error };
export type Checked = string | Promise<string>;

const STEP_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_ .:/-]{0,63}$/u;

export interface OutcomeMaker {
  next(state: Json, options?: { at?: string; append?: Json[]; delayMs?: number; untilAtMs?: number }): Outcome;
  waitFor(state: Json, what: WaitOptions<Signals, Json>): Outcome;
  complete(result: Json, options?: { append?: Json[]; ifUnread?: "step" | "drop" }): Outcome;
  fail(error: Error): Outcome;
  /** What the outcome says; null when this maker did not make it. */
  decidedBy(outcome: unknown): Decided | null;
}

export function createOutcomeMaker(engine: Engine, defaultStep: string, nowMs: () => number): OutcomeMaker {
  const made = new Map<unknown, Decided>();
  function make(decided: Decided): Outcome {
    const outcome = Object.freeze({});
    made.set(outcome, decided);
    return outcome as Outcome;
  }
  return {
    next(state, options = {}) {
      const at = stepName("ctx.next", options.at ?? defaultStep);
      const wakeAtMs = wakeAt(options, nowMs());
      return make({
        kind: "next",
        state: check(`state of engine ${engine.id}`, engine.code.state, state),
        append: entries(engine, options.append),
        at,
        wakeAtMs,
      });
    },
    waitFor(state, what) {
      return make({
        kind: "wait",
        state: check(`state of engine ${engine.id}`, engine.code.state, state),
        append: entries(engine, what.append),
        wait: waitOf(engine, what, defaultStep, nowMs()),
      });
    },
    complete(result, options = {}) {
      const { ifUnread = "drop" } = options;
      if (ifUnread !== "drop" && ifUnread !== "step")
        throw new InvalidArgumentError("ctx.complete: ifUnread", "step or drop", ifUnread);
      return make({
        kind: "complete",
        result: check(`result of engine ${engine.id}`, engine.result, result),
        append: entries(engine, options.append),
        ifUnread,
      });
    },
    fail(error) {
      return make({ kind: "fail", error });
    },
    decidedBy: (outcome) => made.get(outcome) ?? null,
  };
}

/** The value's JSON text as its schema returns it. @throws SchemaError, NotJsonError */
function check(what: string, schema: Schema<Json>, value: unknown): Checked {
  const answer = schema["~standard"].validate(value);
  if (!(answer instanceof Promise) && answer.issues === undefined) return encodeJson(answer.value);
  const checked = validate(what, schema, value).then((valid) => encodeJson(valid));
  // Awaited by the attempt; an outcome that is never returned must not end the process.
  checked.catch(() => undefined);
  return checked;
}

function entries(engine: Engine, append: readonly Json[] | undefined): Checked[] {
  if (append === undefined || append.length === 0) return [];
  const { log } = engine.code;
  if (log === undefined) throw new InvalidArgumentError("append", `an engine with a log schema (${engine.id} has none)`, append);
  return append.map((entry, i) => check(`log entry ${i} of engine ${engine.id}`, log, entry));
}

function stepName(what: string, at: unknown): string {
  if (typeof at === "string" && STEP_NAME.test(at)) return at;
  throw new InvalidArgumentError(`${what}: at`, "1 to 64 letters, digits, spaces and _ . : / -", at);
}

function waitOf(engine: Engine, what: WaitOptions<Signals, Json>, defaultStep: string, nowMs: number): Wait {
  const { signals = [], group, until, timeoutMs } = what;
  for (const name of signals) signalSchema(engine, name);
  if (until !== undefined && group === undefined)
    throw new InvalidArgumentError("ctx.waitFor: until", "a group beside it", until);
  if (signals.length === 0 && group === undefined && timeoutMs === undefined)
    throw new InvalidArgumentError("ctx.waitFor", "signals, a group or a timeout to wait for", what);
  return {
    step: stepName("ctx.waitFor", what.at ?? defaultStep),
    signals: [...new Set(signals)],
    group: group === undefined ? null : { name: parseGroup(group), until: parseUntil(until ?? "all") },
    timeoutAtMs: timeoutMs === undefined ? null : instantAfter("ctx.waitFor: timeoutMs", nowMs, timeoutMs),
  };
}
function parseUntil(until: unknown): Until {
  if (until === "all" || until === "any") return until;
  const expected = `"all", "any" or { succeeded, failedAtMost } in whole numbers`;
  if (typeof until !== "object" || until === null) throw new InvalidArgumentError("ctx.waitFor: until", expected, until);
  const counts: { succeeded?: number; failedAtMost?: number } = {};
  for (const [name, count] of Object.entries(until)) {
    if (count === undefined) continue;
    if ((name !== "succeeded" && name !== "failedAtMost") || !Number.isSafeInteger(count) || count < 0)
      throw new InvalidArgumentError(`ctx.waitFor: until.${name}`, expected, count);
    counts[name] = count;
  }
  return counts;
}

function wakeAt(options: { delayMs?: number; untilAtMs?: number }, nowMs: number): number {
  const { delayMs, untilAtMs } = options;
  if (delayMs !== undefined && untilAtMs !== undefined)
    throw new InvalidArgumentError("ctx.next", "delayMs or untilAtMs, not both", options);
  if (delayMs !== undefined) return instantAfter("ctx.next: delayMs", nowMs, delayMs);
  return untilAtMs === undefined ? nowMs : requireTime("ctx.next: untilAtMs", untilAtMs);
}
/** The last instant that a Date can hold. */
const LAST_INSTANT_MS = 8.64e15;
/** An instant that can be stored, and shown. */
function instantAfter(what: string, nowMs: number, ms: unknown): number {
  const atMs = nowMs + requireTime(what, ms);
  if (atMs > LAST_INSTANT_MS) throw new InvalidArgumentError(what, "milliseconds up to the year 275760", ms);
  return atMs;
}
export function requireTime(what: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= LAST_INSTANT_MS) return Math.ceil(value);
  throw new InvalidArgumentError(what, "milliseconds, 0 or more", value);
}
