/** Holds what an effect's `ifInDoubt` says against what its code did in this very process. */
import type { Effect, Fence } from "../../domain/effect.ts";
import type { Engine, StepCtx } from "../../domain/engine.ts";

export interface Untrue {
  readonly key: string;
  readonly engine: string;
  readonly idempotencyKey: string;
}
/** The same engines; an effect that says it did not happen, though its code has returned, is told. */
export function watchTruth(engines: readonly Engine[], returned: Set<string>, onUntrue: (found: Untrue) => void): Engine[] {
  function seen<I, T>(engine: string, key: string, effect: Effect<I, T>): Effect<I, T> {
    const { ifInDoubt } = effect;
    const watched: Effect<I, T> = Object.create(effect);
    watched.run = async (input: I, fence: Fence) => {
      const result = await effect.run(input, fence);
      returned.add(fence.idempotencyKey);
      return result;
    };
    if (typeof ifInDoubt !== "string") {
      watched.ifInDoubt = async (input: I, fence: Fence) => {
        const known = returned.has(fence.idempotencyKey);
        const verdict = await Reflect.apply(ifInDoubt, effect, [input, fence]);
        if (known && "happened" in verdict && !verdict.happened) onUntrue({ key, engine, idempotencyKey: fence.idempotencyKey });
        return verdict;
      };
    }
    return watched;
  }
  function withTruth<C extends StepCtx>(engine: string, ctx: C): C {
    const watched: C = Object.create(ctx);
    Object.defineProperty(watched, "effect", {
      value: <I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T> =>
        ctx.effect(key, input, isEffect(effect) ? seen(engine, key, effect) : effect),
    });
    return watched;
  }
  return engines.map((engine) => {
    const code: Engine["code"] = Object.create(engine.code);
    code.step = (state, ctx) => engine.code.step(state, withTruth(engine.id, ctx));
    const recover = engine.code.recover?.bind(engine.code);
    if (recover !== undefined) code.recover = (state, cause, ctx) => recover(state, cause, withTruth(engine.id, ctx));
    return { ...engine, code };
  });
}
/** What is no effect is refused by the runtime, in its own words. */
function isEffect(effect: unknown): boolean {
  return typeof effect === "object" && effect !== null && typeof Reflect.get(effect, "run") === "function";
}
