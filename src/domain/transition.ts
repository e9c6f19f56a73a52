/**
 * The state machine: `transition(head, input, rules)` gives the snapshot that follows, and what to write in the
 * journal. Pure; nothing else in Rookery makes a snapshot out of another.
 *
 * It owns status, version, attempts, budgets, recovery and ends. It does not own the lease (token, released), inbox
 * consumption or where values are kept: the session sets those when it commits.
 *
 * G1: the version rises by one for a committed outcome and for nothing else.
 * G2: attempts only rise within a version; a step given back is the one exception, and it is on record.
 */

import { applyCommand } from "./command.ts";
import {
  at,
  endBadly,
  endEvent,
  ended,
  type From,
  finalEnd,
  limitPassed,
  type Rules,
  recoveryIsOver,
  type Transition,
} from "./ends.ts";
import type { ArtifactRef } from "./engine.ts";
import { assertNever, invariant } from "./errors.ts";
import type { GroupWait } from "./group.ts";
import { type Head, isEnded, type OpenStatus, requireOpen, woken } from "./head.ts";
import type { Command } from "./inbox.ts";
import type { Stored } from "./item.ts";
import type { JournalEvent } from "./journal.ts";
import type { StoredError } from "./stored-error.ts";
import type { StoredWake } from "./wake.ts";

/** What an attempt brings with it, whether it ended well or not. */
export interface AttemptReport {
  readonly attempt: number;
  readonly durationMs: number;
  readonly meters: Readonly<Record<string, number>>;
  /** It left what a later attempt of the step is to clear away: text in the output stream, or children that are listed. */
  readonly leftTraces: boolean;
}
export interface OutcomeReport extends AttemptReport {
  readonly state: Stored;
  readonly engineVersion: number;
  readonly payload: Stored | null;
  readonly artifacts: readonly ArtifactRef[];
  /** The version that `migrate` carried over, or null. */
  readonly migratedFrom: number | null;
}

export type Input =
  | {
      readonly kind: "advance";
      readonly report: OutcomeReport;
      readonly next: { readonly step: string; readonly wakeAtMs: number };
    }
  | { readonly kind: "wait"; readonly report: OutcomeReport; readonly wait: Wait }
  | { readonly kind: "complete"; readonly report: OutcomeReport; readonly result: Stored; readonly ifUnread: "step" | "drop" }
  /** What a closing item is to read first; null: nothing, so it ends. */
  | { readonly kind: "close"; readonly wake: StoredWake | null }
  | { readonly kind: "fail"; readonly report: AttemptReport; readonly error: StoredError }
  /** `retryAtMs` null: the attempts of its class are used up. */
  | { readonly kind: "threw"; readonly report: AttemptReport; readonly error: StoredError; readonly retryAtMs: number | null }
  | { readonly kind: "took_over"; readonly attempts: number; readonly noOutcome: boolean; readonly alone: boolean }
  | { readonly kind: "gave_back"; readonly report: AttemptReport }
  /** An effect's outcome is not known: it is asked about again at an instant, or by a person (null). */
  | {
      readonly kind: "in_doubt";
      readonly report: AttemptReport;
      readonly key: string;
      readonly why: string;
      readonly untilAtMs: number | null;
    }
  | { readonly kind: "cannot_migrate"; readonly attempt: number; readonly error: StoredError }
  | { readonly kind: "overdue" }
  | { readonly kind: "command"; readonly command: Command };

/** What an item waits for, whichever comes first. */
export interface Wait {
  readonly step: string;
  readonly signals: readonly string[];
  readonly group: GroupWait | null;
  readonly timeoutAtMs: number | null;
}

export function transition(nowMs: number, head: Head, input: Input, rules: Rules): Transition {
  const from: From = { nowMs, head, rules };
  switch (input.kind) {
    case "advance":
      return advance(from, input.report, input.next);
    case "wait":
      return wait(from, input.report, input.wait);
    case "complete":
      return input.ifUnread === "step" ? closing(from, input.report, input.result) : complete(from, input.report, input.result);
    case "close":
      return close(from, input.wake);
    case "fail":
      return fail(from, input.report, input.error);
    case "threw":
      return threw(from, input.report, input.error, input.retryAtMs);
    case "took_over":
      return takeOver(from, input);
    case "gave_back":
      return giveBack(from, input.report);
    case "in_doubt":
      return inDoubt(from, input);
    case "cannot_migrate":
      return cannotMigrate(from, input.attempt, input.error);
    case "overdue":
      requireOpen(head);
      return endBadly(from, head, { kind: "deadline" }, []);
    case "command":
      return applyCommand(from, input.command);
    default:
      return assertNever(input);
  }
}

