/** What a step is given, made by hand: memos and a ledger outlive the attempts, which end when a test says so. */
import {
  CtxRevokedError,
  DidNotHappen,
  type Effect,
  EffectConflictError,
  EffectInDoubtError,
  type Json,
  type StepCtx,
} from "../../src/index.ts";

interface Entry {
  readonly input: string;
  readonly state: "reserved" | "confirmed";
  readonly result: string;
}
export interface Double {
  readonly memos: Map<string, string>;
  readonly ledger: Map<string, Entry>;
  readonly output: string[];
  readonly meters: Record<string, number>;
  readonly logged: string[];
  /** Runs one attempt; `kill()` within it ends it as kill -9 would: it never hears of it. */
  attempt<T>(step: (ctx: StepCtx, kill: () => Promise<never>) => Promise<T>): Promise<T | "killed">;
}

export function createDouble(): Double {
  const memos = new Map<string, string>();
  const ledger = new Map<string, Entry>();
  const output: string[] = [];
  const meters: Record<string, number> = {};
  const logged: string[] = [];
  let attempts = 0;

  function createCtx(attempt: number, isOver: () => boolean): StepCtx {
    const unused = (): never => {
      throw new Error("not part of the double");
    };
    const abort = new AbortController();
    const guard = (what: string): void => {
      if (isOver()) throw new CtxRevokedError("w", what);
    };
    return {
      workId: "w",
      namespace: "n",
      step: 0,
      attempt,
      abortSignal: abort.signal,
      remainingMs: 60_000,
      logger: { debug: unused, info: unused, warn: (message) => void logged.push(message), error: unused },
      now: () => 0,
      meter: (name, amount) => {
        meters[name] = (meters[name] ?? 0) + amount;
      },
      write: (chunk) => {
        guard("write");
        output.push(chunk);
      },
      once: async (key, run) => {
        guard("once");
        if (!memos.has(key)) {
          const text = JSON.stringify(await run());
          guard("once");
          memos.set(key, text);
        }
        return JSON.parse(memos.get(key) ?? "null");
      },
      effect: async <I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T> => {
        guard("effect");
        const text = JSON.stringify(input);
        const before = ledger.get(key);
        if (before !== undefined && before.input !== text) throw new EffectConflictError("w", "effect", key, before.input, text);
        if (before?.state === "confirmed") return JSON.parse(before.result);
        const fence = { idempotencyKey: `w/${key}`, fencingToken: attempt, abortSignal: abort.signal };
        const confirm = (result: T): T => {
          guard("effect");
          ledger.set(key, { input: text, state: "confirmed", result: JSON.stringify(result) });
          return JSON.parse(JSON.stringify(result));
        };
        if (before !== undefined && effect.ifInDoubt !== "rerun") {
          if (effect.ifInDoubt === "park") throw new EffectInDoubtError("w", key, "a person must say");
          const verdict = await effect.ifInDoubt(input, fence);
          if ("askAgainMs" in verdict) throw new EffectInDoubtError("w", key, "it is asked again");
          if (verdict.happened) return confirm(verdict.result);
        }
        ledger.set(key, { input: text, state: "reserved", result: "" });
        try {
          return confirm(await effect.run(input, fence));
        } catch (error) {
          if (error instanceof CtxRevokedError) throw error;
          if (error instanceof DidNotHappen) ledger.delete(key);
          else throw new EffectInDoubtError("w", key, "it threw", error);
          throw error;
        }
      },
      start: unused,
      results: unused,
      callbackToken: unused,
      artifacts: { put: unused, putJson: unused, read: unused },
    };
  }
  return {
    memos,
    ledger,
    output,
    meters,
    logged,
    attempt: async (step) => {
      attempts++;
      let over = false;
      const killed = Promise.withResolvers<"killed">();
      const ctx = createCtx(attempts, () => over);
      const kill = (): Promise<never> => {
        over = true;
        killed.resolve("killed");
        return new Promise(() => undefined);
      };
      try {
        return await Promise.race([step(ctx, kill), killed.promise]);
      } finally {
        over = true;
      }
    },
  };
}

/** Results by effect key, those that are confirmed. */
export function confirmed({ ledger }: Double): Record<string, Json> {
  return Object.fromEntries(
    [...ledger].flatMap(([key, { state, result }]) => (state === "confirmed" ? [[key, JSON.parse(result)]] : [])),
  );
}
