/** How items end: limits, the turn of `recover`, and the statuses that only a redrive changes. */
import { assertNever, invariant } from "./errors.ts";
import { type BadEnd, type EndedStatus, type Head, RECOVER_NAME, type StoredCause } from "./head.ts";
import type { JournalEvent } from "./journal.ts";
import { RECOVER_MS, RECOVER_STEPS } from "./limits.ts";
import type { StoredError } from "./stored-error.ts";

/** What the engine and the store's settings say. */
export interface Rules {
  readonly hasRecover: boolean;
  /** `crashes` always has a bound; a null is none. */
  readonly limits: { readonly steps: number | null; readonly crashes: number; readonly meters: Readonly<Record<string, number>> };
  /** From enqueue or redrive to the deadline, the item's and the engine's together; null for none. */
  readonly deadlineMs: number | null;
  readonly retentionMs: number;
}

export interface Transition {
  readonly next: Head;
  readonly changes: readonly JournalEvent[];
}

/** What a transition starts from. */
export interface From {
  readonly nowMs: number;
  readonly head: Head;
  readonly rules: Rules;
}

export function at(from: From, head: Head): { version: number; atMs: number } {
  return { version: head.version, atMs: from.nowMs };
}

/** A limit of the engine that the item has passed. Limits are off while `recover` has its turn. */
export function limitPassed(head: Head, rules: Rules): StoredCause | null {
  if (head.recovery !== null) return null;
  const { steps, meters } = rules.limits;
  if (steps !== null && head.version - head.budget.sinceVersion >= steps) return { kind: "limit", name: "steps" };
  for (const [name, limit] of Object.entries(meters)) {
    const used = meterOf(head.meters, name) - meterOf(head.budget.meters, name);
    if (used > limit) return { kind: "limit", name: `meters.${name}` };
  }
  return null;
}
/** Names are the author's: one of them may be `constructor`. */
function meterOf(meters: Head["meters"], name: string): number {
  const used = Object.hasOwn(meters, name) ? meters[name] : undefined;
  return used ?? 0;
}
export function recoveryIsOver(from: From, head: Head): boolean {
  if (head.recovery === null) return false;
  return head.version - head.recovery.sinceVersion >= RECOVER_STEPS || from.nowMs - head.recovery.sinceMs >= RECOVER_MS;
}

/** `recover` has its turn first, once per life; after it, or without it, the end is final. */
export function endBadly(from: From, head: Head, cause: StoredCause, changes: readonly JournalEvent[]): Transition {
  if (head.recovery !== null) return finalEnd(from, head, changes);
  const recovery = { cause, sinceVersion: head.version, sinceMs: from.nowMs };
  if (!from.rules.hasRecover || head.recovered) return finalEnd(from, { ...head, recovery }, changes);
  const next: Head = {
    ...head,
    status: { kind: "ready" },
    step: RECOVER_NAME,
    wake: { kind: "go" },
    attempt: 0,
    failures: 0,
    crashes: 0,
    recovery,
    recovered: true,
    updatedAtMs: from.nowMs,
  };
  return { next, changes: [...changes, { kind: "recovering", ...at(from, next), cause }] };
}

/** The end that the cause of the recovery asks for. */
export function finalEnd(from: From, head: Head, changes: readonly JournalEvent[]): Transition {
  invariant(head.recovery !== null, "the end of a recovery has the cause of the recovery");
  const next = ended(from, head, badEnd(from.nowMs, head.recovery.cause));
  return { next, changes: [...changes, endEvent(from, next)] };
}

export function ended(from: From, head: Head, status: EndedStatus): Head {
  return {
    ...head,
    status,
    recovery: null,
    attempt: 0,
    rememberedUntilAtMs: from.nowMs + from.rules.retentionMs,
    updatedAtMs: from.nowMs,
  };
}
export function endEvent(from: From, head: Head): JournalEvent {
  const cause = "cause" in head.status ? head.status.cause : null;
  return { kind: "ended", ...at(from, head), status: head.status.kind, cause };
}

function badEnd(endedAtMs: number, cause: StoredCause): BadEnd {
  switch (cause.kind) {
    case "exhausted":
      return { kind: "dead_lettered", endedAtMs, cause, error: cause.error };
    case "crashed": {
      const message = `its worker died in this step more often than limits.crashes allows, the last time in attempt ${cause.attempts}`;
      return { kind: "dead_lettered", endedAtMs, cause, error: reason("CrashedError", message, "crashed") };
    }
    case "cancelled":
      return { kind: "cancelled", endedAtMs, cause, error: reason("CancelledError", cause.reason, "cancelled") };
    case "deadline":
      return {
        kind: "failed",
        endedAtMs,
        cause,
        error: reason("DeadlineError", "the deadline passed before the item ended", "deadline"),
      };
    case "limit":
      return { kind: "failed", endedAtMs, cause, error: reason("LimitError", `limits.${cause.name} was reached`, "limit") };
    default:
      return assertNever(cause);
  }
}
function reason(name: string, message: string, code: string): StoredError {
  return { name, message, class: "business", code, stack: null, cause: null };
}
