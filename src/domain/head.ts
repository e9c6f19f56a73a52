/** The snapshot of a work item (HEAD): the one record that says how far it is. Absent means version 0. */
import type { ArtifactRef } from "./engine.ts";
import { assertNever, invariant } from "./errors.ts";
import type { GroupWait } from "./group.ts";
import { type FencingToken, parseToken } from "./ids.ts";
import type { Item, Stored } from "./item.ts";
import { RECOVER_MS } from "./limits.ts";
import type { StoredError } from "./stored-error.ts";
import { EMPTY_STRAND, type Strand } from "./strand.ts";
import { NO_UNITS, type Units } from "./units.ts";
import type { StoredWake } from "./wake.ts";

/** A cause as data; `recover` is given it with a live Error. */
export type StoredCause =
  | { readonly kind: "exhausted"; readonly error: StoredError }
  | { readonly kind: "crashed"; readonly attempts: number }
  | { readonly kind: "cancelled"; readonly reason: string }
  | { readonly kind: "deadline" }
  | { readonly kind: "limit"; readonly name: string };

export type WaitingStatus = {
  readonly kind: "waiting";
  readonly sinceMs: number;
  /** Names; empty when it waits for no signal. */
  readonly signals: readonly string[];
  readonly group: GroupWait | null;
  readonly timeoutAtMs: number | null;
};
export type OpenStatus =
  | { readonly kind: "ready" }
  | {
      readonly kind: "sleeping";
      readonly sinceMs: number;
      readonly wakeAtMs: number;
      /** `effect`: until an effect of a dead attempt is in doubt, or its outside system is asked again. */
      readonly why: "delay" | "retry" | "effect";
    }
  | WaitingStatus;
/** It has its result, and ends unless something came in meanwhile that nobody has read. */
export type ClosingStatus = { readonly kind: "closing"; readonly sinceMs: number; readonly result: Stored };
export type BadEnd = {
  readonly kind: "failed" | "cancelled" | "dead_lettered";
  readonly endedAtMs: number;
  readonly error: StoredError;
  /** Null when the step itself said `ctx.fail`. */
  readonly cause: StoredCause | null;
};
export type EndedStatus = { readonly kind: "completed"; readonly endedAtMs: number; readonly result: Stored } | BadEnd;
export type PausedStatus = {
  readonly kind: "paused";
  readonly sinceMs: number;
  readonly reason: string;
  readonly beneath: OpenStatus;
};
/** A field exists only in the states that have it. */
export type Status = OpenStatus | ClosingStatus | PausedStatus | EndedStatus;

/** What an attempt may still use; counted from enqueue or from the last redrive. */
export interface Budget {
  readonly sinceVersion: number;
  readonly sinceMs: number;
  /** Meters as they stood then. */
  readonly meters: Readonly<Record<string, number>>;
}
export interface Recovery {
  readonly cause: StoredCause;
  readonly sinceVersion: number;
  readonly sinceMs: number;
}

export interface Head {
  /** Committed outcomes. */
  readonly version: number;
  /** The token it was committed under; `released` says that the lease of that token is free. */
  readonly token: FencingToken;
  readonly released: boolean;
  readonly status: Status;
  /** The name of the step to come, or of the last one. */
  readonly step: string;
  /** Null until the first commit of an outcome. */
  readonly state: Stored | null;
  /** The engine version that wrote `state`; 0 before the first. */
  readonly engineVersion: number;
  /** The payload as `migrate` carried it over; null when it is still ITEM's. */
  readonly payload: Stored | null;
  /** Of the step to come; a waiting item gets its own by the claim that ends the wait. */
  readonly wake: StoredWake;
  /** Attempts on record for the step to come: counted before they run (G2). */
  readonly attempt: number;
  /** Of these, the ones that threw. */
  readonly failures: number;
  /** Of these, the ones whose worker died while nothing else ran on it. */
  readonly crashes: number;
  readonly lastError: StoredError | null;
  readonly meters: Readonly<Record<string, number>>;
  /** What workers had used for it when it was committed, where that is counted. */
  readonly units: Units;
  readonly artifacts: readonly ArtifactRef[];
  readonly sealedArtifacts: Strand;
  readonly journal: Strand;
  readonly log: Strand;
  /** An attempt of this version that came to nothing may have left text in the output stream, or children that are listed. */
  readonly leftTraces: boolean;
  /** Sort keys of the inbox entries that this commit consumed. */
  readonly consumed: readonly string[];
  readonly budget: Budget;
  /** Set while `recover` has its turn. */
  readonly recovery: Recovery | null;
  /** `recover` had its turn in this life. */
  readonly recovered: boolean;
  /** The earlier of the item's own and the engine's; null for none. */
  readonly deadlineAtMs: number | null;
  readonly updatedAtMs: number;
  /** From when on the item may be forgotten; null while it is open. */
  readonly rememberedUntilAtMs: number | null;
}

