/** What one item has of a worker before others have their turn. */
import { INLINE_MS, INLINE_STEPS } from "../domain/limits.ts";
import type { Deps } from "./deps.ts";

/** What one message has had so far, in all its sessions: an item with much to read has no more than one with many steps. */
export interface Turn {
  /** Attempts. */
  steps: number;
  /** Null before the first. */
  sinceMs: number | null;
  slowestMs: number;
}

/** So many steps, or so long, are one item's share where others wait. */
export function hadItsShare({ clock }: Pick<Deps, "clock">, { steps, sinceMs }: Turn): boolean {
  return steps >= INLINE_STEPS || (sinceMs !== null && clock.nowMs() - sinceMs >= INLINE_MS);
}
