/** `ctx.effect`: what is checked before a call, and what the calls of one attempt have in common (G6). */
import { type Effect, type EffectScope, type Fence, idempotencyKey, isDidNotHappen } from "../domain/effect.ts";
import type { StepCtx } from "../domain/engine.ts";
import { EffectConflictError, InvalidArgumentError, NestedEffectError, quote } from "../domain/errors.ts";
import { keyOfStep } from "../domain/head.ts";
import { encodeJson } from "../domain/json.ts";
import { effectKey } from "../domain/keys.ts";
import { EFFECT_KEY_CHARS, EFFECT_MAX_MS, EFFECT_MS } from "../domain/limits.ts";
import { sha256 } from "../wire/digest.ts";
import { type Part, unheeded } from "./attempt-scope.ts";
import { type EffectCall, makeEffect } from "./effect-call.ts";
import { effectAround } from "./effect-code.ts";
import { revive } from "./values.ts";

export interface Effects extends Pick<StepCtx, "effect"> {
  /** An effect has not come to an end. */
  isBusy(): boolean;
  /** Resolves once every effect that was begun has come to an end; never rejects. */
  settled(): Promise<void>;
}

export function createEffects(part: Part): Effects {
  const { scope } = part;
  const made = new Map<string, { readonly inputDigest: string; readonly result: Promise<string> }>();
  const underWay = new Set<Promise<string>>();

  function begin(call: EffectCall): Promise<string> {
    const { sort, key, inputDigest } = call;
    const before = made.get(sort);
    if (before !== undefined) {
      if (before.inputDigest === inputDigest) return before.result;
      throw new EffectConflictError(scope.item.workId, "effect", key, before.inputDigest, inputDigest);
    }
    const result = makeEffect(call);
    made.set(sort, { inputDigest, result });
    underWay.add(result);
    result.then(
      () => underWay.delete(result),
      (error: unknown) => {
        underWay.delete(result);
        // Nothing was made of it: the step may try it again on the spot, or with the input that is on record.
        if (isDidNotHappen(error) || error instanceof EffectConflictError) made.delete(sort);
      },
    );
    return result;
  }
  async function perform<I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T> {
    const call = callOf(part, key, input, effect);
    const around = effectAround(scope);
    if (around !== null) throw new NestedEffectError(scope.item.workId, key, around);
    if (scope.abort.aborted) throw scope.abort.reason;
    return revive<T>(await begin(call));
  }
  return {
    effect: (key, input, effect) => unheeded(perform(key, input, effect)),
    isBusy: () => underWay.size > 0,
    settled: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

/** @throws InvalidArgumentError, NotJsonError */
function callOf<I, T>(part: Part, key: string, input: I, effect: Effect<I, T>): EffectCall {
  const { head, item } = part.scope;
  checkKey(key);
  const what = `ctx.effect(${quote(key)})`;
  const { scope, timeoutMs } = checkEffect(what, effect);
  const text = encodeJson(input, `${what}.input`);
  const digest = sha256(scope === "item" ? key : keyOfStep(head, key));
  const step = { workId: item.workId, version: head.version, recoveringSinceMs: head.recovery?.sinceMs ?? null };
  return {
    part,
    key,
    scope,
    sort: effectKey(scope === "item" ? scope : head.version, digest),
    inputDigest: sha256(text),
    timeoutMs,
    idempotencyKey: idempotencyKey(step, scope, key, sha256(key)),
    run: (fence: Fence) => effect.run(revive<I>(text), fence),
    ifInDoubt: typeof effect.ifInDoubt === "string" ? effect.ifInDoubt : (fence: Fence) => asked(effect, revive<I>(text), fence),
  };
}

/** As a method of the effect, so that it may use `this`. */
async function asked<I, T>(effect: Effect<I, T>, input: I, fence: Fence): Promise<unknown> {
  if (typeof effect.ifInDoubt === "string") return null;
  return effect.ifInDoubt(input, fence);
}

function checkKey(key: unknown): void {
  if (typeof key === "string" && key !== "" && key.length <= EFFECT_KEY_CHARS && key.isWellFormed()) return;
  throw new InvalidArgumentError("ctx.effect: key", `a well-formed text of 1 to ${EFFECT_KEY_CHARS} characters`, key);
}
function checkEffect(what: string, effect: unknown): { scope: EffectScope; timeoutMs: number } {
  if (typeof effect !== "object" || effect === null) throw new InvalidArgumentError(what, "an effect", effect);
  const field = (name: keyof Effect<unknown, unknown>): unknown => Reflect.get(effect, name);
  const [run, ifInDoubt, scope = "step", timeoutMs = EFFECT_MS] = [
    field("run"),
    field("ifInDoubt"),
    field("scope"),
    field("timeoutMs"),
  ];
  if (typeof run !== "function") throw new InvalidArgumentError(`${what}: run`, "a function", run);
  if (typeof ifInDoubt !== "function" && ifInDoubt !== "rerun" && ifInDoubt !== "park")
    throw new InvalidArgumentError(`${what}: ifInDoubt`, `"rerun", "park" or a function that asks what happened`, ifInDoubt);
  if (scope !== "step" && scope !== "item") throw new InvalidArgumentError(`${what}: scope`, `"step" or "item"`, scope);
  if (!(typeof timeoutMs === "number" && timeoutMs >= 1 && timeoutMs <= EFFECT_MAX_MS))
    throw new InvalidArgumentError(`${what}: timeoutMs`, `1 to ${EFFECT_MAX_MS} ms`, timeoutMs);
  return { scope, timeoutMs: Math.ceil(timeoutMs) };
}
