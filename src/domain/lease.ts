/**
 * Who works on an item now. A claim writes LEASE at the revision it read, with the attempt it stands for, counted
 * before the work (G2). Release costs no write: a lease whose token HEAD calls released is free.
 */
import type { Head } from "./head.ts";
import type { FencingToken } from "./ids.ts";
import { MAX_DELAY_MS } from "./limits.ts";
import type { StoredWake } from "./wake.ts";

export interface Lease {
  /** ProcessTable's name of the process. */
  readonly holder: string;
  /** The message that its holder works on: in flight, and back if the holder dies. */
  readonly messageId: string;
  readonly token: FencingToken;
  readonly expiresAtMs: number;
  /** The version it was claimed at. */
  readonly version: number;
  /** The attempt it stands for, or inherits without an outcome, from 1; null when it was claimed for commands alone. */
  readonly attempt: number | null;
  /** What ended the wait, when it was claimed out of one: the same on every attempt. Null otherwise. */
  readonly wake: StoredWake | null;
  /** Nothing else ran in its process when it was claimed: a death counts against the item. */
  readonly alone: boolean;
}

/** `held`: somebody may be at work. `lapsed`: its holder is gone or late, and left no outcome. */
export type LeaseState = "free" | "held" | "lapsed";

export function leaseState(lease: Lease | null, head: Head, nowMs: number, holderGone: boolean): LeaseState {
  if (lease === null) return "free";
  if (head.released && head.token >= lease.token) return "free";
  if (holderGone || lease.expiresAtMs <= nowMs) return "lapsed";
  // No lease is ever given for so long: it was written under another clock, and a live holder would have renewed it.
  if (lease.expiresAtMs > nowMs + MAX_DELAY_MS) return "lapsed";
  return "held";
}

/** Attempts on record for the step to come: those of HEAD, or the one that a claim stands for that HEAD has not met. */
export function attemptsOnRecord(head: Head, lease: Lease | null): number {
  if (lease === null || lease.attempt === null || lease.version !== head.version || lease.token <= head.token)
    return head.attempt;
  return Math.max(head.attempt, lease.attempt);
}
/** What ended the wait for an attempt that HEAD has not met. † Only while HEAD waits: else its claim came too late. */
export function inheritedWake(head: Head, lease: Lease | null): StoredWake | null {
  if (head.status.kind !== "waiting" || lease === null || lease.version !== head.version || lease.token <= head.token)
    return null;
  return lease.wake;
}
/**
 * An attempt was on its way when the lease lapsed: what it did is unknown. Either HEAD's (a commit that did not release
 * put it on record), or the lease's; an attempt claimed for a version that HEAD has left behind never began.
 */
export function leftNoOutcome(head: Head, lease: Lease | null): boolean {
  if (lease === null || (head.released && head.token >= lease.token)) return false;
  if (!head.released && head.attempt > 0) return true;
  return lease.token > head.token && lease.version === head.version && lease.attempt !== null;
}
/** The attempt that left no outcome ran alone: the version has not moved since it was claimed so. */
export function diedAlone(head: Head, lease: Lease | null): boolean {
  return lease?.alone === true && lease.version === head.version && leftNoOutcome(head, lease);
}
