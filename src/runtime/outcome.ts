/** Outcomes: only the `ctx` of the running attempt can make one, checked and encoded as it is made. */
import { type Schema, validate } from "../domain/contract.ts";
import type { Engine, Outcome } from "../domain/engine.ts";
import { InvalidArgumentError } from "../domain/errors.ts";
import { encodeJson, type Json } from "../domain/json.ts";

/** What a step decided, as JSON text. A promise where a schema is asynchronous. */
export type Decided =
  | {
      readonly kind: "next";
      readonly state: Checked;
      readonly append: readonly Checked[];
      readonly at: string;
      readonly wakeAtMs: number;
    }
  | { readonly kind: "complete"; readonly result: Checked; readonly append: readonly Checked[] }
  | { readonly kind: "fail"; readonly error: Error };
export type Checked = string | Promise<string>;

const STEP_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_ .:/-]{0,63}$/u;

export interface OutcomeMaker {
  next(state: Json, options?: { at?: string; append?: Json[]; delayMs?: number; untilAtMs?: number }): Outcome;
  complete(result: Json, options?: { append?: Json[] }): Outcome;
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
      const at: unknown = options.at ?? defaultStep;
      if (typeof at !== "string" || !STEP_NAME.test(at))
        throw new InvalidArgumentError("ctx.next: at", "1 to 64 letters, digits, spaces and _ . : / -", at);
      const wakeAtMs = wakeAt(options, nowMs());
      return make({
        kind: "next",
        state: check(`state of engine ${engine.id}`, engine.code.state, state),
        append: entries(engine, options.append),
        at,
        wakeAtMs,
      });
    },
    complete(result, options = {}) {
      return make({
        kind: "complete",
        result: check(`result of engine ${engine.id}`, engine.result, result),
        append: entries(engine, options.append),
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

function wakeAt(options: { delayMs?: number; untilAtMs?: number }, nowMs: number): number {
  const { delayMs, untilAtMs } = options;
  if (delayMs !== undefined && untilAtMs !== undefined)
    throw new InvalidArgumentError("ctx.next", "delayMs or untilAtMs, not both", options);
  if (delayMs !== undefined) return nowMs + requireTime("ctx.next: delayMs", delayMs);
  return untilAtMs === undefined ? nowMs : requireTime("ctx.next: untilAtMs", untilAtMs);
}
/** The last instant that a Date can hold. */
const LAST_INSTANT_MS = 8.64e15;
export function requireTime(what: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= LAST_INSTANT_MS) return Math.ceil(value);
  throw new InvalidArgumentError(what, "milliseconds, 0 or more", value);
}
