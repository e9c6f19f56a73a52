import type { Effect } from "../domain/effect.ts";
import { InvariantError } from "../domain/errors.ts";
import type { Part } from "./attempt-scope.ts";

export interface Effects {
  effect<I, T>(key: string, input: I, effect: Effect<I, T>): Promise<T>;
  /** Resolves once every effect that was begun has come to an end; never rejects. */
  settled(): Promise<void>;
}
export function createEffects(_part: Part): Effects {
  return {
    effect: async () => {
      throw new InvariantError("not yet");
    },
    settled: async () => undefined,
  };
}