export const STEP_NAME = "step";
export const RECOVER_NAME = "recover";

/** The snapshot of an item that nobody has worked on yet; `deadlineMs` is the item's and, where it is known, the engine's. */
export function initialHead(
  item: Pick<Item, "createdAtMs" | "startAtMs" | "deadlineMs">,
  deadlineMs: number | null = item.deadlineMs,
): Head {
  const waits = item.startAtMs > item.createdAtMs;
  return {
    version: 0,
    token: parseToken(0),
    released: true,
    status: waits ? { kind: "sleeping", sinceMs: item.createdAtMs, wakeAtMs: item.startAtMs, why: "delay" } : { kind: "ready" },
    step: STEP_NAME,
    state: null,
    engineVersion: 0,
    payload: null,
    wake: { kind: "go" },
    attempt: 0,
    failures: 0,
    crashes: 0,
    lastError: null,
    meters: {},
    units: NO_UNITS,
    artifacts: [],
    sealedArtifacts: EMPTY_STRAND,
    journal: EMPTY_STRAND,
    log: EMPTY_STRAND,
    leftTraces: false,
    consumed: [],
    budget: { sinceVersion: 0, sinceMs: item.createdAtMs, meters: {} },
    recovery: null,
    recovered: false,
    deadlineAtMs: deadlineMs === null ? null : item.createdAtMs + deadlineMs,
    updatedAtMs: item.createdAtMs,
    rememberedUntilAtMs: null,
  };
}

export function isEnded(status: Status): status is EndedStatus {
  switch (status.kind) {
    case "completed":
    case "failed":
    case "cancelled":
    case "dead_lettered":
      return true;
    case "ready":
    case "sleeping":
    case "waiting":
    case "closing":
    case "paused":
      return false;
    default:
      return assertNever(status);
  }
}
export function isPaused(status: Status): status is PausedStatus {
  return status.kind === "paused";
}
/** The snapshot as the step that this wake is for finds it. */
export function woken(head: Head, wake: StoredWake): Head {
  return { ...head, status: { kind: "ready" }, wake };
}
/** Attempts belong to items at work: nothing but a redrive changes an ended one, nothing but a command a paused one. */
export function requireOpen(head: Head): OpenStatus {
  const { status } = head;
  const atWork = status.kind === "ready" || status.kind === "sleeping" || status.kind === "waiting";
  invariant(atWork, `expected an item at work, got one that is ${status.kind}`);
  return status;
}
/** While `recover` has its turn its own bound stands for the item's; a paused item has none until it is resumed. */
export function deadlineOf(head: Head): number | null {
  if (head.status.kind === "paused" || head.status.kind === "closing" || isEnded(head.status)) return null;
  return head.recovery === null ? head.deadlineAtMs : head.recovery.sinceMs + RECOVER_MS;
}
/**
 * A key that belongs to the step to come. The first step of `recover` has the version of the step that failed: their
 * keys are not to meet.
 */
export function keyOfStep(head: Head, key: string): string {
  return `${head.recovery === null ? STEP_NAME : `${RECOVER_NAME} ${head.recovery.sinceMs}`}/${key}`;
}
