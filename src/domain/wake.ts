/** Why a step runs, as data. Fixed by the claim that found it, and the same on every attempt of the step. */
export type StoredWake =
  | { readonly kind: "go" }
  | { readonly kind: "timeout" }
  | { readonly kind: "resumed"; readonly note: string }
  /** Sort key of its inbox entry, which stays there until the step's commit. */
  | { readonly kind: "signal"; readonly sort: string; readonly name: string }
  | { readonly kind: "children"; readonly group: string; readonly succeeded: number; readonly failed: number };