function advance(from: From, report: OutcomeReport, to: { step: string; wakeAtMs: number }): Transition {
  const status: OpenStatus =
    to.wakeAtMs > from.nowMs ? { kind: "sleeping", sinceMs: from.nowMs, wakeAtMs: to.wakeAtMs, why: "delay" } : { kind: "ready" };
  return goOn(from, report, to.step, status);
}
function wait(from: From, report: OutcomeReport, { step, ...what }: Wait): Transition {
  return goOn(from, report, step, { kind: "waiting", sinceMs: from.nowMs, ...what });
}
function goOn(from: From, report: OutcomeReport, step: string, status: OpenStatus): Transition {
  const next: Head = { ...committed(from, report), status, step };
  const changes = stepEvents(from, next, report);
  const limit = limitPassed(next, from.rules);
  if (limit !== null) return endBadly(from, next, limit, changes);
  if (recoveryIsOver(from, next)) return finalEnd(from, next, changes);
  return { next, changes };
}

function complete(from: From, report: OutcomeReport, result: Stored): Transition {
  const next = ended(from, committed(from, report), { kind: "completed", endedAtMs: from.nowMs, result });
  return { next, changes: [...stepEvents(from, next, report), endEvent(from, next)] };
}

/** Committed, but not the end yet: what came in by now is read first. */
function closing(from: From, report: OutcomeReport, result: Stored): Transition {
  const next: Head = { ...committed(from, report), status: { kind: "closing", sinceMs: from.nowMs, result } };
  return { next, changes: stepEvents(from, next, report) };
}
/** Something is unread: the result is dropped, and the item goes on from its last state. */
function close(from: From, wake: StoredWake | null): Transition {
  const { head, nowMs } = from;
  const { status } = head;
  invariant(status.kind === "closing", `expected a closing item, got one that is ${status.kind}`);
  if (wake !== null) return { next: { ...woken(head, wake), updatedAtMs: nowMs }, changes: [] };
  const next = ended(from, head, { kind: "completed", endedAtMs: nowMs, result: status.result });
  return { next, changes: [endEvent(from, next)] };
}

/** The author's word: no retry, no `recover`. Within `recover`, the end keeps the status of its cause. */
function fail(from: From, report: AttemptReport, error: StoredError): Transition {
  const spentHead = spent(from, report, error);
  const changes = [failedEvent(from, report, error, null)];
  if (spentHead.recovery !== null) return finalEnd(from, spentHead, changes);
  const next = ended(from, spentHead, { kind: "failed", endedAtMs: from.nowMs, error, cause: null });
  return { next, changes: [...changes, endEvent(from, next)] };
}

function threw(from: From, report: AttemptReport, error: StoredError, retryAtMs: number | null): Transition {
  const next = spent(from, report, error);
  const changes = [failedEvent(from, report, error, retryAtMs)];
  const limit = limitPassed(next, from.rules);
  if (limit !== null) return endBadly(from, next, limit, changes);
  if (retryAtMs === null) return endBadly(from, next, { kind: "exhausted", error }, changes);
  if (recoveryIsOver(from, next)) return finalEnd(from, next, changes);
  const status: OpenStatus =
    retryAtMs > from.nowMs ? { kind: "sleeping", sinceMs: from.nowMs, wakeAtMs: retryAtMs, why: "retry" } : { kind: "ready" };
  return { next: { ...next, status }, changes };
}

/** A lease was taken over that was not released: the attempt it stood for is on record, whatever it did (G2). */
function takeOver(from: From, lapsed: { attempts: number; noOutcome: boolean; alone: boolean }): Transition {
  const { head, rules } = from;
  const crashes = head.crashes + (lapsed.alone ? 1 : 0);
  const leftTraces = head.leftTraces || lapsed.noOutcome;
  const next: Head = { ...head, attempt: lapsed.attempts, crashes, leftTraces, updatedAtMs: from.nowMs };
  const changes: JournalEvent[] = lapsed.noOutcome
    ? [{ kind: "taken_over", ...at(from, head), step: head.step, attempt: lapsed.attempts, alone: lapsed.alone }]
    : [];
  return lapsed.alone && crashes > rules.limits.crashes && !isEnded(head.status)
    ? endBadly(from, next, { kind: "crashed", attempts: lapsed.attempts }, changes)
    : { next, changes };
}

