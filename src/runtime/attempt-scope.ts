/** What one attempt of one step is given to work with, and what the parts of its context have in common. */
import type { Signals } from "../domain/contract.ts";
import type { Engine, Wake } from "../domain/engine.ts";
import type { Head } from "../domain/head.ts";
import type { FencingToken } from "../domain/ids.ts";
import type { Item } from "../domain/item.ts";
import type { Abort } from "./abort.ts";
import type { Deps } from "./deps.ts";
import type { Family } from "./family.ts";
import type { Interruptions } from "./interruption.ts";

export interface AttemptScope {
  readonly deps: Deps;
  readonly partition: string;
  readonly item: Item;
  readonly head: Head;
  readonly engine: Engine;
  readonly attempt: number;
  readonly token: FencingToken;
  readonly endsAtMs: number;
  readonly abort: Abort;
  /** JSON text that the engine's schema has passed. */
  readonly payload: string;
  readonly wake: Wake<Signals>;
  readonly family: Family;
}

/** What the parts of a context have in common. */
export interface Part {
  readonly scope: AttemptScope;
  /** Throws when the attempt is over. */
  readonly guard: (what: string) => void;
  readonly interruptions: Interruptions;
}

/** A promise of ours that fails when no step waits for it: that ends the attempt or nothing, and never the process. */
export function unheeded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
