/** Every beginning and end of an engine's code is seen, in whichever process it runs. */
import type { Engine, Outcome } from "../../domain/engine.ts";
import type { Json } from "../../domain/json.ts";
import type { SimProcess } from "./sim-process.ts";

export interface StepBegin {
  readonly actor: SimProcess;
  readonly workId: string;
  readonly version: number;
  readonly attempt: number;
  readonly state: Json;
  /** What woke it, as JSON text. */
  readonly wake: string;
  readonly recovering: boolean;
  readonly engineVersion: number;
}
export interface StepObserver {
  began(step: StepBegin): void;
  ended(step: StepBegin): void;
}

type StepLike = { readonly workId: string; readonly step: number; readonly attempt: number; readonly wake: object };

/** The same engines, seen. */
export function watchEngines(actor: SimProcess, engines: readonly Engine[], observer: StepObserver): Engine[] {
  const seen = async (
    engine: Engine,
    ctx: StepLike,
    given: { readonly state: Json; readonly recovering: boolean },
    act: () => Promise<Outcome>,
  ): Promise<Outcome> => {
    const { workId, step: version, attempt } = ctx;
    const wake = JSON.stringify(ctx.wake);
    const step: StepBegin = { actor, workId, version, attempt, ...given, wake, engineVersion: engine.version };
    observer.began(step);
    try {
      return await act();
    } finally {
      observer.ended(step);
    }
  };
  return engines.map((engine) => {
    // Made from the code, so that its methods still find their own `this`.
    const code: Engine["code"] = Object.create(engine.code);
    code.step = (state, ctx) => seen(engine, ctx, { state, recovering: false }, () => engine.code.step(state, ctx));
    const recover = engine.code.recover?.bind(engine.code);
    if (recover !== undefined)
      code.recover = (state, cause, ctx) => seen(engine, ctx, { state, recovering: true }, () => recover(state, cause, ctx));
    return { ...engine, code };
  });
}
