import { DidNotHappen, type Effect } from "../domain/effect.ts";
import { EffectConflictError, EffectInDoubtError, messageOf, NestedEffectError } from "../domain/errors.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import { unheeded } from "../runtime/attempt-scope.ts";
import { effectAround, runWithin } from "../runtime/effect-code.ts";
import { sha256 } from "../wire/digest.ts";
import { WORK_ID } from "./solo-item.ts";

/** The result, or what makes it: what that throws is what the effect's own code would have thrown. */
export type EffectAnswer = Json | ((input: Json) => unknown);
export interface EffectCall {
  readonly key: string;
  readonly input: Json;
  /** Undefined when it threw. */
  readonly result?: Json;
}

export function createSoloEffects(answers: { readonly [key: string]: EffectAnswer }, abortSignal: AbortSignal) {
  const calls: EffectCall[] = [];
  const made = new Map<string, { readonly input: string; readonly text: Promise<string> }>();
  /** Stands for the attempt. */
  const attempt = {};
  let inDoubt: EffectInDoubtError | null = null;

  async function answerTo<I, T>(key: string, input: I, text: string, effect: Effect<I, T>): Promise<unknown> {
    const answer = Object.hasOwn(answers, key) ? answers[key] : undefined;
    if (typeof answer === "function") return answer(decodeJson(text));
    if (answer !== undefined) return answer;
    return effect.run(input, { idempotencyKey: `${WORK_ID}/${key}`, fencingToken: 1, abortSignal });
  }
  async function perform<I, T>(key: string, input: I, text: string, effect: Effect<I, T>): Promise<string> {
    const call: { key: string; input: Json; result?: Json } = { key, input: decodeJson(text) };
    calls.push(call);
    try {
      const result = encodeJson(
        await runWithin(attempt, key, () => answerTo(key, input, text, effect)),
        `ctx.effect(${JSON.stringify(key)})`,
      );
      call.result = decodeJson(result);
      return result;
    } catch (error) {
      if (error instanceof DidNotHappen) {
        made.delete(key);
        throw error;
      }
      inDoubt = new EffectInDoubtError(WORK_ID, key, messageOf(error), error);
      throw inDoubt;
    }
  }
  async function call<I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T> {
    const text = encodeJson(input, `ctx.effect(${JSON.stringify(key)}).input`);
    const around = effectAround(attempt);
    if (around !== null) throw new NestedEffectError(WORK_ID, key, around);
    const before = made.get(key);
    if (before !== undefined && before.input !== text)
      throw new EffectConflictError(WORK_ID, "effect", key, sha256(before.input), sha256(text));
    const result = before?.text ?? perform(key, input, text, effect);
    if (before === undefined) made.set(key, { input: text, text: result });
    // What comes back is what would have been stored of a `T`.
    return JSON.parse(await result) as T;
  }
  return {
    calls,
    /** One that nobody awaits and that fails ends the step, as in the runtime, and not the test's process. */
    effect: <I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T> => unheeded(call(key, input, effect)),
    settled: async (): Promise<void> => {
      await Promise.allSettled([...made.values()].map(({ text }) => text));
    },
    throwIfInDoubt: (): void => {
      if (inDoubt !== null) throw inDoubt;
    },
  };
}
