/** One step by itself: no store, no worker, no time. For unit tests of what a step decides. */
import { type Contract, type Signals, validate } from "../domain/contract.ts";
import type { Engine } from "../domain/engine.ts";
import { assertNever, InvalidArgumentError, NotAnOutcomeError } from "../domain/errors.ts";
import type { Until } from "../domain/group.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import type { Decided } from "../runtime/outcome.ts";
import { createSoloContext, type Deeds, type Given } from "./solo-context.ts";
import { WORK_ID } from "./solo-item.ts";

export interface StepInput<P, G extends Signals> extends Given<G> {
  readonly payload: P;
  /** Default what `init` makes of the payload. */
  readonly state?: Json;
}
/** What the step decided. Instants are given as delays from `nowAtMs`, too. */
export type StepOutcome<R> =
  | {
      readonly kind: "next";
      readonly state: Json;
      /** The name of the step to come. */
      readonly at: string;
      readonly delayMs: number;
      readonly wakeAtMs: number;
    }
  | {
      readonly kind: "waitFor";
      readonly state: Json;
      readonly at: string;
      readonly signals: readonly string[];
      readonly group: string | null;
      readonly until: Until | null;
      /** Null: no timeout. */
      readonly timeoutMs: number | null;
    }
  | { readonly kind: "complete"; readonly result: R; readonly ifUnread: "step" | "drop" }
  | { readonly kind: "fail"; readonly error: Error };
/** What it decided, and what it did; everything stored comes back as JSON. */
export type StepRun<R> = StepOutcome<R> & Deeds & { readonly appended: readonly Json[] };

/**
 * Runs one step of an engine and says what came of it. Payload, state, signals, log entries, results and states are
 * held against their schemas, as by the runtime. Rejects with what the step threw.
 *
 * @throws SchemaError, NotJsonError, NotAnOutcomeError, EffectConflictError, EffectInDoubtError, NestedEffectError
 */
export async function runStep<P extends Json, R extends Json, G extends Signals>(
  engine: Engine & Contract<P, R, G>,
  input: StepInput<P, G>,
): Promise<StepRun<R>> {
  const { code } = engine;
  const payload = encodeJson(await validate(`payload of engine ${engine.id}`, engine.payload, stored(input.payload)));
  const state = await stateOf(engine, payload, input.state);
  const solo = await createSoloContext(engine, payload, input);
  const call = async (): Promise<unknown> => {
    if (input.cause === undefined) return code.step(decodeJson(state), solo.ctx);
    if (code.recover !== undefined) return code.recover(decodeJson(state), input.cause, solo.ctx);
    throw new InvalidArgumentError("runStep: cause", `an engine with recover (${engine.id} has none)`, input.cause);
  };
  try {
    const outcome = await call().finally(() => solo.settled());
    solo.throwIfInDoubt();
    const decided = solo.outcomes.decidedBy(outcome);
    if (decided === null) throw new NotAnOutcomeError(WORK_ID, outcome);
    const appended = decided.kind === "fail" ? [] : (await Promise.all(decided.append)).map(decodeJson);
    return { ...(await described<R>(decided, solo.nowMs)), ...(await solo.deeds()), appended };
  } finally {
    solo.revoke();
  }
}

function stored(value: unknown): Json {
  return decodeJson(encodeJson(value));
}
async function stateOf({ id, code }: Engine, payload: string, given: Json | undefined): Promise<string> {
  const { init } = code;
  const state = given ?? (typeof init === "function" ? init(decodeJson(payload)) : init);
  return encodeJson(await validate(`state of engine ${id}`, code.state, stored(state)));
}

async function described<R>(decided: Decided, nowMs: number): Promise<StepOutcome<R>> {
  switch (decided.kind) {
    case "next": {
      const { at, wakeAtMs } = decided;
      return { kind: "next", state: decodeJson(await decided.state), at, delayMs: Math.max(0, wakeAtMs - nowMs), wakeAtMs };
    }
    case "wait": {
      const { step, signals, group, timeoutAtMs } = decided.wait;
      const timeoutMs = timeoutAtMs === null ? null : timeoutAtMs - nowMs;
      const what = { signals, group: group?.name ?? null, until: group?.until ?? null, timeoutMs };
      return { kind: "waitFor", state: decodeJson(await decided.state), at: step, ...what };
    }
    case "complete":
      return { kind: "complete", result: JSON.parse(await decided.result) as R, ifUnread: decided.ifUnread };
    case "fail":
      return decided;
    default:
      return assertNever(decided);
  }
}
