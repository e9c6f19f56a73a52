/** Which steps of the user's engines are running, in which process: what `settle` waits for. */
import type { Engine, Outcome } from "../domain/engine.ts";

interface Running {
  /** The process that it runs in. */
  readonly holder: string;
  readonly workId: string;
  /** Waited for in vain: it is let run on. */
  left: boolean;
}

export interface StepWatch {
  /** The same engines; their steps are seen. */
  watched(holder: string, engines: readonly Engine[]): Engine[];
  /** Steps that have not ended, those that were left apart. */
  running(): number;
  left(): number;
  /** Nobody waits any longer for the steps that run now. */
  leaveAll(): void;
  /** A process is gone, or a step of it is given up: what still runs of it counts no more. */
  forget(holder: string, workId?: string): void;
}

export function createStepWatch(): StepWatch {
  const steps = new Set<Running>();
  async function seen(holder: string, workId: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const step: Running = { holder, workId, left: false };
    steps.add(step);
    try {
      return await run();
    } finally {
      steps.delete(step);
    }
  }
  function watch(holder: string, engine: Engine): Engine {
    // Made from the code, so that its methods still find their own `this`.
    const code: Engine["code"] = Object.create(engine.code);
    code.step = (state, ctx) => seen(holder, ctx.workId, async () => engine.code.step(state, ctx));
    const recover = engine.code.recover?.bind(engine.code);
    if (recover !== undefined)
      code.recover = (state, cause, ctx) => seen(holder, ctx.workId, async () => recover(state, cause, ctx));
    return { ...engine, code };
  }
  const count = (left: boolean): number => [...steps].filter((step) => step.left === left).length;
  return {
    watched: (holder, engines) => engines.map((engine) => watch(holder, engine)),
    running: () => count(false),
    left: () => count(true),
    leaveAll: () => {
      for (const step of steps) step.left = true;
    },
    forget: (holder, workId) => {
      for (const step of steps) if (step.holder === holder && (workId ?? step.workId) === step.workId) steps.delete(step);
    },
  };
}
