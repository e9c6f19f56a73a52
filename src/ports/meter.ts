import type { Units } from "../domain/units.ts";

/** Counts what a process uses of what is billed, by the work item that it is used for. Nothing in the protocol reads it. */
export interface Meter {
  /** What was used for this partition since it was last taken; null for nothing. Approximate: it may forget. */
  take(partition: string): Units | null;
}
