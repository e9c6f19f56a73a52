/** The world outside: systems that do what they are asked, sometimes without saying so, and can be asked what they did. */
import { DidNotHappen, type Fence } from "../../src/index.ts";
import type { Theatre } from "../../src/testing/simulator/world.ts";
import type { Place } from "./workloads/workload.ts";

interface Call {
  readonly startedAtMs: number;
  /** It has taken effect, or never will. */
  decided: boolean;
  /** It said that it surely did not happen. */
  refused: boolean;
}
interface Asked {
  readonly atMs: number;
  readonly happened: boolean;
}
/** All that is known outside of one idempotency key. */
interface Ledger {
  readonly calls: Call[];
  readonly asked: Asked[];
  readonly results: number[];
}

export interface Outside {
  /** Does it, after a while: the result is another one every time. */
  act(place: Place, fence: Fence): Promise<number>;
  /** Truthful, at this instant. A person may ask when it is no longer the time to. */
  ask(
    key: string,
    who: "runtime" | "person",
  ): { readonly happened: true; readonly result: number } | { readonly happened: false };
  /** What a step was given as the effect's result. */
  given(key: string, result: number): void;
  /** Whether all is as its `ifInDoubt` promises. */
  check(key: string, kind: "rerun" | "park" | "ask"): void;
}

/** How long an effect may take, and how long it takes. */
export const ACT_MS = 60_000;
const LATENCY_MS = 2_000;
const LONG_MS = 55_000;
const LONG = 0.25;
/** More than any two clocks are apart. */
const CLOCKS_MS = 20_000;

export function createOutside({ stage, witness }: Theatre): Outside {
  const ledgers = new Map<string, Ledger>();
  const given = new Map<string, number>();
  const nowMs = (): number => stage.scheduler.elapsedMs();
  const of = (key: string): Ledger => {
    const ledger = ledgers.get(key) ?? { calls: [], asked: [], results: [] };
    ledgers.set(key, ledger);
    return ledger;
  };
  return {
    act({ process, isCalm }, { idempotencyKey, fencingToken }) {
      witness.acts(process.name, idempotencyKey.split("/")[0] ?? "", fencingToken);
      const ledger = of(idempotencyKey);
      const call: Call = { startedAtMs: nowMs(), decided: false, refused: false };
      ledger.calls.push(call);
      const [fate, silent] = [isCalm() ? 1 : stage.draw("outside"), stage.draw("outside") < 0.5];
      const latencyMs = !isCalm() && stage.draw("outside") < LONG ? LONG_MS : LATENCY_MS;
      const apply = (): number => {
        call.decided = true;
        const result = ledger.results.length + 1;
        ledger.results.push(result);
        return result;
      };
      // A request on its way when its sender dies arrives at once, or never.
      process.onDeath(() => {
        if (call.decided) return;
        call.decided = true;
        if (silent) apply();
      });
      return new Promise<number>((resolve, reject) => {
        const hear = (what: () => void): void => {
          if (process.isDead()) return;
          const heldMs = process.frozenMs();
          if (heldMs > 0) stage.scheduler.in(heldMs, () => hear(what));
          else what();
        };
        stage.scheduler.in(stage.draw("outside") ** 2 * latencyMs, () => {
          if (call.decided) return;
          if (fate < 0.05) {
            call.decided = true;
            call.refused = true;
            hear(() => reject(new DidNotHappen("the outside system refused")));
          } else if (fate < 0.1) {
            call.decided = true;
            hear(() => reject(new Error("no connection")));
          } else {
            const result = apply();
            // Its answer is lost.
            if (fate < 0.15) hear(() => reject(new Error("connection reset")));
            else if (fate > 0.18 || silent) hear(() => resolve(result));
          }
        });
      });
    },
    ask(key, who) {
      const { calls, asked, results } = of(key);
      if (who === "runtime" && calls.some((call) => !call.decided && nowMs() < call.startedAtMs + ACT_MS - CLOCKS_MS))
        stage.breakInvariant("G6: nobody asks about an effect that may be at work", key);
      const result = results.at(-1);
      asked.push({ atMs: nowMs(), happened: result !== undefined });
      return result === undefined ? { happened: false } : { happened: true, result };
    },
    given(key, result) {
      const before = given.get(key);
      if (before !== undefined && before !== result)
        stage.breakInvariant("G5: an effect key gives the same result", `${key} gave ${before}, and then ${result}`);
      given.set(key, result);
    },
    check(key, kind) {
      const { calls, asked } = of(key);
      if (kind === "rerun") return;
      calls.forEach((call, i) => {
        const before = calls[i - 1];
        if (before === undefined || before.refused) return;
        const doubt = asked.some(({ atMs, happened }) => !happened && atMs >= before.startedAtMs && atMs <= call.startedAtMs);
        if (doubt) return;
        stage.breakInvariant(
          "G6: what is in doubt is not run again unasked",
          `${key} (${kind}), call ${i + 1} of ${calls.length}`,
        );
      });
    },
  };
}