/** The worker shuts down: the attempt is not spent, but what it used is. */
function giveBack(from: From, report: AttemptReport): Transition {
  const next = unspent(from, report);
  return { next, changes: [{ kind: "given_back", ...at(from, next), step: next.step, attempt: report.attempt }] };
}
/** The step has not failed: it goes on when the outside system can be asked again, or a person has said what happened. */
function inDoubt(from: From, { report, key, why, untilAtMs }: Input & { kind: "in_doubt" }): Transition {
  const next = unspent(from, report);
  const event: JournalEvent = { kind: "in_doubt", ...at(from, next), step: next.step, key, why, untilAtMs };
  const limit = limitPassed(next, from.rules);
  if (limit !== null) return endBadly(from, next, limit, [event]);
  if (recoveryIsOver(from, next)) return finalEnd(from, next, [event]);
  if (untilAtMs === null) {
    const status = { kind: "paused", sinceMs: from.nowMs, reason: why, beneath: { kind: "ready" } } as const;
    return { next: { ...next, status }, changes: [event] };
  }
  const status: OpenStatus = { kind: "sleeping", sinceMs: from.nowMs, wakeAtMs: untilAtMs, why: "effect" };
  return { next: { ...next, status }, changes: [event] };
}

/** Nothing is lost: the item waits for an engine that can carry it over. */
function cannotMigrate(from: From, attempt: number, error: StoredError): Transition {
  const { head } = from;
  const beneath = requireOpen(head);
  const reason = `migrate failed: ${error.message}`;
  const status = { kind: "paused", sinceMs: from.nowMs, reason, beneath } as const;
  const next: Head = { ...head, status, attempt: attempt - 1, lastError: error, updatedAtMs: from.nowMs };
  return { next, changes: [{ kind: "paused", ...at(from, next), reason }] };
}

/** The part that every committed outcome shares: one version on, and a clean slate for the next step. */
function committed(from: From, report: OutcomeReport): Head {
  const { head } = from;
  requireOpen(head);
  return {
    ...head,
    version: head.version + 1,
    state: report.state,
    engineVersion: report.engineVersion,
    payload: report.payload,
    wake: { kind: "go" },
    attempt: 0,
    failures: 0,
    crashes: 0,
    leftTraces: false,
    lastError: null,
    meters: added(head.meters, report.meters),
    artifacts: report.artifacts.length === 0 ? head.artifacts : [...head.artifacts, ...report.artifacts],
    updatedAtMs: from.nowMs,
  };
}
/** A failed attempt: same version, its meters count. */
function spent(from: From, report: AttemptReport, error: StoredError): Head {
  const { head } = from;
  requireOpen(head);
  return {
    ...head,
    attempt: report.attempt,
    failures: head.failures + 1,
    lastError: error,
    meters: added(head.meters, report.meters),
    leftTraces: head.leftTraces || report.leftTraces,
    updatedAtMs: from.nowMs,
  };
}
/** An attempt that is not charged: same version, its meters count. */
function unspent(from: From, report: AttemptReport): Head {
  const { head } = from;
  requireOpen(head);
  return {
    ...head,
    attempt: report.attempt - 1,
    meters: added(head.meters, report.meters),
    leftTraces: head.leftTraces || report.leftTraces,
    updatedAtMs: from.nowMs,
  };
}
function added(meters: Head["meters"], more: Head["meters"]): Head["meters"] {
  const amounts = Object.entries(more);
  if (amounts.length === 0) return meters;
  // A map, since a meter may be called `constructor`.
  const sum = new Map(Object.entries(meters));
  for (const [name, amount] of amounts) sum.set(name, (sum.get(name) ?? 0) + amount);
  return Object.fromEntries(sum);
}

function stepEvents(from: From, next: Head, report: OutcomeReport): JournalEvent[] {
  const { attempt, durationMs, state, migratedFrom } = report;
  const { wake, step } = from.head;
  const events: JournalEvent[] = [{ kind: "step", ...at(from, next), step, attempt, durationMs, state }];
  if (migratedFrom !== null)
    events.unshift({ kind: "migrated", ...at(from, from.head), from: migratedFrom, to: report.engineVersion });
  if (wake.kind !== "go" && wake.kind !== "resumed") events.unshift({ kind: "woken", ...at(from, from.head), step, wake });
  return events;
}
function failedEvent(from: From, report: AttemptReport, error: StoredError, retryAtMs: number | null): JournalEvent {
  const { attempt, durationMs } = report;
  return { kind: "failed", ...at(from, from.head), step: from.head.step, attempt, durationMs, error, retryAtMs };
}
