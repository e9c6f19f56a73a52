import type { Contract, Signals } from "../domain/contract.ts";
import type { ChildOptions, Ended } from "../domain/engine.ts";
import { InvariantError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import type { Part } from "./attempt-scope.ts";

export interface Children {
  start<P extends Json, R extends Json, G extends Signals>(
    contract: Contract<P, R, G>,
    payload: P,
    options: ChildOptions,
  ): Promise<string>;
  results<R extends Json>(contract: Contract<Json, R>, group: string): AsyncIterable<{ readonly key: string } & Ended<R>>;
  /** Resolves once every start has come to an end; never rejects. */
  settled(): Promise<void>;
  /** Lists in their groups whoever was started by this attempt: from its commit on they are waited for. */
  list(): Promise<void>;
}
export function createChildren(_part: Part): Children {
  return {
    start: async () => {
      throw new InvariantError("not yet");
    },
    results: () => {
      throw new InvariantError("not yet");
    },
    settled: async () => undefined,
    list: async () => undefined,
  };
}
