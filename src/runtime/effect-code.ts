/** Calling an author's code for an effect, within its time and knowing that it is within one. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Fence } from "../domain/effect.ts";
import { EffectInDoubtError } from "../domain/errors.ts";
import type { AttemptScope } from "./attempt-scope.ts";

export type CodeEnd =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "timed_out" };

interface Within {
  readonly attempt: object;
  readonly key: string;
}
const within = new AsyncLocalStorage<Within>();

/** The key of this attempt's effect whose code is running; null outside of any. */
export function effectAround(attempt: object): string | null {
  const around = within.getStore();
  return around?.attempt === attempt ? around.key : null;
}

/** Runs the code of an effect, which then knows within which effect of this attempt it is. */
export function runWithin<T>(attempt: object, key: string, code: () => Promise<T>): Promise<T> {
  return within.run({ attempt, key }, code);
}

/** Never rejects. Code that does not heed its signal is left behind when its time is over. */
export async function callWithin(
  attempt: AttemptScope,
  { key, idempotencyKey, ms }: { key: string; idempotencyKey: string; ms: number },
  code: (fence: Fence) => Promise<unknown>,
): Promise<CodeEnd> {
  const { deps, abort, item } = attempt;
  const controller = new AbortController();
  const ended = (): void => controller.abort(abort.reason);
  abort.signal().addEventListener("abort", ended, { once: true });
  if (abort.aborted) ended();
  let cancelTimer = (): void => undefined;
  const timeUp = new Promise<CodeEnd>((resolve) => {
    cancelTimer = deps.clock.after(ms, () => {
      controller.abort(new EffectInDoubtError(item.workId, key, "its time is over"));
      resolve({ kind: "timed_out" });
    });
  });
  const fence: Fence = { idempotencyKey, fencingToken: attempt.token, abortSignal: controller.signal };
  const call = runWithin(attempt, key, async () => code(fence));
  try {
    return await Promise.race([
      call.then(
        (value): CodeEnd => ({ kind: "returned", value }),
        (error: unknown): CodeEnd => ({ kind: "threw", error }),
      ),
      timeUp,
    ]);
  } finally {
    cancelTimer();
    abort.signal().removeEventListener("abort", ended);
  }
}
