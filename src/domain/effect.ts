/**
 * The ledger of one side effect (G6). What an author gives to `ctx.effect`, and the rules by which an outcome that is
 * not known is found out, parked or risked again; pure.
 */

type Ms = number;

/** Thrown by an effect's code: it surely did not happen, and a retry is safe. Any other throw leaves the effect in doubt. */
export class DidNotHappen extends Error {
  override readonly name = "DidNotHappen";
}

/** What the code of an effect may hand to the outside system. */
export interface Fence {
  /** The same whenever this effect is tried or asked about. */
  readonly idempotencyKey: string;
  /** Rises with every claim of the item. */
  readonly fencingToken: number;
  /** Fires when the attempt is over, or the effect's time. */
  readonly abortSignal: AbortSignal;
}
/** What an author's `ifInDoubt` found out. */
export type Verdict<T> =
  | { readonly happened: true; readonly result: T }
  | { readonly happened: false }
  | { readonly askAgainMs: Ms };

export interface Effect<I, T> {
  run(input: I, fence: Fence): Promise<T>;
  /** The choice everyone must make: run again, wait for a person, or ask the outside system what happened. */
  ifInDoubt: "rerun" | "park" | ((input: I, fence: Fence) => Promise<Verdict<T>>);
  /** How long `run` may take; after it the effect is in doubt. Default 1 min. */
  timeoutMs?: Ms;
  /** Whose key it is: the step's own (counted by committed outcomes), or the item's for all its steps. Default "step". */
  scope?: "step" | "item";
}
